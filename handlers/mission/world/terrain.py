"""The ground as the controller and the planner see it: heights on a grid, built once per scene.

Heights are those of the compiled model's fixed geoms (survey.py), so a user's own world counts as
well. The map is kept in square tiles and only where something stands: everything else is flat
ground at 0, and costs nothing. What hangs free above the ground, high enough to crawl under, is no
ground but a ceiling: heights and footholds leave it out, `clearance` says how much room it leaves.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import floor, hypot, inf

CELL = 0.02
PER_M = 1.0 / CELL
"""Width of a cell, m: about a foot's radius; half of it is four times the memory and the search.
And how many there are to a metre."""

FOOTPRINT = 0.045
"""How far around a foot the ground has to be even, m: the foot's radius twice, since it lands a
little off."""

FOOT_CELLS = round(FOOTPRINT / CELL)
"""The same in whole cells: what a cell's roughness depends on."""

EDGE = 0.025
"""Height range within a footprint that can still be stood on, m: about a foot's radius. More is an
edge that the foot slips from."""

LEVEL = 0.005
"""Height range that counts as flat, m: a slope of 3 degrees across a footprint."""

STEP = 0.14
"""The most a foothold may lie above or below the other feet, m: 2 cm more than the highest step
that the crawl climbs (limits.CLIMB_STEP_M)."""

CALF_CLEARANCE = 0.13
"""Room behind a foothold for the calf, which leans back over it, m: half its length. With less, the
calf rests on the edge of the step and not the foot on the ground."""

CRAWL_UNDER = 0.35
"""Free height that the crawl passes under, m: its trunk ends at 0.325 m and rocks. In three runs
each, it touched nothing at 0.34 m, and was touched at 0.33 m."""

WALK_UNDER = 0.37
"""Free height that every gait passes under, m: at 0.36 m none touched anything, at 0.35 m the trot
and the bound did, at 0.34 m all but the crawl got stuck."""

TILE_BITS = 6
TILE = 1 << TILE_BITS
LAST = TILE - 1
"""Cells along a tile's side, 1.28 m, and the last one's number in it."""

Vec = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Tile:
    """TILE x TILE cells, row by row along x: cell (i, j) stands at i * TILE + j.

    heights: of the ground, m. rough: the height range within a foothold's footprint of each cell,
    m. ceilings: the lowest underside above the ground, m (inf: the sky); None where there is none.
    """

    heights: array[float]
    rough: array[float]
    ceilings: array[float] | None = None


@dataclass(frozen=True, slots=True)
class HeightMap:
    """Heights, roughness and clearance at any place of the world (x, y in m, finite).

    `tiles` are those where something stands, by their number along x and y from the origin.
    """

    tiles: Mapping[tuple[int, int], Tile] = field(default_factory=dict)

    @property
    def flat(self) -> bool:
        """Whether nothing stands on the ground, or hangs over it, at all."""
        return not self.tiles

    # The look-up is written out in each: they are asked thousands of times a second.

    def height(self, x: float, y: float) -> float:
        """Of the ground, m."""
        i, j = floor(x * PER_M), floor(y * PER_M)
        tile = self.tiles.get((i >> TILE_BITS, j >> TILE_BITS))
        return 0.0 if tile is None else tile.heights[(i & LAST) << TILE_BITS | j & LAST]

    def roughness(self, x: float, y: float) -> float:
        """Height range of the ground within a foothold's footprint, m."""
        i, j = floor(x * PER_M), floor(y * PER_M)
        tile = self.tiles.get((i >> TILE_BITS, j >> TILE_BITS))
        return 0.0 if tile is None else tile.rough[(i & LAST) << TILE_BITS | j & LAST]

    def clearance(self, x: float, y: float) -> float:
        """Free height over the ground, m: to the underside of what hangs there; inf in the open.

        Never less than CRAWL_UNDER: what hangs lower is an obstacle, and part of the ground. Under
        less than WALK_UNDER the robot has to crawl.
        """
        i, j = floor(x * PER_M), floor(y * PER_M)
        tile = self.tiles.get((i >> TILE_BITS, j >> TILE_BITS))
        if tile is None or tile.ceilings is None:
            return inf
        at = (i & LAST) << TILE_BITS | j & LAST
        return tile.ceilings[at] - tile.heights[at]

    def even(self, x: float, y: float, reach: float) -> bool:
        """Whether the ground is level within `reach` of a place, m (looked up at 24 points).

        `reach` is less than a tile: where no corner of that square has one, nothing stands.
        """
        if self.flat or not any(
            (floor((x + dx) * PER_M) >> TILE_BITS, floor((y + dy) * PER_M) >> TILE_BITS)
            in self.tiles
            for dx in (-reach, reach)
            for dy in (-reach, reach)
        ):
            return True
        if self.roughness(x, y) > LEVEL:
            return False
        return all(
            self.roughness(x + reach * part * dx, y + reach * part * dy) <= LEVEL
            for part in (0.33, 0.67, 1.0)
            for dx, dy in _COMPASS
        )

    def highest(self, ax: float, ay: float, bx: float, by: float) -> float:
        """The greatest height along a straight line."""
        if self.flat:
            return 0.0
        steps = int(hypot(bx - ax, by - ay) / CELL) + 1
        return max(
            self.height(ax + (bx - ax) * k / steps, ay + (by - ay) * k / steps)
            for k in range(steps + 1)
        )

    def foothold(self, x: float, y: float, back: tuple[float, float], level: float) -> Vec:
        """The usable foothold nearest to x, y: flat under the foot, room for the calf behind it.

        `back` is the unit direction the calf leans to, `level` the height of the other feet: what
        is more than a step above or below is no foothold. The wanted place when none is near.
        """
        if self.flat:
            return x, y, 0.0
        for dx, dy in _SPIRAL:
            px, py = x + dx, y + dy
            if self.roughness(px, py) > EDGE:
                continue
            height = self.height(px, py)
            if abs(height - level) > STEP:
                continue
            bx, by = px + back[0] * CALF_CLEARANCE, py + back[1] * CALF_CLEARANCE
            if self.highest(px, py, bx, by) - height < EDGE:
                return px, py, height
        return x, y, self.height(x, y)


# Eight directions of length 1 (0.99 the slanting ones).
_COMPASS = ((1, 0), (0.7, 0.7), (0, 1), (-0.7, 0.7), (-1, 0), (-0.7, -0.7), (0, -1), (0.7, -0.7))
# The cells within 14 cm of a place, the nearest first: further off, the leg could not stand on it.
_SPIRAL = sorted(
    ((i * CELL, j * CELL) for i in range(-7, 8) for j in range(-7, 8) if i * i + j * j <= 49),
    key=lambda offset: (round(hypot(*offset), 6), offset),
)

FLAT = HeightMap()
