"""A replaced file is recorded if it is as the event says; the file itself is never touched."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from handlers.judge.prompt.recovery import complete
from store.events.base import Event
from store.events.prompt import PromptConflictFound, PromptRewritten, PromptRolledBack

FOUND = PromptConflictFound(file="main.py", reason="edited", version=1)


def rewritten(after: bytes, file: str = "main.py") -> PromptRewritten:
    return PromptRewritten(
        version=2, parent=1, file=file, before_sha256="", rules=(), diff="", by="me",
        after_sha256=hashlib.sha256(after).hexdigest(),
    )  # fmt: skip


def rolled_back(after: bytes) -> PromptRolledBack:
    return PromptRolledBack(
        version=3, of=2, parent=2, file="main.py", before_sha256="", diff="", by="me", reason="",
        after_sha256=hashlib.sha256(after).hexdigest(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("events", "is_done"),
    [
        ((FOUND, rewritten(b"new")), True),
        ((FOUND, rewritten(b"other")), False),
        ((rewritten(b"put in by hand"), rolled_back(b"new")), True),
        ((rewritten(b"new"), rolled_back(b"other")), False),
        ((FOUND,), False),
        ((), False),
    ],
)
def test_the_last_change_tells_whether_the_job_came_so_far(
    events: tuple[Event, ...], is_done: bool, tmp_path: Path
) -> None:
    (tmp_path / "main.py").write_bytes(b"new")
    assert complete(tmp_path, events) == (events if is_done else ())
    assert (tmp_path / "main.py").read_bytes() == b"new"


def test_a_file_that_is_gone_or_lies_elsewhere_was_not_replaced(tmp_path: Path) -> None:
    assert complete(tmp_path, (rewritten(b"new"),)) == ()
    (tmp_path.parent / "main.py").write_bytes(b"new")
    assert complete(tmp_path, (rewritten(b"new", "../main.py"),)) == ()
