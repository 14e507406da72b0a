"""The ground of a phase: what the scene leaves to stand on, less what the phase forbids.

A cell is *open* (walk), *tight* (walk, but something is near), *kept* (walk only where there is no
other way: somebody lies there), *narrow* (walk straight through, no room to turn), *rough* (crawl:
steps, slopes, low ceilings), *high* (crawl, where there is no other way: steps as high as it can)
or *closed* (the robot would touch something as it turns, or fall). *Solid* is what its trunk cannot
be in at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import ceil, cos, hypot, sin

from handlers.mission.route.footing import (
    GRID,
    ROOM_M,
    Cell,
    Footing,
    Ground,
    Spot,
    cell_of,
    centre,
)
from handlers.project.scene import Zone

ZONE_MARGIN = 0.12
"""How far it keeps out of a zone that fails the phase, m."""

COST: dict[Ground, float] = {
    "open": 1.0, "tight": 2.0, "narrow": 2.5, "rough": 2.5, "high": 8.0, "kept": 8.0,
    "closed": 12.0, "solid": 24.0,
}  # fmt: skip
"""A metre of each ground in metres of open ground: a crawl is half as fast as a walk (0.18 to 0.35
m/s) and falls more easily; for a step that throws one robot in ten, and around somebody, a long way
round is worth it; out of closed ground the nearest way is the best, and what is solid is never
walked into."""

ORDER: dict[Ground, int] = {kind: at for at, kind in enumerate(COST)}
"""From the best to the worst, for the worst along a line."""

MOVES = tuple((i, j, GRID * hypot(i, j)) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)
"""To the cells around one: along x, along y, and how far (m)."""


CRAWLED: tuple[Ground, ...] = ("rough", "high")
"""What the robot crawls over."""

_SHUT = ("closed", "solid")


def _worse(kind: Ground) -> int:
    return ORDER[kind]


class _Kinds(dict[Cell, Ground]):
    """The kinds of cells, worked out when they are looked up."""

    def __init__(self, classify: Callable[[Cell], Ground]) -> None:
        self._classify = classify

    def __missing__(self, cell: Cell) -> Ground:
        kind = self[cell] = self._classify(cell)
        return kind


class GroundMap:
    """The kind of ground at any place; cells are classified when asked, and remembered.

    forbidden: zones to keep out of. kept: places (x, y, distance; m) not to come near to where
    another way is left. leaving: a place (m) around which narrow ground is closed, and left.
    """

    def __init__(
        self,
        footing: Footing,
        forbidden: Iterable[Zone] = (),
        kept: Iterable[tuple[float, float, float]] = (),
        leaving: Spot | None = None,
    ) -> None:
        self.footing = footing
        self._zones = list(forbidden)
        self.forbidden = [zone.aabb for zone in self._zones]
        self.kept = list(kept)
        self.leaving = leaving
        self.plain = footing.flat and not self.forbidden and not self.kept
        self.kinds = _Kinds(self._classify)

    def avoiding(self, x: float, y: float, distance: float) -> GroundMap:
        """The same ground with one more place not to come near to (m)."""
        return GroundMap(self.footing, self._zones, [*self.kept, (x, y, distance)])

    def out_of(self, cell: Cell) -> GroundMap:
        """The same ground for a robot that stands across a narrow place, and has to get out."""
        return GroundMap(self.footing, self._zones, self.kept, centre(cell))

    def at(self, cell: Cell) -> Ground:
        """The kind of ground of a cell."""
        return self.kinds[cell]

    def off_limits(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Whether a place lies in a forbidden zone, or within `margin` metres of one."""
        for (ax, ay, _), (bx, by, _) in self.forbidden:
            if ax - margin <= x <= bx + margin and ay - margin <= y <= by + margin:
                return True
        return False

    def _classify(self, cell: Cell) -> Ground:
        kind = self.footing.at(cell)
        if not self.forbidden and not self.kept and self.leaving is None:
            return kind
        x, y = centre(cell)
        if kind == "narrow" and self._left_behind(x, y):
            return "closed"
        if self.off_limits(x, y, ZONE_MARGIN):
            return "closed"
        for px, py, distance in self.kept:
            if abs(x - px) < distance and hypot(x - px, y - py) < distance:
                return max(kind, "closed" if kind == "narrow" else "kept", key=_worse)
        return kind

    def _left_behind(self, x: float, y: float) -> bool:
        place = self.leaving
        return place is not None and hypot(x - place[0], y - place[1]) < ROOM_M

    def ways_in(self, cell: Cell) -> Iterator[tuple[Cell, float]]:
        """The cells beside one from which the robot gets to it, and how far it is (m)."""
        kinds, (i, j) = self.kinds, cell
        here = kinds[cell]
        if here == "solid":
            return
        for di, dj, length in MOVES:
            before = (i + di, j + dj)
            there = kinds[before]
            if there in _SHUT or (here != "closed" and self._straight(before, cell)):
                yield before, length

    def ways_out(self, cell: Cell) -> Iterator[Cell]:
        """The cells beside one that the robot gets to from it."""
        i, j = cell
        for di, dj, _ in MOVES:
            after = (i + di, j + dj)
            if self.passable(cell, after):
                yield after

    def passable(self, a: Cell, b: Cell) -> bool:
        """Whether the robot gets from a cell to its neighbour.

        Into closed ground it goes only from closed ground: it is there already, and has to get out.
        """
        here, there = self.kinds[a], self.kinds[b]
        if there == "solid":
            return False
        if here in _SHUT:
            return True
        return there != "closed" and self._straight(a, b)

    def _straight(self, a: Cell, b: Cell) -> bool:
        """Whether there is room on the way between two cells that are not closed."""
        here, there = self.kinds[a], self.kinds[b]
        if here != "narrow" and there != "narrow":
            return True
        i, j = b[0] - a[0], b[1] - a[1]
        if there == "narrow" and not self.footing.admits(b, i, j):
            return False
        return here != "narrow" or self.footing.admits(a, i, j) or self._stuck(a)

    def _stuck(self, cell: Cell) -> bool:
        """Whether a robot fits in a cell in no direction, and has to get out of it as it can."""
        return not any(
            self.footing.admits(cell, i, j) for i, j in ((1, 0), (0, 1), (1, 1), (1, -1))
        )

    def line(self, a: Spot, b: Spot) -> Ground:
        """The worst ground along a straight line; closed where it is narrow and there is no room
        for a robot that walks along it."""
        if self.plain:
            return "open"
        length = hypot(b[0] - a[0], b[1] - a[1])
        steps = max(1, ceil(length / (GRID / 2)))
        ux, uy = (b[0] - a[0]) / (length or 1.0), (b[1] - a[1]) / (length or 1.0)
        worst: Ground = "open"
        for k in range(steps + 1):
            x, y = a[0] + (b[0] - a[0]) * k / steps, a[1] + (b[1] - a[1]) * k / steps
            kind = self.at(cell_of(x, y))
            if kind == "narrow" and not self.footing.fits(x, y, ux, uy):
                kind = "closed"
            if kind == "solid":
                return kind
            if ORDER[kind] > ORDER[worst]:
                worst = kind
        return worst


def swept(x: float, y: float, yaw: float, along: float, left: float) -> tuple[Spot, Spot]:
    """Where a straight move in the robot's own frame begins and ends."""
    c, s = cos(yaw), sin(yaw)
    return (x, y), (x + c * along - s * left, y + s * along + c * left)
