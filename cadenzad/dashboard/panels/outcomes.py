"""How runs ended over time, under which policy and prompt, and how their reward went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

from cadenzad.dashboard.panels.runs import Run
from handlers.lora.scorecard.statistics import interval

BINS = 60
"""At most so many bars stand beside each other."""

WIDTHS_S = (60, 300, 900, 3600, 6 * 3600, 86_400, 7 * 86_400, 28 * 86_400)
"""A bar's time, s: the shortest of these with which BINS are enough."""

POINTS = 300
"""A trend of more runs is shown as the means of equally many neighbours."""

SERIES = 6
"""Conditions with a line of their own; the others are in the table."""


@dataclass(slots=True)
class Bin:
    """Runs that were recorded within a span of time. `start_s`: Unix seconds."""

    start_s: int
    succeeded: int = 0
    failed: int = 0
    other: int = 0
    by_condition: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def runs(self) -> int:
        return self.succeeded + self.failed + self.other


@dataclass(frozen=True, slots=True)
class Condition:
    """Runs under the same policy, prompt and adapter. `low`, `high`: 95%, Clopper and Pearson."""

    name: str
    runs: int
    succeeded: int
    failed: int
    low: float
    high: float
    reward: float | None

    @property
    def rate(self) -> float | None:
        """The share of successes among those that ended; None where none did."""
        decided = self.succeeded + self.failed
        return self.succeeded / decided if decided else None


@dataclass(frozen=True, slots=True)
class Trend:
    """Rewards of runs, the oldest first: run numbers from 1 (or the middle of `each`), and means.

    `change`: the mean of the later half less that of the earlier; None for fewer than two.
    """

    numbers: list[float]
    values: list[float]
    each: int
    change: float | None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """`width_s`: what a bin spans, s."""

    width_s: int
    bins: list[Bin]
    conditions: list[Condition]
    trend: Trend
    runs: int
    succeeded: int
    failed: int
    other: int

    @property
    def lines(self) -> list[str]:
        """The conditions that have a line in the picture: those with the most runs."""
        by_runs = sorted(self.conditions, key=lambda item: -item.runs)
        return [item.name for item in by_runs[:SERIES]]


def outcomes(found: Sequence[Run]) -> Outcomes:
    """Fold runs, oldest first."""
    width = _width(found)
    won = sum(run.outcome == "succeeded" for run in found)
    lost = sum(run.outcome == "failed" for run in found)
    return Outcomes(
        width,
        _bins(found, width),
        _conditions(found),
        _trend(found),
        len(found),
        won,
        lost,
        len(found) - won - lost,
    )


def _width(found: Sequence[Run]) -> int:
    if not found:
        return WIDTHS_S[0]
    span = (found[-1].told_us - found[0].told_us) / 1e6
    return next((width for width in WIDTHS_S if span / width < BINS), ceil(span / BINS))


def _bins(found: Sequence[Run], width: int) -> list[Bin]:
    bins: dict[int, Bin] = {}
    for run in found:
        start = int(run.told_us / 1e6 // width * width)
        into = bins.setdefault(start, Bin(start))
        won, lost = run.outcome == "succeeded", run.outcome == "failed"
        into.succeeded += won
        into.failed += lost
        into.other += not (won or lost)
        if won or lost:
            successes, ended = into.by_condition.get(run.condition, (0, 0))
            into.by_condition[run.condition] = (successes + won, ended + 1)
    return [bins[start] for start in sorted(bins)]


def _conditions(found: Sequence[Run]) -> list[Condition]:
    groups: dict[str, list[Run]] = {}
    for run in found:
        groups.setdefault(run.condition, []).append(run)
    made = []
    for name, group in groups.items():
        won = sum(run.outcome == "succeeded" for run in group)
        lost = sum(run.outcome == "failed" for run in group)
        rewards = [run.reward for run in group if run.reward is not None]
        mean = sum(rewards) / len(rewards) if rewards else None
        made.append(Condition(name, len(group), won, lost, *interval(won, won + lost), mean))
    return made


def _trend(found: Sequence[Run]) -> Trend:
    known = [(n, run.reward) for n, run in enumerate(found, 1) if run.reward is not None]
    each = max(1, ceil(len(known) / POINTS))
    numbers, values = [], []
    for start in range(0, len(known), each):
        part = known[start : start + each]
        numbers.append(sum(n for n, _ in part) / len(part))
        values.append(sum(value for _, value in part) / len(part))
    half = len(known) // 2
    change = None
    if half:
        early, late = known[:half], known[-half:]
        change = (sum(value for _, value in late) - sum(value for _, value in early)) / half
    return Trend(numbers, values, each, change)
