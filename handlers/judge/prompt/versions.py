"""Versions of a prompt on disk: what was before, what after, and why, kept for rollback.

    .cadenza-env/prompts/0003/{version.json, before.py, after.py, prompt.diff}

A version is written, whole, before the prompt's file is replaced, and what will be recorded of it
is noted (handlers.judge.prompt.recovery). `version.json` is the event's data; it names the project
and the job it was written by, too.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlers.project.paths import PROMPTS_DIR, inside
from store.durable import (
    hold,
    make_folder,
    remove_abandoned,
    remove_drafts,
    sync,
    write_file,
)
from store.errors import InputError
from store.events.prompt import PromptProposed, PromptRewritten, PromptRolledBack

RECORD = "version.json"
STAGING = ".version-"


@dataclass(frozen=True, slots=True)
class Saved:
    """A version as it lies on disk. `facts` is the event's data (PromptVersion, ...)."""

    number: int
    facts: dict[str, Any]
    before: bytes
    after: bytes


def diff_of(name: str, before: bytes, after: bytes) -> str:
    """A unified diff, for people; what is no UTF-8 is shown as such."""
    old, new = (data.decode("utf-8", "replace").splitlines() for data in (before, after))
    return "\n".join(difflib.unified_diff(old, new, f"a/{name}", f"b/{name}", lineterm=""))


def save_event(
    project: Path,
    job: int | None,
    event: PromptProposed | PromptRewritten | PromptRolledBack,
    before: bytes,
    after: bytes,
) -> None:
    """Write the version that an event is about."""
    facts = {"type": event.type_name(), "project": str(project), "job": job}
    save(project, event.version, facts | event.as_shape(), before, after)


def save(project: Path, number: int, facts: dict[str, Any], before: bytes, after: bytes) -> None:
    """Write a version's folder in one step; one that is there already is replaced."""
    root = inside(project, project / PROMPTS_DIR)
    make_folder(root)
    tidy(project)
    draft = Path(tempfile.mkdtemp(dir=root, prefix=STAGING))
    os.chmod(draft, 0o755)
    held = hold(draft)
    try:
        _fill(draft, before, after, facts)
        target = _folder(project, number)
        if target.exists():
            shutil.rmtree(target)
        os.rename(draft, target)
    finally:
        os.close(held)
    sync(root)


def tidy(project: Path) -> None:
    """Remove what killed writers left."""
    root = inside(project, project / PROMPTS_DIR)
    remove_abandoned(root.glob(f"{STAGING}*"))
    remove_drafts(root)


def _fill(draft: Path, before: bytes, after: bytes, facts: Mapping[str, Any]) -> None:
    write_file(draft / "before.py", before)
    write_file(draft / "after.py", after)
    write_file(draft / "prompt.diff", f"{facts['diff']}\n".encode())
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    write_file(draft / RECORD, f"{text}\n".encode("utf-8", "replace"))


def load(project: Path, number: int) -> Saved:
    """A version. Raises InputError when it is not there whole, or not as it was written."""
    folder = _folder(project, number)
    try:
        facts = json.loads((folder / RECORD).read_bytes())
        before, after = (folder / "before.py").read_bytes(), (folder / "after.py").read_bytes()
        wanted = (facts["before_sha256"], facts["after_sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"{folder}: prompt version {number} is not there, or not whole",
            hint="`cadenzactl prompt PROJECT log` lists the versions",
        ) from None
    if tuple(hashlib.sha256(data).hexdigest() for data in (before, after)) != wanted:
        raise InputError(f"{folder}: prompt version {number} was changed on disk")
    return Saved(number, facts, before, after)


def last_decision(project: Path) -> int:
    """The last trial that the versions on disk tell of (its number in the project); 0 for none."""
    last = 0
    for record in inside(project, project / PROMPTS_DIR).glob(f"*/{RECORD}"):
        try:
            gates = json.loads(record.read_bytes())["gates"]
            told = [gate["numbers"].get("decision", 0) for gate in gates]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue  # not whole, or of no rewrite: it tells of none
        last = max([last, *(int(item) for item in told if isinstance(item, int | float))])
    return last


def discard(project: Path, number: int) -> None:
    """Remove a version that came to nothing."""
    shutil.rmtree(_folder(project, number), ignore_errors=True)


def _folder(project: Path, number: int) -> Path:
    return inside(project, project / PROMPTS_DIR / f"{number:04}")
