"""What the test of an offer looks at: runs under an offered version, and those of before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from handlers.judge.driven import is_under
from handlers.judge.monitor.samples import BEFORE, score_of, scores
from handlers.judge.monitor.sequential import RunScore
from store.reads.improvements import environment, episodes, prompt_versions

if TYPE_CHECKING:
    from store.database.backend import Readable

ADAPTERS_POLICY = "lora"
"""What a stamp calls the policy that asks the deployed adapter."""


def gains_of_prompt(view: Readable, project: str, version: int) -> list[float]:
    """The gain of each pair of runs that a project has, of a version and of before it."""
    rows = prompt_versions(view, project)
    row = next((row for row in rows if row.version == version), None)
    return gains(*scores(view, project, row)) if row is not None else []


def gains_of_adapter(view: Readable, project: str, version: int) -> list[float]:
    """As `gains_of_prompt`, of the runs that an adapter drove (`--policy lora`).

    Before it is whichever adapter drove last; where none did, there is nothing to compare with.
    """
    env_sha256, since = environment(view, project)
    driven = [
        run
        for run in episodes(view, project)
        if run.stamp.get("policy") == ADAPTERS_POLICY and is_under(run, env_sha256, since)
    ]
    by = [run.stamp.get("adapter") for run in driven]
    start = by.index(version) if version in by else 0
    replaced = by[start - 1] if start else None
    before = [run for run in driven[:start] if run.stamp.get("adapter") == replaced]
    after = [run for run in driven[start:] if run.stamp.get("adapter") == version]
    return gains([score_of(run) for run in before[-BEFORE:]], [score_of(run) for run in after])


def gains(before: Sequence[RunScore], after: Sequence[RunScore]) -> list[float]:
    """Pairs of like conditions: the first run since with the newest before, and so on."""
    past: dict[str, list[RunScore]] = defaultdict(list)
    for run in before:
        past[run.stratum].append(run)
    found = []
    for run in after:
        if past[run.stratum]:
            found.append(_gain(past[run.stratum].pop(), run))
    return found


def _gain(before: RunScore, after: RunScore) -> float:
    """In [-1, 1]: phases more, success being one more, at most two either way, halved."""
    more = after.phases_done + after.success - before.phases_done - before.success
    return max(-2, min(2, more)) / 2
