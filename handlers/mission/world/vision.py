"""What the robot sees: objects in a forward cone that nothing hides, and what stands in its way."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import atan2, cos, degrees, hypot, inf, sin
from typing import Any

from handlers.mission.world.model import OBSTACLE_M, SceneModel, fixed_geoms, incline, mujoco
from handlers.mission.world.sense import wrapped
from handlers.mission.world.terrain import CELL, TILE, HeightMap
from handlers.project.scene import Box, Marker, Slope, Sphere
from handlers.project.spec import Vision

SceneThing = Box | Marker | Sphere | Slope

EYE_M = (0.2, 0.05)
"""Where the robot looks from: ahead of and above its trunk's middle, m; the head's middle."""

EDGE_OF_IT = 0.9
"""How far out from an object's middle it is looked at, as a part of its half extents: a hidden
object has none of 15 places in view, its middle, its corners and the middles of its faces."""

HIDING, REST = 0, 5
"""Geom groups of what hides things, and of everything else, in the copy that rays are cast in."""


def place_of(item: SceneThing) -> tuple[float, float, float]:
    """The middle of an object."""
    if isinstance(item, Slope):
        x, y, z = incline(item)[0]
        return x, y, z
    return item.position


def bearing(x: float, y: float, yaw: float, to_x: float, to_y: float) -> float:
    """Direction to a place in radians, left positive, for a robot that faces `yaw` (world)."""
    return wrapped(atan2(to_y - y, to_x - x) - yaw)


@dataclass(frozen=True, slots=True)
class Seen:
    """An object in view: horizontal distance to its middle (m), direction (rad, left positive)."""

    distance: float
    bearing: float


class Sight:
    """The robot's forward field of view in one scene, whose objects are `objects`.

    The cone is `fov_deg` wide around where the robot faces and `max_distance_m` long, measured to
    the objects' middles. Solid things of the scene, and of a model of the user's own, hide what is
    behind them: an object is seen when a ray from the head meets any of 15 places of it.
    """

    def __init__(self, objects: Sequence[SceneThing], vision: Vision, scene: SceneModel) -> None:
        import numpy as np

        self.objects, self.vision = objects, vision
        self._mj = mj = mujoco()
        self._model = model = copy.copy(scene.model)
        self._data = mj.MjData(model)
        mj.mj_forward(model, self._data)
        hiding = fixed_geoms(mj, model)
        self._group = np.zeros(6, np.uint8)
        self._group[HIDING] = 1 if hiding else 0
        model.geom_group[:] = REST
        model.geom_group[hiding] = HIDING
        self._geoms = [model.geom(f"cadenza_object_{at}").id for at in range(len(objects))]

    def look(self, x: float, y: float, z: float, yaw: float) -> dict[str, Seen]:
        """Tag -> the nearest such object in view, for a trunk at x, y, z (m) that faces `yaw`."""
        found: dict[str, Seen] = {}
        eye = (x + EYE_M[0] * cos(yaw), y + EYE_M[0] * sin(yaw), z + EYE_M[1])
        for at, item in enumerate(self.objects):
            px, py, _ = place_of(item)
            seen = Seen(hypot(px - x, py - y), bearing(x, y, yaw, px, py))
            nearer = item.tag not in found or seen.distance < found[item.tag].distance
            if nearer and self._in_cone(seen) and not self._hidden(eye, self._geoms[at]):
                found[item.tag] = seen
        return found

    def _in_cone(self, seen: Seen) -> bool:
        inside = abs(degrees(seen.bearing)) <= self.vision.fov_deg / 2.0
        return inside and seen.distance <= self.vision.max_distance_m

    def _hidden(self, eye: tuple[float, float, float], geom: int) -> bool:
        """Whether something else is met first on the way to each place of a geom."""
        import numpy as np

        if not self._group[HIDING]:
            return False
        ways = self._places(geom) - eye
        count = len(ways)
        met, parts = np.full(count, -1, np.int32), np.full(count, -1.0)
        self._mj.mj_multiRay(
            self._model, self._data, np.asarray(eye), ways.ravel(), self._group,
            True, -1, met, parts, None, count, np.inf,
        )  # fmt: skip
        return bool(((met >= 0) & (met != geom) & (parts < 1.0)).all())

    def _places(self, geom: int) -> Any:
        """Places of a geom to look at, in the world (m); none of them under the floor."""
        import numpy as np

        half = self._model.geom_aabb[geom][3:]
        round_ = self._model.geom_type[geom] == self._mj.mjtGeom.mjGEOM_SPHERE
        corners = np.array(_CORNERS) / (3**0.5 if round_ else 1.0)
        local = np.concatenate([np.zeros((1, 3)), corners, np.array(_FACES)]) * half * EDGE_OF_IT
        places = local @ self._data.geom_xmat[geom].reshape(3, 3).T + self._data.geom_xpos[geom]
        places[:, 2] = np.maximum(places[:, 2], CELL)
        return places


_CORNERS = list(product((-1.0, 1.0), repeat=3))
_FACES = [(s, 0.0, 0.0) for s in (-1.0, 1.0)]
_FACES += [(0.0, s, 0.0) for s in (-1.0, 1.0)]
_FACES += [(0.0, 0.0, s) for s in (-1.0, 1.0)]


def nearest_obstacle(terrain: HeightMap, x: float, y: float, limit: float) -> float:
    """Horizontal distance (m) from the trunk's middle to the nearest ground higher than 3 cm above
    the robot's own; -1 when there is none within `limit`. Ceilings are none: it passes under."""
    squares = [float((dx * dx + dy * dy).min()) for dx, dy in _high(terrain, x, y, limit)]
    nearest = min(squares, default=inf) ** 0.5 - CELL / 2
    return nearest if nearest < limit else -1.0


