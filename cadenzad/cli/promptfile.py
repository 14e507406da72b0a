"""Whether a prompt's file holds what the log says: for whoever shows a project. Light."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

from store.improvements import PromptRow, prompt_versions


def changed(view: sqlite3.Connection, project: str) -> str:
    """What is to be said of the file, in one line; empty when it is as recorded."""
    rows = prompt_versions(view, project)
    for row in reversed(rows):
        if row.state == "proposed" and _sha256(project, row) == row.after_sha256:
            return f"version {row.version} is in {row.file} already; `approve` records that"
        if row.state == "theirs":
            return f"{row.file} was changed by hand: {row.watch.removeprefix('ended: ')}"
        if row.state == "current":
            return _changed(project, row)
    return ""


def _changed(project: str, row: PromptRow) -> str:
    if _sha256(project, row) in (row.after_sha256, None):
        return ""
    from handlers.judge.infile import changed_by_hand

    said = changed_by_hand(Path(project), row)
    return f"{row.file} was changed by hand: {said}" if said else ""


def _sha256(project: str, row: PromptRow) -> str | None:
    try:
        return hashlib.sha256((Path(project) / row.file).read_bytes()).hexdigest()
    except OSError:
        return None
