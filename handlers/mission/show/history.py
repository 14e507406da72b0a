"""What a project's runs say together: success, reward, motion, phase by phase."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from handlers.project.formats.lines import BadLine, LineReader, parse_line
from handlers.project.formats.logsummary import LineTally, lines_of
from handlers.project.formats.runlog import INTERRUPTED, MissionFold, cut_off
from handlers.project.formats.runs import run_logs, without_copies
from handlers.project.formats.stamp import stamp_of
from handlers.project.paths import CADENZA_DIR
from store.events.files import RunStamp

Point = tuple[float, float]


@dataclass(slots=True)
class PhaseStats:
    """One phase over all runs. `motion` counts ticks by label."""

    entered: int = 0
    done: int = 0
    failed: int = 0
    ticks: int = 0
    reward: float = 0.0
    motion: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class RunStats:
    """One run in numbers; the order runs are given in is the order of the trend.

    `falls` and `touched_person` count the actions in which that happened; None where the log does
    not say.
    """

    run_id: str
    success: bool = False
    ended: bool = False
    interrupted: bool = False
    stamp: RunStamp | None = None
    ticks: int = 0
    reward: float = 0.0
    falls: int | None = None
    touched_person: int | None = None
    phases: dict[str, PhaseStats] = field(default_factory=dict)


class History(NamedTuple):
    """A project's runs, oldest first; `copies`: logs left out for having the bytes of another."""

    runs: list[RunStats]
    copies: int


def read_runs(project: Path, unreadable: list[tuple[str, str]] | None = None) -> History:
    """Every run in the project's logs: by the time in the log's name, then last written.

    A log that was opened for append holds several. `unreadable` gets the logs that cannot be read,
    and why; the others count.
    """
    bad = [] if unreadable is None else unreadable
    logs = [log for log in run_logs(project, bad) if log.format == "mission"]
    own = without_copies(logs)
    found = []
    for log in own:
        try:
            found.append((_age(log.path), run_stats(log.run_id, records(log.path))))
        except OSError as error:
            name = f"{CADENZA_DIR}/{log.path.name}"
            bad.append((name, f"cannot be read: {error.strerror or error}"))
    found.sort(key=lambda item: item[0])
    return History([run for _, runs in found for run in runs], len(logs) - len(own))