SIDES = {"left": (45.0, 135.0), "ahead": (-45.0, 45.0), "right": (-135.0, -45.0)}
"""The quarters around a robot, degrees from where it faces, left positive."""


def clear_sides(
    terrain: HeightMap, x: float, y: float, yaw: float, limit: float
) -> dict[str, float]:
    """As `nearest_obstacle`, for each of SIDES of a robot that faces `yaw` (rad, world)."""
    import numpy as np

    nearest = dict.fromkeys(SIDES, inf)
    for dx, dy in _high(terrain, x, y, limit):
        squares = dx * dx + dy * dy
        angles = (np.degrees(np.arctan2(dy, dx) - yaw) + 180.0) % 360.0 - 180.0
        for side, (low, high) in SIDES.items():
            there = squares[(angles >= low) & (angles <= high)]
            if there.size:
                nearest[side] = min(nearest[side], float(there.min()))
    ways = {side: square**0.5 - CELL / 2 for side, square in nearest.items()}
    return {side: way if way < limit else -1.0 for side, way in ways.items()}


def _high(terrain: HeightMap, x: float, y: float, limit: float) -> Iterator[tuple[Any, Any]]:
    """Where (dx, dy from a place, m, of cells' middles) the ground of near tiles is an obstacle."""
    import numpy as np

    top, side = terrain.height(x, y) + OBSTACLE_M, TILE * CELL
    middles = (np.arange(TILE) + 0.5) * CELL
    for (i, j), tile in terrain.tiles.items():
        aside = max(i * side - x, x - (i + 1) * side, 0.0)
        ahead = max(j * side - y, y - (j + 1) * side, 0.0)
        if hypot(aside, ahead) >= limit + CELL / 2:  # cells are told by their middles
            continue
        at = np.nonzero(np.frombuffer(tile.heights).reshape(TILE, TILE) > top)
        if at[0].size:
            yield i * side + middles[at[0]] - x, j * side + middles[at[1]] - y


def highest_ahead(
    terrain: HeightMap, x: float, y: float, yaw: float, reach: float, half_width: float = 0.2
) -> float:
    """How much higher than here the ground gets on a strip of `reach` metres straight ahead."""
    if terrain.flat:
        return 0.0
    c, s = cos(yaw), sin(yaw)
    ground = terrain.height(x, y)
    top = ground
    steps = round(half_width / 0.04)
    for k in range(-steps, steps + 1):
        ox, oy = x - 0.04 * k * s, y + 0.04 * k * c
        top = max(top, terrain.highest(ox + 0.1 * c, oy + 0.1 * s, ox + reach * c, oy + reach * s))
    return top - ground
