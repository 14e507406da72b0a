"""A project's runs as rows: how each ended, when, and under what it was driven."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cadenzad.dashboard.moment import Moment
from store.errors import ProjectNotFound
from store.reads.improvements import PromptRow, prompt_versions
from store.reads.stored import decoded

AUTHORS = 0
"""The version of a prompt that is as its author wrote it."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the log tells of it. `name`: the run id; a log's further runs are `id#2` and so on.

    `told_us`: when it was first recorded, µs since the epoch. `prompt`: the version that it was
    driven under, 0 for the author's; None where the run says of none, or of one that is not known.
    `reward` is the sum of its known rewards.
    """

    name: str
    path: str
    index: int
    outcome: str
    reason: str
    ticks: int
    reward: float | None
    phases_done: int
    last_phase: str | None
    position: int
    told_us: int
    present: bool
    stamp: dict[str, Any]
    prompt: int | None

    @property
    def policy(self) -> str | None:
        """Who drove it."""
        policy = self.stamp.get("policy")
        return str(policy) if policy is not None else None

    @property
    def adapter(self) -> int | None:
        """The version of the adapter that drove it."""
        version = self.stamp.get("adapter")
        return int(version) if version is not None else None

    @property
    def condition(self) -> str:
        """Policy, prompt and adapter in words: what tells comparable runs apart at a glance."""
        under = []
        if self.prompt is not None:
            under.append("author's" if self.prompt == AUTHORS else f"version {self.prompt}")
        if self.adapter is not None:
            under.append(f"adapter {self.adapter}")
        policy = self.policy or "unknown policy"
        return f"{policy} ({', '.join(under)})" if under else policy


def runs(moment: Moment, project: str) -> list[Run]:
    """Every run of a project in the order they were recorded, copies of logs left out."""
    versions = hashes_of(prompt_versions(moment.view, project))
    times = moment.times(project)
    rows = moment.view.execute(
        "SELECT f.run_id, e.path, e.idx, e.outcome, e.reason, e.ticks, e.reward, e.phases_done,"
        " e.last_phase, e.first, f.present, e.stamp"
        " FROM view_episodes e JOIN view_files f ON f.project = e.project AND f.path = e.path"
        " WHERE e.project = ? AND f.run_id IS NOT NULL AND f.twin_of IS NULL"
        " ORDER BY e.first, e.path, e.idx",
        (project,),
    )
    return [_run(row, times, versions) for row in rows]


def _run(row: tuple[Any, ...], times: Mapping[int, int], versions: Mapping[str, int]) -> Run:
    run_id, path, index, outcome, reason, ticks, reward, done, phase, first, present, stamp = row
    told: dict[str, Any] = decoded(json.loads, stamp) if stamp else {}
    return Run(
        name=run_id if index == 0 else f"{run_id}#{index + 1}",
        path=path,
        index=index,
        outcome=outcome,
        reason=reason,
        ticks=ticks,
        reward=reward,
        phases_done=done,
        last_phase=phase,
        position=first,
        told_us=times.get(first, 0),
        present=bool(present),
        stamp=told,
        prompt=versions.get(told.get("prompt_sha256") or ""),
    )


def hashes_of(rows: Sequence[PromptRow]) -> dict[str, int]:
    """The sha256 of the file that holds the prompt -> the version that it is.

    What a roll-back restores has the bytes of an earlier version, and is called as that one.
    """
    known: dict[str, int] = {}
    for row in rows:
        if row.parent is None:
            known.setdefault(row.before_sha256, AUTHORS)
        known.setdefault(row.after_sha256, row.version)
    return known


def called(found: Sequence[Run], text: str) -> Run:
    """The run of that name, or of the only name that begins so.

    Of logs of one name, one that is still there comes before one that is gone. Raises
    ProjectNotFound.
    """
    names = {run.name for run in found if run.name.startswith(text)}
    names = {text} if text in names else names
    if len(names) != 1 or not text:
        some = ", ".join(run.name for run in found[-3:]) or "there are none yet"
        what = f"{len(names)} runs are called so" if names else "no such run"
        raise ProjectNotFound(f"run {text!r}: {what}", hint=f"runs are called so: {some}")
    fitting = [run for run in found if run.name in names]
    return max(fitting, key=lambda run: (run.present, run.position))


def contrasting(found: Sequence[Run]) -> tuple[Run, Run] | None:
    """Two runs worth comparing: the last that failed, and the last that succeeded.

    Of the same policy where there are such; else the last two of any outcome; None for fewer.
    """
    there = [run for run in found if run.present and run.ticks > 0]
    failed = [run for run in there if run.outcome == "failed"]
    won = [run for run in there if run.outcome == "succeeded"]
    for bad in reversed(failed[-20:]):
        alike = [run for run in won if run.policy == bad.policy]
        if alike:
            return bad, alike[-1]
    if failed and won:
        return failed[-1], won[-1]
    return (there[-2], there[-1]) if len(there) > 1 else None
