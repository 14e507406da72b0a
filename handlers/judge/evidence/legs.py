"""A leg: one stay of one run in one phase, and what each of its actions did.

What an action did is measured, not read: how far the robot got against how far it was told to go,
how far it turned, how the way to the target changed. Each is a column, one value a tick, None where
the log does not say enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from math import hypot

from handlers.judge.evidence.mission import Act, Aim, Ground, acts_of, wrapped
from handlers.judge.evidence.ticks import FALLEN_DEG, Episode, Tick, column
from handlers.project.library import ActionLibrary
from handlers.project.spec import ProjectSpec

NO_ACT = Act("", "", 0, 0.0)


class Sight:
    """What the mission and the robot are, worked out once for all runs."""

    def __init__(self, spec: ProjectSpec, library: ActionLibrary) -> None:
        self.aims: Mapping[str | None, Aim] = {p.name: Aim(spec, p) for p in spec.phases}
        self.order: Mapping[str | None, int] = {p.name: i for i, p in enumerate(spec.phases)}
        self.acts = acts_of(library)
        self.ground = Ground(spec)


class Leg:
    """Ticks of one run in one phase, one after the other.

    `start`: the tick before its first, None where the log begins with it. `is_last`: whether the
    run ended in it. `is_open`: whether the log just stops in it. `aim` None: env.json has no such
    phase.
    """

    def __init__(
        self,
        run: str,
        ticks: Sequence[Tick],
        start: Tick | None,
        is_last: bool,
        sight: Sight,
        is_open: bool = False,
    ) -> None:
        self.is_open = is_open
        self.run, self.ticks, self.start = run, ticks, start
        self.is_last, self.sight = is_last, sight
        self.phase = ticks[0].phase
        self.aim = sight.aims.get(self.phase)

    @cached_property
    def done(self) -> bool:
        return any(column(self.ticks, "done"))

    @cached_property
    def failed(self) -> bool:
        return any(column(self.ticks, "failed"))

    @cached_property
    def is_begun(self) -> bool:
        """Whether there is no saying where it leads: the log stops where it had hardly begun."""
        return self.is_open and self.aim is not None and 4 * len(self.ticks) < self.aim.max_ticks

    @cached_property
    def timed_out(self) -> bool:
        return any(column(self.ticks, "truncated"))

    @cached_property
    def befores(self) -> Sequence[Tick | None]:
        """What was last observed when each action was chosen."""
        return [self.start, *self.ticks[:-1]]

    @cached_property
    def acts(self) -> list[Act]:
        known = self.sight.acts
        return [known.get(action, NO_ACT) for action in column(self.ticks, "action")]

    @cached_property
    def kinds(self) -> list[str]:
        """Of each action."""
        return [act.kind for act in self.acts]

    @cached_property
    def xs(self) -> list[float | None]:
        """Where (m) the robot was before the first tick, and after each."""
        return [None if self.start is None else self.start.x, *column(self.ticks, "x")]

    @cached_property
    def ys(self) -> list[float | None]:
        return [None if self.start is None else self.start.y, *column(self.ticks, "y")]

    @cached_property
    def told(self) -> list[float]:
        """How far each action was told to go (m) or turn (rad); 0 where that is not known, and
        for all else."""
        return [
            (act.default if amount is None else amount) if act.kind in ("gait", "turn") else 0.0
            for amount, act in zip(column(self.ticks, "amount"), self.acts, strict=True)
        ]

    @cached_property
    def moved(self) -> list[float | None]:
        """How far (m) the robot got in each tick."""
        xs, ys = self.xs, self.ys
        return [
            None if a is None or b is None or x is None or y is None else hypot(x - a, y - b)
            for a, b, x, y in zip(xs, ys, xs[1:], ys[1:], strict=False)
        ]

    @cached_property
    def turned(self) -> list[float | None]:
        """How far (degrees, left positive) it turned in each tick; of more than half a turn, as
        much as was told, for a heading says no more."""
        found: list[float | None] = []
        for a, b, act, told in zip(self.befores, self.ticks, self.acts, self.told, strict=True):
            if a is None or a.heading is None or b.heading is None:
                found.append(None)
                continue
            turn = wrapped(b.heading - a.heading)
            if act.axis == "turn":
                meant = act.sign * told * 57.29578
                turn += 360.0 * round((meant - turn) / 360.0)
            found.append(turn)
        return found

    @cached_property
    def ways(self) -> list[float | None]:
        """How far (m) it is to the target's place, if it has one, from where the robot is before
        the first tick, and after each."""
        if self.aim is None or not self.aim.has_way:
            return [None] * len(self.xs)
        way = self.aim.way
        return [
            None if x is None or y is None else way(x, y)
            for x, y in zip(self.xs, self.ys, strict=True)
        ]

    @cached_property
    def way(self) -> list[float | None]:
        """How far (m) it still is to the target after each tick; not known of who has fallen."""
        if self.aim is None:
            return column(self.ticks, "goal_m")
        tilts, diverged = column(self.ticks, "tilt"), column(self.ticks, "diverged")
        return [
            None if lost or (tilt is not None and tilt > FALLEN_DEG) else way
            for way, tilt, lost in zip(self.ways[1:], tilts, diverged, strict=True)
        ]

    @cached_property
    def way_at_first(self) -> float | None:
        """The way before its first action; that after it, where nothing is known of before."""
        if self.ways[0] is not None:
            return self.ways[0]
        return next((way for way in self.way if way is not None), None)

    @cached_property
    def way_at_last(self) -> float | None:
        return next((way for way in reversed(self.way) if way is not None), None)

    @cached_property
    def nearest(self) -> tuple[int, float] | None:
        """The tick's index after which the way was shortest, and how short; the last of equals."""
        known = [(way, -index) for index, way in enumerate(self.way) if way is not None]
        if not known:
            return None
        way, index = min(known)
        return -index, way

    def gain(self, first: int, last: int) -> float | None:
        """By how much (m) the way became shorter from before tick `first` to after tick `last`."""
        before = self.way_at_first if first == 0 else self.way[first - 1]
        after = self.way[last]
        return None if before is None or after is None else before - after

    def away(self, first: int, last: int) -> float | None:
        """How far (m) from where it was before tick `first` the robot is after tick `last`."""
        a, b = self.befores[first], self.ticks[last]
        if a is None or a.x is None or a.y is None:
            a = self.ticks[first]
        if a.x is None or a.y is None or b.x is None or b.y is None:
            return None
        return hypot(b.x - a.x, b.y - a.y)


def legs_of(episode: Episode, sight: Sight) -> Iterator[Leg]:
    """The legs of a run, in order."""
    ticks = episode.ticks
    phases = column(ticks, "phase")
    starts = [0, *(i for i, (a, b) in enumerate(pairwise(phases), 1) if a != b)]
    for first, end in zip(starts, [*starts[1:], len(ticks)], strict=True):
        if first < end:
            before = ticks[first - 1] if first else episode.before
            is_last = end == len(ticks)
            is_open = is_last and episode.outcome == "unfinished"
            yield Leg(episode.run, ticks[first:end], before, is_last, sight, is_open)
