"""Whose code a job runs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from handlers.jobs import PermanentFailure
from handlers.lora.context import trusted_encoder


def test_code_is_trusted_by_its_bytes(tmp_path: Path) -> None:
    assert trusted_encoder(tmp_path, None) is None
    path = tmp_path / "lora_encoder.py"
    path.write_bytes(b"1")
    for sha256, says in ((None, "is not trusted"), ("0" * 64, "changed since it was trusted")):
        with pytest.raises(PermanentFailure, match=says):
            trusted_encoder(tmp_path, sha256)
    code = trusted_encoder(tmp_path, hashlib.sha256(b"1").hexdigest())
    assert code is not None
    assert (code.path, code.source) == (path, b"1")
