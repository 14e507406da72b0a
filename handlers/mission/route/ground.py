"""What kind of ground the robot would stand on: the height map in the terms of a planner.

A cell is *open* (walk), *tight* (walk, but something is near), *kept* (walk only where there is no
other way: somebody lies there), *narrow* (walk straight through, no room to turn), *rough* (crawl:
steps, slopes, low ceilings) or *closed* (the robot would touch something as it turns). *Solid* is
what its trunk cannot be in at all. Obstacles are widened by the robot's reach, so a way through the
cells is a way for the robot.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, cos, floor, hypot, sin
from typing import Literal

from handlers.mission.world.terrain import CELL, WALK_UNDER, HeightMap
from handlers.mission.world.vision import STEP_M
from handlers.project.scene import Zone

PARTS = 3
GRID = PARTS * CELL
"""Width of a planning cell, m: three of the height map's. Half is four times the cells to
search."""

BODY_M, ROOM_M = 0.33, 0.38
"""The robot's reach around its middle as it turns, m (the feet stand at 0.23, the head ends at 0.25
and a hind foot that swung wide caught on a block 0.35 m away), and what it had better keep clear of
as well, since it sways and is pushed."""

HALF_LENGTH_M, HALF_WIDTH_M = 0.3, 0.17
"""The same for a robot that only walks straight on, m: the legs stand at 0.127, their feet end at
0.15. A wall's edge already counts 4 cm before it, so a gap of half a metre is just wide enough."""

TRUNK_M = 0.1
"""Around its middle there is trunk in every direction, m: what is higher than a step within that
is something the robot cannot be in."""

WALKABLE, CLIMBABLE = 0.012, STEP_M + 0.003
"""Height range under the robot, m: up to which it walks, and up to which it crawls, which is the
highest step with the height map's rounding."""

ZONE_MARGIN = 0.12
"""How far it keeps out of a zone that fails the phase, m."""

Ground = Literal["open", "tight", "narrow", "kept", "rough", "closed", "solid"]
Cell = tuple[int, int]
Spot = tuple[float, float]

COST: dict[Ground, float] = {
    "open": 1.0, "tight": 2.0, "narrow": 2.5, "kept": 8.0, "rough": 2.5, "closed": 12.0,
    "solid": 24.0,
}  # fmt: skip
"""A metre of each ground in metres of open ground: a crawl is half as fast as a walk (0.18 to 0.35
m/s) and falls more easily; around somebody a long way round is worth it; out of closed ground the
nearest way is the best, and what is solid is never walked into."""

ORDER: dict[Ground, int] = {
    "open": 0, "tight": 1, "narrow": 2, "rough": 3, "kept": 4, "closed": 5, "solid": 6,
}  # fmt: skip
"""From the best to the worst, for the worst along a line."""


def _worse(kind: Ground) -> int:
    return ORDER[kind]


def cell_of(x: float, y: float) -> Cell:
    """The planning cell a place lies in."""
    return floor(x / GRID), floor(y / GRID)


def centre(cell: Cell) -> Spot:
    """The middle of a cell."""
    return (cell[0] + 0.5) * GRID, (cell[1] + 0.5) * GRID


def _ring(inner: float, outer: float) -> list[Cell]:
    """The cells around one whose middles lie that far from its own (m)."""
    n = ceil(outer / GRID)
    span = range(-n, n + 1)
    return [(i, j) for i in span for j in span if inner < GRID * hypot(i, j) <= outer]


_TRUNK = _ring(-1.0, TRUNK_M)
_CORE = _ring(TRUNK_M, HALF_WIDTH_M)
_REACH = _ring(HALF_WIDTH_M, BODY_M)
_ROOM = _ring(BODY_M, ROOM_M)
NEAR_CELLS = ceil(ROOM_M / GRID)
BLOCK = 8
"""Cells along a side of the blocks of which it is known whether anything stands in them: more than
NEAR_CELLS, so that a cell has to do with at most four."""

_ALONG = [k * GRID for k in range(-5, 6)]
_ASIDE = [k * HALF_WIDTH_M / 3 for k in range(-3, 4)]


