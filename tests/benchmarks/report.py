"""What the benchmarks share: where they may write, rows with their spread, one table."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sqlite3
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
IN_MEMORY = {"tmpfs", "ramfs"}
"""File systems whose fsync costs nothing: no place to measure a log on."""


@dataclass(frozen=True)
class Samples:
    """One figure measured several times, in `unit`."""

    values: tuple[float, ...]
    unit: str

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        text = f"{number(self.median)} {self.unit}"
        if len(self.values) > 1:
            text += f" ({number(min(self.values))}..{number(max(self.values))})"
        return text


@dataclass(frozen=True)
class Goal:
    """A bound on a row's ratio, or on its value where it is compared with nothing."""

    limit: float
    at_least: bool = False

    def is_met(self, measured: float) -> bool:
        return measured >= self.limit if self.at_least else measured <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {number(self.limit)}"


@dataclass(frozen=True)
class Row:
    """What a benchmark found: a figure, the named alternative's of the same rounds, the goal.

    `ratio` is taken round by round, so that a machine that slows down half-way slows both sides of
    each ratio. `inverted`: the alternative's value to ours, for a figure of which less is better
    and a goal that says how many times.
    """

    figure: str
    value: Samples
    against: str = ""
    other: Samples | None = None
    goal: Goal | None = None
    inverted: bool = False

    @property
    def ratio(self) -> Samples | None:
        if self.other is None:
            return None
        pairs = zip(self.value.values, self.other.values, strict=True)
        ratios = (two / one if self.inverted else one / two for one, two in pairs)
        return Samples(tuple(ratios), "x")

    @property
    def judged(self) -> float:
        """What the goal is a bound on."""
        return (self.ratio or self.value).median

    @property
    def misses(self) -> bool:
        return self.goal is not None and not self.goal.is_met(self.judged)

    def cells(self) -> tuple[str, str, str, str, str]:
        """Figure, value, alternative, ratio, goal with its verdict."""
        against = f"{self.against}: {self.other}" if self.other is not None else self.against
        verdict = ""
        if self.goal is not None:
            verdict = f"{self.goal}: {'MISSED' if self.misses else 'met'}"
        return self.figure, str(self.value), against, str(self.ratio or ""), verdict

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, shape: dict[str, Any]) -> Row:
        """The row that `as_json` gave."""

        def samples(given: dict[str, Any] | None) -> Samples | None:
            return None if given is None else Samples(tuple(given["values"]), given["unit"])

        value, goal = samples(shape["value"]), shape["goal"]
        assert value is not None
        known = {"value": value, "other": samples(shape["other"])}
        return cls(**{**shape, **known, "goal": None if goal is None else Goal(**goal)})


HEADINGS = ("FIGURE", "VALUE: MEDIAN (SPREAD)", "AGAINST", "RATIO", "GOAL")

ROWS = "CADENZA_BENCH_ROWS"
"""The variable that names a file for rows, one JSON object a line: `everything.py` sets it."""


class Table:
    """Rows of one benchmark. `show` prints them, and leaves them for who runs all benchmarks."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._rows: list[Row] = []

    def add(
        self,
        figure: str,
        value: Samples,
        *,
        against: str = "",
        other: Samples | None = None,
        goal: Goal | None = None,
        inverted: bool = False,
    ) -> None:
        """Add a row, see Row."""
        self._rows.append(Row(figure, value, against, other, goal, inverted))

    def show(self) -> None:
        print(f"\n{self._title}")
        print("\n".join(aligned(self._rows)))
        if ROWS in os.environ:
            with open(os.environ[ROWS], "a", encoding="utf-8") as kept:
                kept.writelines(json.dumps(row.as_json()) + "\n" for row in self._rows)


def aligned(rows: Sequence[Row]) -> list[str]:
    """Lines of a table, without the columns that no row fills."""
    cells = [HEADINGS, *(row.cells() for row in rows)]
    used = [index for index in range(len(HEADINGS)) if any(row[index] for row in cells[1:])]
    widths = {index: max(len(row[index]) for row in cells) for index in used}
    return ["  ".join(row[index].ljust(widths[index]) for index in used).rstrip() for row in cells]


def number(value: float) -> str:
    """Three significant digits, thousands with commas."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * percent // 100) - 1)]


def alternate(rounds: int, *sides: Callable[[], float]) -> list[tuple[float, ...]]:
    """Run all sides once a round, each round beginning with another; each side's results."""
    results: list[list[float]] = [[] for _ in sides]
    for turn in range(rounds):
        for step in range(len(sides)):
            index = (turn + step) % len(sides)
            results[index].append(sides[index]())
    return [tuple(values) for values in results]


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder on a real disk that is gone afterwards; says where that is and on what machine.

    TMPDIR is taken at its word; without it, the first of /var/tmp and the checkout's own disk that
    is not in memory.
    """
    chosen = os.environ.get("TMPDIR")
    places = [Path(chosen)] if chosen else [Path("/var/tmp"), CHECKOUT]
    disks = [place for place in places if filesystem(place) not in IN_MEMORY]
    if not disks:
        raise SystemExit(f"{places[0]} is in memory: set TMPDIR to a folder on a disk")
    folder = Path(tempfile.mkdtemp(prefix="cadenzad-bench-", dir=disks[0]))
    print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version},"
        f" {os.cpu_count()} cores, {filesystem(folder)} at {folder.parent}"
    )
    before = os.getloadavg()[0]
    try:
        yield folder
        # What else ran here shows in the figures: a load above the benchmark's own says so.
        print(f"\nload average {before:.1f} at the start, {os.getloadavg()[0]:.1f} at the end")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def filesystem(path: Path) -> str:
    """The type of the file system a path is on ("ext4")."""
    best, kind = "", "unknown"
    real = os.path.realpath(path)
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        mount = left.split()[4]
        covers = mount == "/" or real == mount or real.startswith(mount + "/")
        if covers and len(mount) >= len(best):
            best, kind = mount, right.split()[0]
    return kind
