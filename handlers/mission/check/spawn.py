"""What the robot starts in: an object where it is put down is pushed apart, or falls over it."""

from __future__ import annotations

from collections.abc import Iterator
from math import hypot

from handlers.mission.check.findings import Finding
from handlers.mission.check.ways import is_closed
from handlers.mission.locomotion.limits import CLIMB_STEP_M
from handlers.mission.route.footing import BODY_M, CLIMBABLE, Footing
from handlers.mission.world.vision import SceneThing, place_of
from handlers.project.scene import Box, Marker, Slope, Sphere
from handlers.project.spec import ProjectSpec

HEAD_ROOM_M = 0.45
"""What begins higher than this is over the standing robot, m."""

DROP_M = 1.0
"""From so high the robot still lands on its feet; from 5 m the simulation diverges."""


def overlaps(spec: ProjectSpec, footing: Footing) -> Iterator[Finding]:
    """An object that the robot is put down in, and ground that it cannot stand on."""
    x, y, z = spec.spawn
    if z > DROP_M:
        what = f"is {z:g} m over the ground, from where the robot falls"
        yield Finding("warning", "spawn", what, "z is the height over the ground there: 0")
    found = False
    for index, item in enumerate(spec.scene.objects):
        room = _away(item, x, y)
        if room >= BODY_M or not _stands_in_the_way(item):
            continue
        found = True
        place = f"scene.objects[{index}] ({item.tag!r})"
        what = f"overlaps {place}" if room <= 0 else f"is {room:.2f} m from {place}"
        fix = f"move one of them: the robot reaches {BODY_M:g} m around its middle"
        yield Finding("error" if room <= 0 else "warning", "spawn", what, fix)
    if not found and is_closed(footing, (x, y)):
        what = "the ground there is too uneven to stand on"
        fix = f"steps of up to {CLIMB_STEP_M * 100:.0f} cm are crawled over"
        yield Finding("warning", "spawn", what, fix)


def _stands_in_the_way(item: SceneThing) -> bool:
    """Whether an object is solid, higher than a step, and not over the robot's head."""
    if isinstance(item, Marker | Slope):
        return False
    half = item.radius if isinstance(item, Sphere) else item.size[2]
    bottom, top = item.position[2] - half, item.position[2] + half
    return top > CLIMBABLE and bottom < HEAD_ROOM_M


def _away(item: SceneThing, x: float, y: float) -> float:
    """How far a place is from an object's side (m, from above; 0 inside it)."""
    px, py, _ = place_of(item)
    dx, dy = abs(x - px), abs(y - py)
    if isinstance(item, Sphere):
        return max(0.0, hypot(dx, dy) - item.radius)
    if isinstance(item, Box | Marker):
        return hypot(max(dx - item.size[0], 0.0), max(dy - item.size[1], 0.0))
    return hypot(max(dx - item.slope.hx, 0.0), max(dy - item.slope.hy, 0.0))
