"""The prompt that a judging is about, and the runs that may speak about it."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from handlers.judge.evidence.driven import Driver, LeftOut
from handlers.judge.evidence.ticks import RunLog
from handlers.judge.prompt.source import RefusedSource, find_prompt
from handlers.project.formats.runs import LogFile, run_logs
from handlers.project.paths import run_id_of
from handlers.project.project import Project
from store.reads.improvements import PromptRow, prompt_versions, told_of

HASHED = 1 << 20
"""Bytes hashed at a time."""


class Evidence(NamedTuple):
    """Logs to read, the oldest first; how many older ones are not; what is no evidence."""

    logs: list[RunLog]
    older: int
    left_out: LeftOut


def driver_of(project: Project, named: str, view: sqlite3.Connection | None) -> Driver:
    """The prompt as it is in its file now, and the runs that were driven under another one.

    `named`: the setting `judge.prompt`. Without a view (no log yet) no run is known to have been.
    """
    try:
        prompt = find_prompt(project.path, named).sha256
    except RefusedSource:
        prompt = None
    if view is None:
        return Driver(prompt, project.env_sha256)
    rows = prompt_versions(view, str(project.path))
    return Driver(prompt, project.env_sha256, _earlier(rows, told_of(view, str(project.path))))


def _earlier(rows: Sequence[PromptRow], told: Sequence[tuple[str, int, int]]) -> frozenset[str]:
    """Runs driven under other rules than the present ones, as far as the log knows.

    A log that lay there unread when a version came was driven before that.
    """
    written = sorted((row for row in rows if row.since), key=lambda row: row.since)
    current = next((row for row in rows if row.state == "current"), None)
    firsts: dict[str, list[int]] = {}
    for path, _, first in told:
        firsts.setdefault(path, []).append(first)
    earlier = set()
    for path, index, first in told:
        under = [row for row in written if row.since < first]
        while under and path in under[-1].unread:
            if first != min(f for f in firsts[path] if f > under[-1].since):
                break
            under.pop()
        if _lines(under[-1] if under else None) != _lines(current):
            name = run_id_of(path)
            earlier.add(f"{name}#{index + 1}" if index else name)
    return frozenset(earlier)


def _lines(row: PromptRow | None) -> list[str]:
    return [] if row is None else [str(rule["line"]) for rule in row.rules]


def newest_logs(
    project: Path, limit: int, driver: Driver, unreadable: list[tuple[str, str]] | None = None
) -> Evidence:
    """The newest logs that may be evidence. Of logs with the same bytes one stands for all."""
    left_out = LeftOut()
    found = []
    for log in run_logs(project, unreadable):
        reason = driver.excludes_file(log.stamp)
        if reason is None:
            found.append(log)
        else:
            left_out.add(reason)
    own = _without_copies(found)
    left_out.add("copies of another", len(found) - len(own))
    kept = [RunLog(log.run_id, log.path, log.format) for log in own[-limit:]]
    return Evidence(kept, max(0, len(own) - limit), left_out)


def _without_copies(logs: Sequence[LogFile]) -> list[LogFile]:
    """The first of logs with the same bytes; only those of one size are compared."""
    sizes = Counter(log.size for log in logs)
    seen: set[str] = set()
    own = []
    for log in logs:
        if sizes[log.size] > 1:
            digest = _sha256(log.path)
            if digest in seen:
                continue
            if digest is not None:
                seen.add(digest)
        own.append(log)
    return own


def _sha256(path: Path) -> str | None:
    """Of a file's bytes; None when it cannot be read, which whoever reads it will say."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(HASHED):
                digest.update(block)
    except OSError:
        return None
    return digest.hexdigest()