def _age(path: Path) -> tuple[str, int, str]:
    """Runs of one second differ by random digits only: those are told apart by their last write."""
    return path.name[: len("2026-11-22T20-14-48")], path.stat().st_mtime_ns, path.name


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The objects a log holds; lines that hold none are passed over. Raises OSError."""
    with path.open("rb") as stream:
        for _, line in lines_of(LineReader(stream), LineTally()):
            with suppress(BadLine):
                yield parse_line(line)


def run_stats(run_id: str, lines: Iterable[dict[str, Any]]) -> list[RunStats]:
    """A log's runs as numbers. Unknown fields count as nothing, never as zero reward ticks.

    The further runs of a log are called run#2 and so on, as citations call them.
    """
    fold, runs = MissionFold(), list[RunStats]()
    for number, record in enumerate(lines, 1):
        fold.add(number, record)
        if fold.index >= len(runs):
            runs.append(RunStats(f"{run_id}#{fold.index + 1}" if runs else run_id))
        if runs:
            _count(runs[-1], record)
    return runs


def _count(run: RunStats, record: dict[str, Any]) -> None:
    run.stamp = run.stamp or stamp_of(record)
    if cut_off(record) is not None:
        run.ended, run.interrupted = True, cut_off(record) == INTERRUPTED
        return
    if record.get("tick") == 0 or not isinstance(record.get("phase"), str):
        return
    phase = run.phases.setdefault(record["phase"], PhaseStats(entered=1))
    reward = record.get("reward")
    value = float(reward) if isinstance(reward, int | float) and isfinite(reward) else 0.0
    run.ticks, phase.ticks = run.ticks + 1, phase.ticks + 1
    run.reward, phase.reward = run.reward + value, phase.reward + value
    motion = record.get("motion")
    if isinstance(motion, dict) and isinstance(motion.get("label"), str):
        phase.motion[motion["label"]] += 1
    phase.done = max(phase.done, int(record.get("phase_done") is True))
    phase.failed = max(phase.failed, int(record.get("phase_failed") is True))
    run.success = run.success or record.get("mission_success") is True
    run.ended = run.ended or record.get("terminated") is True
    outcome, touched = record.get("outcome"), record.get("touched_person")
    if isinstance(outcome, str):
        run.falls = (run.falls or 0) + (outcome == "fell")
    if isinstance(touched, int):
        run.touched_person = (run.touched_person or 0) + (touched > 0)


_OF_ONE_RUN = ("seed", "source", "source_hash")
"""What a stamp says of its run, and not of the conditions it was driven under."""


@dataclass(slots=True)
class ConditionStats:
    """Runs that are comparable: their stamps differ in what is _OF_ONE_RUN alone."""

    runs: int = 0
    succeeded: int = 0


@dataclass(slots=True)
class ProjectStats:
    """All runs together. `trend`: mean reward of the later half minus that of the earlier.

    `conditions` has comparable runs under their stamp without its seed; None: they have no stamp.
    `falls` and `touched_person` add up what is known; None where no log says.
    """

    runs: int = 0
    succeeded: int = 0
    interrupted: int = 0
    unfinished: int = 0
    reward_mean: float | None = None
    reward_trend: float | None = None
    falls: int | None = None
    touched_person: int | None = None
    rewards: list[float] = field(default_factory=list)
    motion: Counter[str] = field(default_factory=Counter)
    phases: dict[str, PhaseStats] = field(default_factory=dict)
    conditions: dict[RunStamp | None, ConditionStats] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "runs": self.runs,
            "succeeded": self.succeeded,
            "interrupted": self.interrupted,
            "unfinished": self.unfinished,
            "success_rate": self.succeeded / self.runs if self.runs else None,
            "reward_mean": self.reward_mean,
            "reward_trend": self.reward_trend,
            "falls": self.falls,
            "touched_person": self.touched_person,
            "rewards": self.rewards,
            "motion": dict(sorted(self.motion.items())),
            "conditions": [
                {
                    "stamp": stamp and stamp.as_shape(without=_OF_ONE_RUN),
                    "runs": count.runs,
                    "succeeded": count.succeeded,
                }
                for stamp, count in self.conditions.items()
            ],
            "phases": {
                name: {
                    "entered": p.entered,
                    "done": p.done,
                    "failed": p.failed,
                    "ticks": p.ticks,
                    "reward": p.reward,
                    "motion": dict(sorted(p.motion.items())),
                }
                for name, p in self.phases.items()
            },
        }


def project_stats(runs: Sequence[RunStats]) -> ProjectStats:
    """Fold runs, oldest first, into one table."""
    total = ProjectStats(runs=len(runs))
    for run in runs:
        total.succeeded += run.success
        total.interrupted += run.interrupted
        total.unfinished += not run.ended and not run.success
        total.rewards.append(run.reward)
        if run.falls is not None:
            total.falls = (total.falls or 0) + run.falls
        if run.touched_person is not None:
            total.touched_person = (total.touched_person or 0) + run.touched_person
        under = run.stamp and run.stamp.changed(**dict.fromkeys(_OF_ONE_RUN))
        alike = total.conditions.setdefault(under, ConditionStats())
        alike.runs, alike.succeeded = alike.runs + 1, alike.succeeded + run.success
        for name, phase in run.phases.items():
            into = total.phases.setdefault(name, PhaseStats())
            into.entered += phase.entered
            into.done += phase.done
            into.failed += phase.failed
            into.ticks += phase.ticks
            into.reward += phase.reward
            into.motion += phase.motion
            total.motion += phase.motion
    if runs:
        total.reward_mean = sum(total.rewards) / len(runs)
    if len(runs) >= 2:
        half = len(runs) // 2
        early, late = total.rewards[:half], total.rewards[-half:]
        total.reward_trend = sum(late) / half - sum(early) / half
    return total


def path_of(lines: Iterable[dict[str, Any]]) -> list[Point]:
    """Where a run went, from its observations."""
    path = []
    for record in lines:
        obs = record.get("obs")
        if isinstance(obs, dict):
            x, y = obs.get("pos_x"), obs.get("pos_y")
            if isinstance(x, int | float) and isinstance(y, int | float) and isfinite(x + y):
                path.append((float(x), float(y)))
    return path


def mix(motion: Counter[str]) -> str:
    """The two most common motion labels with their counts."""
    return ", ".join(f"{label} {count}" for label, count in motion.most_common(2))
