"""Surveying a compiled scene: from solid geoms to the map of heights and ceilings.

Along a vertical line through a cell, a solid is a column from its underside to its top. Columns
that stand on the ground, or on each other, raise it; one that leaves room to crawl under is a
ceiling there. What the robot can get on top of step by step (a ramp, a bridge at its end) is ground
all over, however much room is under it: a map of one level cannot be both.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from handlers.mission.world.terrain import (
    CELL,
    CRAWL_UNDER,
    FLAT,
    FOOT_CELLS,
    STEP,
    TILE,
    HeightMap,
    Tile,
)

REACH_M = 1000.0
"""How far from the origin anything may reach, m: more is a mistake of units, not a mission."""

MAX_TILES = 4096
"""The most tiles: 6,700 m2 of ground with something on it, 82 x 82 m. A tile is 66 kB, unless it
is the same height all over (those share one); 270 MB is the most there can be."""

COARSE = 200
"""Columns along a side, at most, where two solids are looked at for a step from one to the other:
two centimetres apart on four metres."""

SPHERE = 2
"""mujoco.mjtGeom.mjGEOM_SPHERE."""


@dataclass(frozen=True, slots=True)
class Solid:
    """A geom in the world: `low` and `high` are the corners of what it fills (m)."""

    sphere: bool
    centre: Any
    frame: Any
    middle: Any
    half: Any
    low: tuple[float, float, float]
    high: tuple[float, float, float]

    def columns(self, gx: Any, gy: Any) -> tuple[Any, Any]:
        """Underside and top over each place (m); inf and -inf where the solid is not.

        A line straight up, in the solid's own frame, against its box (exact for boxes and inclined
        boxes, from outside for other shapes) or against the sphere. What ends below 0 is not there.
        """
        import numpy as np

        if self.sphere:
            inside = self.half[0] ** 2 - (gx - self.centre[0]) ** 2 - (gy - self.centre[1]) ** 2
            reach = np.sqrt(np.maximum(inside, 0))
            bottom, top = self.centre[2] - reach, self.centre[2] + reach
            there = (inside > 0) & (top >= 0)
            return np.where(there, bottom, np.inf), np.where(there, top, -np.inf)
        start = np.stack(
            [gx - self.centre[0], gy - self.centre[1], np.full_like(gx, -self.centre[2])], axis=-1
        )
        local, up = start @ self.frame - self.middle, self.frame[2]
        enter, leave = np.full_like(gx, -np.inf), np.full_like(gx, np.inf)
        for axis in range(3):
            if abs(up[axis]) < 1e-9:
                outside = np.abs(local[..., axis]) > self.half[axis]
                leave = np.where(outside, -np.inf, leave)
                continue
            near = (-self.half[axis] - local[..., axis]) / up[axis]
            far = (self.half[axis] - local[..., axis]) / up[axis]
            enter = np.maximum(enter, np.minimum(near, far))
            leave = np.minimum(leave, np.maximum(near, far))
        there = leave >= np.maximum(enter, 0.0)
        return np.where(there, enter, np.inf), np.where(there, leave, -np.inf)


def survey(model: Any, data: Any, geoms: Iterable[int]) -> HeightMap:
    """The height map of a model's fixed geoms (ids). Raises ValueError when it would be huge."""
    solids = [_solid(model, data, geom) for geom in geoms]
    keys = sorted(_tiles_of(solids))
    if not keys:
        return FLAT
    hanging = set(_hanging(solids))
    standing = [solid for at, solid in enumerate(solids) if at not in hanging]
    above = [solids[at] for at in sorted(hanging)]
    shared: dict[float, array[float]] = {}
    return HeightMap({key: _tile(key, standing, above, shared) for key in keys})


def _solid(model: Any, data: Any, geom: int) -> Solid:
    import numpy as np

    centre = data.geom_xpos[geom].copy()
    frame = data.geom_xmat[geom].reshape(3, 3).copy()
    sphere = int(model.geom_type[geom]) == SPHERE
    middle, half = model.geom_aabb[geom][:3].copy(), model.geom_aabb[geom][3:].copy()
    with np.errstate(all="ignore"):  # what overflows is refused below
        at, reach = centre + frame @ middle, half if sphere else np.abs(frame) @ half
        low, high = (at - reach).tolist(), (at + reach).tolist()
    if not max(map(abs, (*low[:2], *high[:2]))) <= REACH_M:
        far = max(map(abs, (*low[:2], *high[:2])))
        raise ValueError(f"it reaches to {far:g} m from the origin (at most {REACH_M:.0f} m)")
    return Solid(sphere, centre, frame, middle, half, tuple(low), tuple(high))


def _tiles_of(solids: Iterable[Solid]) -> set[tuple[int, int]]:
    """The tiles that a solid lies in, or near enough to make a foothold in them rough."""
    side = TILE * CELL
    found: set[tuple[int, int]] = set()
    for solid in solids:
        if solid.high[2] < 0.0:
            continue
        across, along = (
            range(
                floor((solid.low[axis] - (FOOT_CELLS + 1) * CELL) / side),
                floor((solid.high[axis] + (FOOT_CELLS + 1) * CELL) / side) + 1,
            )
            for axis in (0, 1)
        )
        if len(across) * len(along) <= MAX_TILES:
            found |= {(i, j) for i in across for j in along}
        if len(across) * len(along) > MAX_TILES or len(found) > MAX_TILES:
            most = MAX_TILES * side * side
            raise ValueError(f"the scene covers more than {most:.0f} m2 of ground")
    return found


