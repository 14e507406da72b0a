"""Which split a run is of: by a hash of its id, so that no later run ever moves it."""

from __future__ import annotations

import hashlib

TRAIN, TEST = "train", "test"


def split_of(run_id: str, salt: str, test: float) -> str:
    """TEST for about a share of `test` (0 to 1) of all run ids, else TRAIN."""
    digest = hashlib.sha256(f"{salt}:{run_id}".encode("utf-8", "surrogatepass")).digest()
    return TEST if int.from_bytes(digest[:8], "big") < test * 2**64 else TRAIN
