"""The ground as the controller and the planner see it: heights on a grid, built once per scene.

Heights come from the compiled model's fixed geoms (so a user's own world counts as well); a cell
is `CELL` metres wide, everything outside the grid is flat ground at 0. Built with numpy, read as
lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor, hypot
from typing import Any

CELL = 0.02
"""Width of a cell, m: about a foot's radius. Half of it is four times the memory and the search."""

MARGIN = 1.5
"""Flat ground that the map holds around the objects, m. Everything outside is 0 high anyway; it
only has to be wider than a footprint, since `_range` wraps around at the map's edges."""

FOOTPRINT = 0.045
"""How far around a foot the ground has to be even, m: the foot's radius twice, since it lands a
little off."""

EDGE = 0.025
"""Height range within a footprint that can still be stood on, m: about a foot's radius. More is an
edge that the foot slips from."""

LEVEL = 0.005
"""Height range that counts as flat, m: a slope of 3 degrees across a footprint."""

STEP = 0.105
"""The most a foothold may lie above or below the other feet, m: 2 cm more than the highest step
that the crawl is sent up (vision.STEP_M). What is higher the legs cannot climb."""

CALF_CLEARANCE = 0.11
"""Room behind a foothold for the calf, which leans back over it, m: half its length. With less, the
calf rests on the edge of the step and not the foot on the ground."""

MAX_CELLS = 4_000_000
"""A map of 40 x 40 m, and 60 MB as two lists of floats."""

SPHERE = 2
"""mujoco.mjtGeom.mjGEOM_SPHERE."""

Vec = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class HeightMap:
    """Heights (m) over a rectangle that starts at (x0, y0), row by row along x.

    `rough` is the height range within a foothold's footprint of each cell.
    """

    x0: float
    y0: float
    nx: int
    ny: int
    heights: list[float]
    rough: list[float]

    def _index(self, x: float, y: float) -> int:
        i, j = floor((x - self.x0) / CELL), floor((y - self.y0) / CELL)
        return i * self.ny + j if 0 <= i < self.nx and 0 <= j < self.ny else -1

    @property
    def flat(self) -> bool:
        """Whether nothing stands on the ground at all."""
        return self.nx == 0

    def height(self, x: float, y: float) -> float:
        at = self._index(x, y)
        return self.heights[at] if at >= 0 else 0.0

    def roughness(self, x: float, y: float) -> float:
        at = self._index(x, y)
        return self.rough[at] if at >= 0 else 0.0

    def even(self, x: float, y: float, reach: float) -> bool:
        """Whether the ground is level within `reach` of a place (looked up at 24 points)."""
        if self.nx == 0:
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
        if self.nx == 0:
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
        if self.nx == 0:
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

FLAT = HeightMap(0.0, 0.0, 0, 0, [], [])


def from_model(model: Any, data: Any, geoms: Iterable[int]) -> HeightMap:
    """The height map of a model's fixed geoms (ids). Raises ValueError when it would be huge."""
    import numpy as np

    solids = list(geoms)
    if not solids:
        return FLAT
    low, high = _bounds(model, data, solids)
    x0, y0 = (floor(value / CELL) * CELL for value in low)
    nx, ny = (int((top - start) / CELL) + 2 for top, start in zip(high, (x0, y0), strict=True))
    if nx * ny > MAX_CELLS:
        raise ValueError(f"the scene spans {nx * CELL:.0f} x {ny * CELL:.0f} m")
    xs = x0 + (np.arange(nx) + 0.5) * CELL
    ys = y0 + (np.arange(ny) + 0.5) * CELL
    gx, gy = np.meshgrid(xs, ys, indexing="ij")
    heights = np.zeros((nx, ny))
    for geom in solids:
        np.maximum(heights, _top(model, data, geom, gx, gy), out=heights)
    rough = _range(heights, round(FOOTPRINT / CELL))
    return HeightMap(x0, y0, nx, ny, heights.ravel().tolist(), rough.ravel().tolist())


def _bounds(model: Any, data: Any, geoms: list[int]) -> tuple[list[float], list[float]]:
    centres, radii = data.geom_xpos[geoms][:, :2], model.geom_rbound[geoms][:, None]
    low = (centres - radii).min(axis=0) - MARGIN
    high = (centres + radii).max(axis=0) + MARGIN
    return low.tolist(), high.tolist()


def _top(model: Any, data: Any, geom: int, gx: Any, gy: Any) -> Any:
    """Height of a solid's upper surface over each cell; 0 where it is not.

    A line straight down, in the solid's own frame, against its box (exact for boxes and inclined
    boxes, from above and outside for other shapes) or against the sphere.
    """
    import numpy as np

    centre, frame = data.geom_xpos[geom], data.geom_xmat[geom].reshape(3, 3)
    size = model.geom_size[geom]
    if model.geom_type[geom] == SPHERE:
        below = size[0] ** 2 - (gx - centre[0]) ** 2 - (gy - centre[1]) ** 2
        return np.where(below > 0, centre[2] + np.sqrt(np.maximum(below, 0)), 0.0)
    middle, half = model.geom_aabb[geom][:3], model.geom_aabb[geom][3:]
    start = np.stack([gx - centre[0], gy - centre[1], np.full_like(gx, -centre[2])], axis=-1)
    local = start @ frame - middle
    up = frame[2]
    enter, leave = np.full_like(gx, -np.inf), np.full_like(gx, np.inf)
    for axis in range(3):
        if abs(up[axis]) < 1e-9:
            outside = np.abs(local[..., axis]) > half[axis]
            leave = np.where(outside, -np.inf, leave)
            continue
        near = (-half[axis] - local[..., axis]) / up[axis]
        far = (half[axis] - local[..., axis]) / up[axis]
        enter = np.maximum(enter, np.minimum(near, far))
        leave = np.minimum(leave, np.maximum(near, far))
    return np.where(leave >= np.maximum(enter, 0.0), leave, 0.0)


def _range(heights: Any, reach: int) -> Any:
    """Highest minus lowest within `reach` cells each way."""
    import numpy as np

    highest, lowest = heights, heights
    for axis in (0, 1):
        shifts = range(-reach, reach + 1)
        highest = np.max([np.roll(highest, s, axis) for s in shifts], axis=0)
        lowest = np.min([np.roll(lowest, s, axis) for s in shifts], axis=0)
    return highest - lowest
