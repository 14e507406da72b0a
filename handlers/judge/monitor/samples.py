"""Which runs were driven under which version of the prompt, and what the monitor says of them.

Which prompt drove a run, and in which mission, is said by handlers.judge.driven: only runs that the
prompt drove count, and those under env.json as it is now. Where that was changed, the watch starts
anew. A copy of a log is no further run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from handlers.judge.driven import is_prompted, is_under, lines_of, versions_of
from handlers.judge.monitor.sequential import Look, RunScore, decide
from store.reads.improvements import (
    EpisodeRow,
    PromptRow,
    environment,
    episodes,
    prompt_versions,
)

if TYPE_CHECKING:
    from store.database.backend import Readable

BEFORE = 20
"""So many of the runs before a rewrite are compared with those after it: the newest, as older ones
say less about what the world is like now."""


def monitor(view: Readable, project: str, current: PromptRow) -> Look:
    """Whether the runs under a version are worse than those before it, as it is known now."""
    return decide(*scores(view, project, current))


def scores(
    view: Readable, project: str, current: PromptRow
) -> tuple[list[RunScore], list[RunScore]]:
    """The newest runs under the rules that a version replaced, and those under the version."""
    rows = prompt_versions(view, project)
    runs = comparable(episodes(view, project), *environment(view, project))
    by_number = {row.version: row for row in rows}
    parent = by_number.get(current.parent) if current.parent is not None else None
    replaced = lines_of(parent)
    before, after = [], []
    for run, under in zip(runs, versions_of(runs, rows), strict=True):
        score = score_of(run)
        if under is not None and under.version == current.version:
            after.append(score)
        elif lines_of(under) == replaced:  # by the parent, or by an older one with the same rules
            before.append(score)
    return before[-BEFORE:], after


def score_of(run: EpisodeRow) -> RunScore:
    """A run as far as tests look at it."""
    succeeded = run.outcome == "succeeded"
    return RunScore(f"{run.path}#{run.episode}", succeeded, run.phases_done, _stratum(run.stamp))


def comparable(runs: Sequence[EpisodeRow], env_sha256: str | None, since: int) -> list[EpisodeRow]:
    """The runs that the prompt drove under env.json as it is, and has been since a position."""

    return [
        run
        for run in runs
        if is_prompted(run.stamp.get("policy")) and is_under(run, env_sha256, since)
    ]


def _stratum(stamp: Mapping[str, Any]) -> str:
    """The conditions that must be alike: all of the stamp but the seed, and which version of the
    prompt or the adapter drove."""
    others = {"seed", "prompt_sha256", "adapter", "env_sha256"}
    known = {name: value for name, value in stamp.items() if name not in others and value}
    return json.dumps(known, sort_keys=True)
