"""Dead reckoning: where an action leads, if it does what it says."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, pi, sin

from handlers.mission.locomotion.actions import LINES, TURNS
from handlers.mission.locomotion.skill import Call
from handlers.mission.world.sense import wrapped


@dataclass(frozen=True, slots=True)
class Pose:
    """A place in m and a direction faced in rad, in the world."""

    x: float
    y: float
    yaw: float

    def off(self, other: Pose) -> tuple[float, float]:
        """How far apart two poses are: m, rad (both at least 0)."""
        return hypot(self.x - other.x, self.y - other.y), abs(wrapped(self.yaw - other.yaw))


def after(pose: Pose, call: Call) -> Pose | None:
    """The pose that an action leads to; None for one that a duration ends, wherever that is."""
    line, turn = LINES.get(call.action), TURNS.get(call.action)
    if line is None and turn is None:
        return pose
    if call.duration_s:
        return None
    if turn is not None:
        angle = turn[1] * (call.rotation_rad or pi / 2) * call.repeat
        return Pose(pose.x, pose.y, wrapped(pose.yaw + angle))
    assert line is not None
    way = (call.distance_m or line.distance) * call.repeat
    along, left = way * line.along, way * line.left
    c, s = cos(pose.yaw), sin(pose.yaw)
    return Pose(pose.x + c * along - s * left, pose.y + s * along + c * left, pose.yaw)
