"""What the benchmarks share: where they may write, samples with their spread, one table."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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

    def verdict(self, measured: float) -> str:
        sign, met = (
            (">=", measured >= self.limit) if self.at_least else ("<=", measured <= self.limit)
        )
        return f"{sign} {number(self.limit)}: {'met' if met else 'MISSED'}"


class Table:
    """Rows of: figure, value, named alternative, ratio, goal. `show` prints them."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._rows: list[tuple[str, str, str, str, str]] = []

    def add(
        self,
        figure: str,
        value: Samples,
        *,
        against: str = "",
        other: Samples | None = None,
        goal: Goal | None = None,
    ) -> None:
        """Add a row. `other` holds the alternative's samples of the same rounds.

        Rounds are compared pair by pair, so that a machine that slows down half-way slows both
        sides of each ratio.
        """
        ratio, judged = "", value.median
        if other is not None:
            pairs = zip(value.values, other.values, strict=True)
            ratios = Samples(tuple(one / two for one, two in pairs), "x")
            against, ratio, judged = f"{against}: {other}", str(ratios), ratios.median
        verdict = goal.verdict(judged) if goal is not None else ""
        self._rows.append((figure, str(value), against, ratio, verdict))

    def show(self) -> None:
        headings = ("FIGURE", "VALUE: MEDIAN (SPREAD)", "AGAINST", "RATIO", "GOAL")
        rows = [headings, *self._rows]
        used = [index for index in range(len(headings)) if any(row[index] for row in rows[1:])]
        widths = {index: max(len(row[index]) for row in rows) for index in used}
        print(f"\n{self._title}")
        for row in rows:
            print("  ".join(row[index].ljust(widths[index]) for index in used).rstrip())


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
