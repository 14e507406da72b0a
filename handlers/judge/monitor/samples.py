"""Which runs were driven under which version of the prompt, and what the monitor says of them.

A run belongs to the version that was in the file when it was first recorded. One that lay on disk
unread at that moment was driven before, and is counted there; a copy of a log is no further run.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handlers.judge.monitor.sequential import Look, RunScore, decide
from handlers.project.formats.runs import run_logs
from store.events.prompt import PromptWatchEnded
from store.reads.improvements import EpisodeRow, PromptRow, episodes, prompt_versions
from store.reads.state import State

BEFORE = 20
"""So many of the runs before a rewrite are compared with those after it."""


def monitor(view: sqlite3.Connection, project: str, current: PromptRow) -> Look:
    """Whether the runs under a version are worse than those before it, as it is known now."""
    return decide(*scores(view, project, current))


def scores(
    view: sqlite3.Connection, project: str, current: PromptRow
) -> tuple[list[RunScore], list[RunScore]]:
    """The newest runs under the rules that a version replaced, and those under the version."""
    rows = prompt_versions(view, project)
    runs = episodes(view, project)
    by_number = {row.version: row for row in rows}
    parent = by_number.get(current.parent) if current.parent is not None else None
    replaced = _lines(parent)
    before, after = [], []
    for run, under in zip(runs, _versions_of(runs, rows), strict=True):
        score = RunScore(f"{run.path}#{run.episode}", run.outcome == "succeeded", run.phases_done)
        if under is not None and under.version == current.version:
            after.append(score)
        elif _lines(under) == replaced:  # by the parent, or by an older one with the same rules
            before.append(score)
    return before[-BEFORE:], after


def unread_logs(state: State, project: Path) -> tuple[str, ...]:
    """Run logs on disk that the event log does not know as they are now."""
    found = []
    root = Path(os.path.realpath(project))
    for log in run_logs(project):
        name = log.path.relative_to(root).as_posix()
        known = state.file(str(project), name)
        try:
            info = log.path.stat()
        except OSError:
            continue
        if known is None or (known.size, known.mtime_ns) != (info.st_size, info.st_mtime_ns):
            found.append(name)
    return tuple(found)


def ended(version: int, look: Look) -> PromptWatchEnded | None:
    """The event of a version that stays; None while it is monitored, or is to be taken back."""
    if look.decision == "worse" or look.decision == "waiting":
        return None
    return PromptWatchEnded(
        version=version,
        test=look.test,
        evidence=dict(look.evidence),
        outcome=look.decision,
        reason=look.reason,
    )


def rollback_spec(version: int, look: Look) -> dict[str, Any]:
    """The spec of the job that takes a version back because of what the monitor says."""
    return {
        "action": "rollback",
        "version": version,
        "by": "cadenzad",
        "reason": look.reason,
        "test": look.test,
        "evidence": dict(look.evidence),
    }


def _versions_of(runs: Sequence[EpisodeRow], rows: Sequence[PromptRow]) -> list[PromptRow | None]:
    """The version each run was driven under; None for the prompt as its author wrote it."""
    written = sorted((row for row in rows if row.since), key=lambda row: row.since)
    firsts: dict[str, list[int]] = {}
    for run in runs:
        firsts.setdefault(run.path, []).append(run.first)
    late: dict[tuple[int, str], int] = {}
    for row in written:
        for path in row.unread:
            since = [first for first in firsts.get(path, ()) if first > row.since]
            if since:
                # What the first event since tells of this log was in it before, or may have been.
                late[row.version, path] = min(since)
    found: list[PromptRow | None] = []
    for run in runs:
        index = sum(row.since < run.first for row in written)
        while index and late.get((written[index - 1].version, run.path)) == run.first:
            index -= 1
        found.append(written[index - 1] if index else None)
    return found


def _lines(row: PromptRow | None) -> list[str]:
    return [] if row is None else [str(rule["line"]) for rule in row.rules]
