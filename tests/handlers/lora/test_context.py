"""What a job's progress says, and whose code it runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from handlers.jobs import PermanentFailure
from handlers.lora.context import trusted_encoder, with_eta


def test_the_time_left_of_a_step_follows_from_the_time_it_took() -> None:
    told: list[Mapping[str, Any]] = []
    now = [100.0]
    report = with_eta(told.append, lambda: now[0])
    for step, done, at in (("a", 0, 100.0), ("a", 2, 103.0), ("b", 5, 110.0), ("b", 6, 114.0)):
        now[0] = at
        report({"step": step, "done": done, "total": 10})
    report({"step": "c"})
    assert [values.get("eta_s") for values in told] == [None, 12.0, None, 16.0, None]


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
