"""How often the test of an offer errs, and how soon it sees: fleets drawn by the thousand.

Each robot has 20 runs of before and brings one run after another since; the test looks after each
round of them. Once an offer is widened all robots bring runs, and the test goes on. Success is a
coin of its own for every run; a mission has one phase, so that a gain is -1, 0 or 1.
"""

from __future__ import annotations

import argparse
import random
from typing import NamedTuple

from report import Goal, Samples, Table

from handlers.fleet.outcomes import gains
from handlers.fleet.widening import MARGIN, PULL_ERROR, WIDEN_ERROR, judge
from handlers.judge.monitor.sequential import RunScore

RUNS = 20
"""Of each robot: of before, and of since."""


class Fleet(NamedTuple):
    """How often missions succeed, before and since."""

    before: float
    since: float


class Course(NamedTuple):
    """What became of an offer. `widened`, `pulled`: after how many runs of a robot; None: never."""

    widened: int | None
    pulled: int | None


FLEETS = (
    Fleet(0.6, 0.6),
    Fleet(0.9, 0.9),
    Fleet(0.6, 0.8),
    Fleet(0.6, 0.35),
    Fleet(0.9, 0.65),
    Fleet(0.6, 0.2),
    Fleet(0.9, 0.4),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fleets", type=int, default=2000, help="of each kind")
    parser.add_argument("--canary", type=int, default=5, help="robots that come first")
    parser.add_argument("--robots", type=int, default=15, help="in all")
    options = parser.parse_args()
    table = Table(f"{options.fleets:,} fleets of {options.robots}, {options.canary} first")
    for fleet in FLEETS:
        drawn = random.Random(f"{fleet} {options}")
        courses = [
            follow(fleet, options.canary, options.robots, drawn) for _ in range(options.fleets)
        ]
        tell(table, fleet, courses)
    table.show()


def follow(fleet: Fleet, first: int, robots: int, drawn: random.Random) -> Course:
    """One offer to its end."""
    before = {robot: [_run(fleet.before, drawn) for _ in range(RUNS)] for robot in range(robots)}
    since: dict[int, list[RunScore]] = {robot: [] for robot in range(robots)}
    widened: int | None = None
    for look in range(1, 2 * RUNS + 1):
        for robot in range(first if widened is None else robots):
            if len(since[robot]) < RUNS:
                since[robot].append(_run(fleet.since, drawn))
        paired = {robot: gains(before[robot], since[robot]) for robot in since}
        decision = judge(paired, first, widened=widened is not None).decision
        if decision == "pull":
            return Course(widened, look)
        if decision == "widen":
            widened = look
        if widened is None and look == RUNS:
            break
    return Course(widened, None)


def _run(chance: float, drawn: random.Random) -> RunScore:
    success = drawn.random() < chance
    return RunScore("", success, int(success))


def tell(table: Table, fleet: Fleet, courses: list[Course]) -> None:
    widened = [one.widened for one in courses]
    pulled = [one.pulled for one in courses]
    name = f"{fleet.before:.0%} before, {fleet.since:.0%} since"
    harmful = fleet.before - fleet.since >= MARGIN - 1e-9
    sides = {
        "widened": (widened, WIDEN_ERROR, harmful),
        "pulled": (pulled, PULL_ERROR, not harmful),
    }
    for what, (looks, error, is_false) in sides.items():
        share = 100 * sum(look is not None for look in looks) / len(looks)
        figure = f"{name}: falsely {what}" if is_false else f"{name}: {what}, {_soon(looks)}"
        goal = Goal(100 * error) if is_false else None
        table.add(figure, Samples((share,), "%"), goal=goal)


def _soon(after: list[int | None]) -> str:
    """After how many runs of each robot, in the median."""
    known = sorted(look for look in after if look is not None)
    return f"after {known[len(known) // 2]} runs of each" if known else "never"


if __name__ == "__main__":
    main()
