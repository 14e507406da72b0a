"""What the robot sees, by geometry: objects in a forward cone, and what stands in its way."""

from __future__ import annotations

from collections.abc import Iterable
from math import atan2, cos, degrees, hypot, pi, sin

from handlers.mission.world.model import OBSTACLE_M, incline
from handlers.mission.world.sense import wrapped
from handlers.mission.world.terrain import CELL, HeightMap
from handlers.project.scene import Box, Marker, Slope, Sphere
from handlers.project.spec import Vision

SceneThing = Box | Marker | Sphere | Slope
STEP_M = 0.085
"""The highest step the crawl takes."""


def place_of(item: SceneThing) -> tuple[float, float, float]:
    """The middle of an object."""
    if isinstance(item, Slope):
        x, y, z = incline(item)[0]
        return x, y, z
    return item.position


def bearing(x: float, y: float, yaw: float, to_x: float, to_y: float) -> float:
    """Direction to a place in radians, left positive, for a robot that faces `yaw` (world)."""
    return wrapped(atan2(to_y - y, to_x - x) - yaw)


def visible(
    objects: Iterable[SceneThing], vision: Vision, x: float, y: float, yaw: float
) -> dict[str, float]:
    """Tag -> horizontal distance (m) to the nearest such object within the cone.

    The cone is `fov_deg` wide around where the robot faces and `max_distance_m` long, measured to
    the objects' middles. Objects do not hide each other.
    """
    seen: dict[str, float] = {}
    half = vision.fov_deg / 2.0
    for item in objects:
        px, py, _ = place_of(item)
        distance = hypot(px - x, py - y)
        if distance > vision.max_distance_m:
            continue
        if abs(degrees(bearing(x, y, yaw, px, py))) <= half:
            seen[item.tag] = min(distance, seen.get(item.tag, distance))
    return seen


def nearest_obstacle(terrain: HeightMap, x: float, y: float, limit: float) -> float:
    """Horizontal distance (m) from the trunk's middle to the nearest ground higher than 3 cm above
    the robot's own; -1 when there is none within `limit`."""
    if terrain.flat:
        return -1.0
    ground = terrain.height(x, y)
    distance = 2 * CELL
    while distance <= limit:
        rays = max(8, int(2 * pi * distance / 0.06))
        for k in range(rays):
            angle = 2 * pi * k / rays
            if terrain.height(x + distance * cos(angle), y + distance * sin(angle)) - ground > (
                OBSTACLE_M
            ):
                return distance
        distance += CELL
    return -1.0


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