# -- what hangs ------------------------------------------------------------------------------------


def _hanging(solids: Sequence[Solid]) -> Iterator[int]:
    """Which solids can be a ceiling somewhere: high enough, and nothing to get on top of."""
    high = [at for at, solid in enumerate(solids) if solid.high[2] > CRAWL_UNDER]
    if not any(_open_below(solids[at]) for at in high):
        return
    reached = {at for at, solid in enumerate(solids) if _stepped_on(solid, None)}
    frontier = list(reached)
    while frontier:
        here = solids[frontier.pop()]
        for at in high:
            if at not in reached and _stepped_on(solids[at], here):
                reached.add(at)
                frontier.append(at)
    yield from (at for at in high if at not in reached)


def _open_below(solid: Solid) -> bool:
    """Whether there can be room to crawl under some of it."""
    tilted = solid.sphere or abs(abs(solid.frame[2][2]) - 1.0) > 1e-9
    return tilted or solid.low[2] >= CRAWL_UNDER


def _stepped_on(solid: Solid, other: Solid | None) -> bool:
    """Whether its top is at most a step above that of another, or the floor (None), near by."""
    import numpy as np

    near = (FOOT_CELLS + 1) * CELL
    low: tuple[float, ...] = solid.low
    high: tuple[float, ...] = solid.high
    if other is not None:
        low = tuple(map(max, low, (value - near for value in other.low)))
        high = tuple(map(min, high, (value + near for value in other.high)))
        if low[0] > high[0] or low[1] > high[1] or solid.low[2] > other.high[2] + STEP:
            return False
    xs, ys = (
        np.linspace(a, b, 2 + min(COARSE, ceil((b - a) / CELL)))
        for a, b in zip(low[:2], high[:2], strict=True)
    )
    gx, gy = np.meshgrid(xs, ys, indexing="ij")
    top = solid.columns(gx, gy)[1]
    if other is None:
        return bool(((top > -np.inf) & (top <= STEP)).any())
    shifts = (-near, 0.0, near)
    for beside in (other.columns(gx + dx, gy + dy)[1] for dx in shifts for dy in shifts):
        both = (top > -np.inf) & (beside > -np.inf)
        if (np.abs(top[both] - beside[both]) <= STEP).any():
            return True
    return False


# -- tiles -----------------------------------------------------------------------------------------


def _tile(
    key: tuple[int, int],
    standing: Sequence[Solid],
    above: Sequence[Solid],
    shared: dict[float, array[float]],
) -> Tile:
    """A tile from the solids around it. `shared` holds the cells of those of one value."""
    import numpy as np

    xs, ys = (
        (key[axis] * TILE + np.arange(-FOOT_CELLS, TILE + FOOT_CELLS) + 0.5) * CELL
        for axis in (0, 1)
    )
    gx, gy = np.meshgrid(xs, ys, indexing="ij")

    def here(solid: Solid) -> bool:
        return bool(
            solid.low[0] <= xs[-1]
            and solid.high[0] >= xs[0]
            and solid.low[1] <= ys[-1]
            and solid.high[1] >= ys[0]
        )

    heights = np.zeros((xs.size, ys.size))
    for solid in filter(here, standing):
        np.maximum(heights, solid.columns(gx, gy)[1], out=heights)
    columns = [solid.columns(gx, gy) for solid in filter(here, above)]
    while True:  # what has too little room under it is ground, which takes room from the next
        raised = heights
        for bottom, top in columns:
            raised = np.where(bottom - raised < CRAWL_UNDER, np.maximum(raised, top), raised)
        if (raised == heights).all():
            break
        heights = raised
    inner = slice(FOOT_CELLS, -FOOT_CELLS)
    ceilings = np.full_like(heights, np.inf)
    for bottom, _ in columns:
        free = bottom - heights >= CRAWL_UNDER
        ceilings = np.where(free, np.minimum(ceilings, bottom), ceilings)
    open_sky = not columns or (ceilings == np.inf).all()
    return Tile(
        _cells(heights[inner, inner], shared),
        _cells(_range(heights), shared),
        None if open_sky else _cells(ceilings[inner, inner], shared),
    )


def _cells(values: Any, shared: dict[float, array[float]]) -> array[float]:
    """Values row by row, as compact as they can be looked up quickly."""
    first = float(values.flat[0])
    if (values == first).all():
        return shared.setdefault(first, array("d", [first]) * (TILE * TILE))
    return array("d", values.tobytes())


def _range(heights: Any) -> Any:
    """Highest minus lowest within FOOT_CELLS cells each way, for the cells that have so many."""
    from numpy.lib.stride_tricks import sliding_window_view as window

    highest = lowest = heights
    for axis in (0, 1):
        highest = window(highest, 2 * FOOT_CELLS + 1, axis).max(axis=-1)
        lowest = window(lowest, 2 * FOOT_CELLS + 1, axis).min(axis=-1)
    return highest - lowest
