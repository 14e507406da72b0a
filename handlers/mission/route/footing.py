"""What kind of ground the things of a scene leave the robot to stand on, whoever asks.

The height map in the terms of a planner, worked out for blocks of cells at a time where somebody
asks, and kept: one `Footing` serves every phase and every run of a scene. Obstacles are widened by
the robot's reach, so a way through the cells is a way for the robot.
"""

from __future__ import annotations

from math import ceil, floor, hypot, radians, tan
from typing import TYPE_CHECKING, Any, Literal

from handlers.mission.locomotion.limits import (
    CLIMB_STEP_M,
    SLOPE_RAD,
    SURE_STEP_M,
    WALK_SLOPE_RAD,
)
from handlers.mission.world.terrain import (
    CELL,
    FOOT_CELLS,
    TILE,
    TILE_BITS,
    WALK_UNDER,
    HeightMap,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Grid = NDArray[np.float64]

Ground = Literal["open", "tight", "narrow", "rough", "high", "kept", "closed", "solid"]
Cell = tuple[int, int]
Spot = tuple[float, float]

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

ROUNDING_M = 0.003
"""Heights are looked up in the middles of cells: a step may seem this much higher, m."""

SPAN_M = 2 * FOOT_CELLS * CELL
"""Between the outermost cells of a foothold's footprint, m."""

WALKABLE = SPAN_M * tan(WALK_SLOPE_RAD)
"""Height range under a foot up to which it walks, m: that of the steepest slope for the walk."""

SURE, CLIMBABLE = SURE_STEP_M + ROUNDING_M, CLIMB_STEP_M + ROUNDING_M
"""And up to which it crawls: where it likes, and where there is no other way, m."""

STEEP = tan(SLOPE_RAD + radians(1.0))
"""The rise of a slope that is too steep, as a part of its length. What is said to be of 15 degrees
may be of a little more."""

RUN_CELLS = ceil(CLIMB_STEP_M / tan(SLOPE_RAD) / 2 / CELL)
"""Half the length, in cells, on which the steepest slope gets as high as the highest step: what is
steeper and gets no higher there is a step."""

FLAT, ROUGH, HIGH, BLOCKED = range(4)
"""What a cell itself is: to walk on, to crawl over, to crawl over at need, too much."""

BITS = 5
BLOCK = 1 << BITS
"""Cells along a side of what is worked out together, 1.92 m: more are many that nobody asks for,
fewer have more cells around them than in them."""

KINDS: tuple[Ground, ...] = ("open", "tight", "narrow", "rough", "high", "closed", "solid")
_OPEN = bytes(BLOCK * BLOCK)

_ALONG = [k * GRID for k in range(-5, 6)]
_ASIDE = [k * HALF_WIDTH_M / 3 for k in (-3, 3, -2, 2, -1, 1, 0)]


def cell_of(x: float, y: float) -> Cell:
    """The planning cell a place lies in."""
    return floor(x / GRID), floor(y / GRID)


def centre(cell: Cell) -> Spot:
    """The middle of a cell."""
    return (cell[0] + 0.5) * GRID, (cell[1] + 0.5) * GRID


class Footing:
    """The kind of ground of each cell, as far as what stands there decides it."""

    def __init__(self, terrain: HeightMap) -> None:
        self.terrain = terrain
        self._blocks: dict[Cell, bytes] = {}
        self._room: dict[tuple[Cell, Cell], bool] = {}

    @property
    def flat(self) -> bool:
        """Whether all of it is open."""
        return self.terrain.flat

    def at(self, cell: Cell) -> Ground:
        """The kind of ground of a cell."""
        i, j = cell
        key = (i >> BITS, j >> BITS)
        block = self._blocks.get(key)
        if block is None:
            block = self._blocks[key] = self._block(key)
        return KINDS[block[(i & BLOCK - 1) << BITS | j & BLOCK - 1]]

    def fits(self, x: float, y: float, ux: float, uy: float) -> bool:
        """Whether a robot that walks along the unit vector u has room at a place."""
        rough = self.terrain.roughness
        for b in _ASIDE:  # from the sides inward: there it is that something is in the way
            for a in _ALONG:
                if rough(x + a * ux - b * uy, y + a * uy + b * ux) > CLIMBABLE:
                    return False
        return True

    def admits(self, cell: Cell, i: int, j: int) -> bool:
        """Whether a robot that walks to the cell i, j further on has room in a cell."""
        key = (cell, (i, j) if (i, j) > (0, 0) else (-i, -j))
        known = self._room.get(key)
        if known is None:
            size = hypot(i, j)
            known = self._room[key] = self.fits(*centre(cell), i / size, j / size)
        return known

    def _block(self, key: Cell) -> bytes:
        low = (key[0] * BLOCK - REACH_CELLS) * PARTS, (key[1] * BLOCK - REACH_CELLS) * PARTS
        side = (BLOCK + 2 * REACH_CELLS) * PARTS
        if not _touched(self.terrain, low, side):
            return _OPEN
        levels = _levels(self.terrain, low, side)
        return _kinds(levels).tobytes() if levels.any() else _OPEN


def _touched(terrain: HeightMap, low: Cell, side: int) -> bool:
    """Whether anything stands in a square of the height map's cells."""
    return any(
        (ti, tj) in terrain.tiles
        for ti in range(low[0] >> TILE_BITS, (low[0] + side - 1 >> TILE_BITS) + 1)
        for tj in range(low[1] >> TILE_BITS, (low[1] + side - 1 >> TILE_BITS) + 1)
    )


# -- each cell by itself ---------------------------------------------------------------------------


def _levels(terrain: HeightMap, low: Cell, side: int) -> Any:
    """FLAT to BLOCKED for each planning cell of a square of the height map's cells."""
    import numpy as np

    heights, rough, ceilings = _patch(terrain, low, side, RUN_CELLS)
    inner = slice(RUN_CELLS, -RUN_CELLS)
    rough = rough[inner, inner]
    level = (rough > WALKABLE).astype(np.uint8)
    level += rough > SURE
    level += rough > CLIMBABLE
    if ceilings is not None:  # a low one is crawled under
        under = (ceilings - heights)[inner, inner] < WALK_UNDER
        np.maximum(level, under, out=level, casting="unsafe")
    level[_too_steep(heights)] = BLOCKED
    count = side // PARTS
    return level.reshape(count, PARTS, count, PARTS).max(axis=(1, 3))


def _too_steep(heights: Grid) -> Any:
    """Where a slope is steeper than the robot climbs, and is no mere step, RUN_CELLS inside."""
    import numpy as np

    rise = np.zeros_like(heights)
    rise[1:-1, 1:-1] = np.hypot(
        heights[2:, 1:-1] - heights[:-2, 1:-1], heights[1:-1, 2:] - heights[1:-1, :-2]
    )
    steep = rise > 2 * CELL * STEEP
    if steep.any():  # all over a footprint: else it is the edge of something
        steep = _over(steep, FOOT_CELLS, np.min)
    inner = slice(RUN_CELLS, -RUN_CELLS)
    if not steep.any():
        return np.zeros_like(heights[inner, inner], dtype=bool)
    rises = _over(heights, RUN_CELLS, np.max) - _over(heights, RUN_CELLS, np.min)
    return (steep & (rises > CLIMBABLE))[inner, inner]


def _over(values: Any, reach: int, extreme: Any) -> Any:
    """The greatest or least value within `reach` cells each way."""
    import numpy as np
    from numpy.lib.stride_tricks import sliding_window_view as window

    for axis in (0, 1):
        pads = [(reach, reach) if at == axis else (0, 0) for at in (0, 1)]
        values = extreme(window(np.pad(values, pads, "edge"), 2 * reach + 1, axis), axis=-1)
    return values


def _patch(terrain: HeightMap, low: Cell, side: int, margin: int) -> tuple[Grid, Grid, Any]:
    """Heights, roughness and ceilings (None without any) of a square with a margin around it."""
    import numpy as np

    size = side + 2 * margin
    i0, j0 = low[0] - margin, low[1] - margin
    heights, rough = np.zeros((size, size)), np.zeros((size, size))
    ceilings = None
    for ti in range(i0 >> TILE_BITS, (i0 + size - 1 >> TILE_BITS) + 1):
        for tj in range(j0 >> TILE_BITS, (j0 + size - 1 >> TILE_BITS) + 1):
            tile = terrain.tiles.get((ti, tj))
            if tile is None:
                continue
            (there_i, here_i), (there_j, here_j) = _common(i0, size, ti), _common(j0, size, tj)
            for into, values in ((heights, tile.heights), (rough, tile.rough)):
                whole = np.frombuffer(values).reshape(TILE, TILE)
                into[there_i, there_j] = whole[here_i, here_j]
            if tile.ceilings is not None:
                if ceilings is None:
                    ceilings = np.full((size, size), np.inf)
                whole = np.frombuffer(tile.ceilings).reshape(TILE, TILE)
                ceilings[there_i, there_j] = whole[here_i, here_j]
    return heights, rough, ceilings


def _common(start: int, size: int, tile: int) -> tuple[slice, slice]:
    """What a row of `size` cells has in common with a tile: where in the row, and in the tile."""
    first = tile * TILE
    low, high = max(start, first), min(start + size, first + TILE)
    return slice(low - start, high - start), slice(low - first, high - first)


# -- and by what is around it ----------------------------------------------------------------------


def _ring(inner: float, outer: float) -> list[Cell]:
    """The cells around one whose middles lie that far from its own (m)."""
    n = ceil(outer / GRID)
    span = range(-n, n + 1)
    return [(i, j) for i in span for j in span if inner < GRID * hypot(i, j) <= outer]


REACH_CELLS = ceil(ROOM_M / GRID)
_TRUNK = _ring(-1.0, TRUNK_M)
_CORE = _ring(TRUNK_M, HALF_WIDTH_M)
_REACH = _ring(HALF_WIDTH_M, BODY_M)
_ROOM = _ring(BODY_M, ROOM_M)


def _kinds(levels: Any) -> Any:
    """The kind of ground (its place in KINDS) of each cell of a block, from the levels in it and
    REACH_CELLS around it."""
    import numpy as np

    worst = np.zeros((BLOCK, BLOCK), np.uint8)
    found = []
    for ring in (_TRUNK, _CORE, _REACH, _ROOM):
        for i, j in ring:
            i, j = i + REACH_CELLS, j + REACH_CELLS
            np.maximum(worst, levels[i : i + BLOCK, j : j + BLOCK], out=worst)
        found.append(worst.copy())
    trunk, core, reach, room = found
    kinds = np.select(
        [
            trunk == BLOCKED,
            (core == BLOCKED) | ((reach == BLOCKED) & (core > FLAT)),
            reach == BLOCKED,
            reach == HIGH,
            reach == ROUGH,
            room == BLOCKED,
        ],
        [KINDS.index(kind) for kind in ("solid", "closed", "narrow", "high", "rough", "tight")],
        KINDS.index("open"),
    )
    return kinds.astype(np.uint8)
