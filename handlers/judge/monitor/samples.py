"""Which runs were driven under which version of the prompt, and what the monitor says of them.

A run whose log says under which bytes of the prompt's file it was driven belongs to the version
with these bytes. Any other belongs to the version that was in the file when it was first recorded.
One that lay on disk unread at that moment was driven before, and is counted there; a copy of a log
is no further run.

Only runs that the prompt drove count: those of other policies say nothing about it. A log that
names no policy is a robot's own, driven by the project's brain. And only those under env.json as it
is now: where that was changed, the watch starts anew.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from handlers.judge.monitor.sequential import Look, RunScore, decide
from store.reads.improvements import (
    EpisodeRow,
    PromptRow,
    environment,
    episodes,
    prompt_versions,
)

BEFORE = 20
"""So many of the runs before a rewrite are compared with those after it: the newest, as older ones
say less about what the world is like now."""
PROMPTED = "prompt"
"""The policy of a run that the project's brain drove under its prompt."""


def monitor(view: sqlite3.Connection, project: str, current: PromptRow) -> Look:
    """Whether the runs under a version are worse than those before it, as it is known now."""
    return decide(*scores(view, project, current))


def scores(
    view: sqlite3.Connection, project: str, current: PromptRow
) -> tuple[list[RunScore], list[RunScore]]:
    """The newest runs under the rules that a version replaced, and those under the version."""
    rows = prompt_versions(view, project)
    runs = comparable(episodes(view, project), *environment(view, project))
    by_number = {row.version: row for row in rows}
    parent = by_number.get(current.parent) if current.parent is not None else None
    replaced = _lines(parent)
    before, after = [], []
    for run, under in zip(runs, _versions_of(runs, rows), strict=True):
        name, stratum = f"{run.path}#{run.episode}", _stratum(run.stamp)
        score = RunScore(name, run.outcome == "succeeded", run.phases_done, stratum)
        if under is not None and under.version == current.version:
            after.append(score)
        elif _lines(under) == replaced:  # by the parent, or by an older one with the same rules
            before.append(score)
    return before[-BEFORE:], after


def comparable(runs: Sequence[EpisodeRow], env_sha256: str | None, since: int) -> list[EpisodeRow]:
    """The runs that the prompt drove under env.json as it is, and has been since a position."""

    def counts(run: EpisodeRow) -> bool:
        if run.stamp.get("policy") not in (None, PROMPTED):
            return False
        driven = run.stamp.get("env_sha256")
        if driven is None or env_sha256 is None:
            return run.first > since
        return bool(driven == env_sha256)

    return [run for run in runs if counts(run)]


def _stratum(stamp: Mapping[str, Any]) -> str:
    """The conditions that must be alike: all of the stamp but the seed and the prompt."""
    others = {"seed", "prompt_sha256", "env_sha256"}
    known = {name: value for name, value in stamp.items() if name not in others and value}
    return json.dumps(known, sort_keys=True)


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
        there = [row for row in written if row.since < run.first]
        while there and late.get((there[-1].version, run.path)) == run.first:
            there.pop()
        sha256 = run.stamp.get("prompt_sha256")
        same = [row for row in written if row.after_sha256 == sha256]
        if same:  # the last of them that was there, else the first
            there = [row for row in there if row in same] or same[:1]
        elif written and sha256 == written[0].before_sha256:
            there = []
        found.append(there[-1] if there else None)
    return found


def _lines(row: PromptRow | None) -> list[str]:
    return [] if row is None else [str(rule["line"]) for rule in row.rules]