class GroundMap:
    """The kind of ground at any place; cells are classified when asked, and remembered.

    forbidden: zones to keep out of. kept: places (x, y, distance; m) not to come near to where
    another way is left.
    """

    def __init__(
        self,
        terrain: HeightMap,
        forbidden: Iterable[Zone] = (),
        kept: Iterable[tuple[float, float, float]] = (),
    ) -> None:
        self.terrain = terrain
        self._zones = list(forbidden)
        self.forbidden = [zone.aabb for zone in self._zones]
        self.kept = list(kept)
        self.plain = terrain.flat and not self.forbidden and not self.kept
        self._known: dict[Cell, Ground] = {}
        self._footings: dict[Cell, Ground] = {}
        self._room: dict[tuple[Cell, Cell], bool] = {}
        self._bumps: dict[Cell, float] = {}
        self._calm: dict[Cell, bool] = {}

    def avoiding(self, x: float, y: float, distance: float) -> GroundMap:
        """The same ground with one more place not to come near to (m)."""
        other = GroundMap(self.terrain, self._zones, [*self.kept, (x, y, distance)])
        # What stands there is the same, and was dear to find out.
        other._footings, other._room = self._footings, self._room
        other._bumps, other._calm = self._bumps, self._calm
        return other

    def at(self, cell: Cell) -> Ground:
        """The kind of ground of a cell."""
        kind = self._known.get(cell)
        if kind is None:
            kind = self._known[cell] = self._classify(cell)
        return kind

    def off_limits(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Whether a place lies in a forbidden zone, or within `margin` metres of one."""
        return any(
            ax - margin <= x <= bx + margin and ay - margin <= y <= by + margin
            for (ax, ay, _), (bx, by, _) in self.forbidden
        )

    def _classify(self, cell: Cell) -> Ground:
        x, y = centre(cell)
        if self.off_limits(x, y, ZONE_MARGIN):
            return "closed"
        kind = self._footing(cell)
        if not any(hypot(x - px, y - py) < distance for px, py, distance in self.kept):
            return kind
        return "kept" if kind in ("open", "tight", "rough") else max(kind, "closed", key=_worse)

    def _footing(self, cell: Cell) -> Ground:
        if self.terrain.flat or self._is_calm(cell):
            return "open"
        kind = self._footings.get(cell)
        if kind is None:
            kind = self._footings[cell] = self._measured(cell)
        return kind

    def _is_calm(self, cell: Cell) -> bool:
        """Whether nothing stands anywhere near a cell: asked of blocks, which are few."""
        i, j = cell
        return all(
            self._block_is_calm((bi, bj))
            for bi in range((i - NEAR_CELLS) // BLOCK, (i + NEAR_CELLS) // BLOCK + 1)
            for bj in range((j - NEAR_CELLS) // BLOCK, (j + NEAR_CELLS) // BLOCK + 1)
        )

    def _block_is_calm(self, block: Cell) -> bool:
        calm = self._calm.get(block)
        if calm is None:
            i, j = block[0] * BLOCK, block[1] * BLOCK
            cells = ((i + k, j + n) for k in range(BLOCK) for n in range(BLOCK))
            calm = self._calm[block] = all(self._bump(cell) <= WALKABLE for cell in cells)
        return calm

    def _measured(self, cell: Cell) -> Ground:
        trunk = self._worst(cell, _TRUNK)
        if trunk > CLIMBABLE:
            return "solid"
        core = max(trunk, self._worst(cell, _CORE))
        if core > CLIMBABLE:
            return "closed"
        reach = max(core, self._worst(cell, _REACH))
        if reach > CLIMBABLE:
            return "narrow" if core <= WALKABLE else "closed"
        if reach > WALKABLE:
            return "rough"
        return "open" if self._worst(cell, _ROOM) <= CLIMBABLE else "tight"

    def _worst(self, cell: Cell, around: list[Cell]) -> float:
        i, j = cell
        return max(self._bump((i + di, j + dj)) for di, dj in around)

    def _bump(self, cell: Cell) -> float:
        """The greatest height range in a cell, m; a low ceiling counts as a step to crawl over."""
        found = self._bumps.get(cell)
        if found is None:
            found, terrain = 0.0, self.terrain
            for i in range(PARTS):
                x = (cell[0] * PARTS + i + 0.5) * CELL
                for j in range(PARTS):
                    y = (cell[1] * PARTS + j + 0.5) * CELL
                    found = max(found, terrain.roughness(x, y))
                    if found <= WALKABLE and terrain.clearance(x, y) < WALK_UNDER:
                        found = 2 * WALKABLE
            self._bumps[cell] = found
        return found

    def fits(self, x: float, y: float, ux: float, uy: float) -> bool:
        """Whether a robot that walks along the unit vector u has room at a place."""
        return all(
            self._bump(cell_of(x + a * ux - b * uy, y + a * uy + b * ux)) <= CLIMBABLE
            for a in _ALONG
            for b in _ASIDE
        )

    def passable(self, a: Cell, b: Cell) -> bool:
        """Whether the robot gets from a cell to its neighbour.

        Into closed ground it goes only from closed ground: it is there already, and has to get out.
        """
        here, there = self.at(a), self.at(b)
        if there == "solid":
            return False
        if here in ("closed", "solid"):
            return True
        if there == "closed":
            return False
        if here != "narrow" and there != "narrow":
            return True
        i, j = b[0] - a[0], b[1] - a[1]
        if there == "narrow" and not self._fits_in(b, i, j):
            return False
        return here != "narrow" or self._fits_in(a, i, j) or self._stuck(a)

    def _fits_in(self, cell: Cell, i: int, j: int) -> bool:
        """Whether a robot that walks to the cell i, j further on fits in a cell."""
        key = (cell, (i, j) if (i, j) > (0, 0) else (-i, -j))
        known = self._room.get(key)
        if known is None:
            size = hypot(i, j)
            known = self._room[key] = self.fits(*centre(cell), i / size, j / size)
        return known

    def _stuck(self, cell: Cell) -> bool:
        """Whether a robot fits in a cell in no direction, and has to get out of it as it can."""
        return not any(self._fits_in(cell, i, j) for i, j in ((1, 0), (0, 1), (1, 1), (1, -1)))

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
            if kind == "narrow" and not self.fits(x, y, ux, uy):
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
