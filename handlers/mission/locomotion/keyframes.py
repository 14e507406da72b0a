"""Trunk keyframes over planted feet, and feet lifted off into the air.

A keyframe gives the trunk's place relative to where the feet stand (forward and left, m), its
height over the ground, its pitch (nose down positive) and roll, and feet to hold in the trunk's
frame instead of on the ground. Lengths are said for Go1 and put into the robot's own measure.
Between keyframes everything moves along a smooth curve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import cos, sin

from handlers.mission.locomotion.gait import Walker
from handlers.mission.locomotion.rhythm import TICK_S
from handlers.mission.locomotion.skill import Outcome
from handlers.mission.world.body import STAND_HEIGHT, Body
from handlers.mission.world.leg import Vec
from handlers.mission.world.sense import Sense

LIFTED, LIFT_PACE = 0.05, 3.0
"""A foot that leaves the ground starts from where it is for the first 5% of a key, and from where
it was put last after that; it goes up three times as fast as the trunk moves, so that it is clear
of the ground before the trunk leans on it."""


@dataclass(frozen=True, slots=True)
class Key:
    """Where the trunk (and feet in the air) should be `seconds` after the key before.

    height, along, left in m; pitch, roll in rad; lifted: leg -> the foot's place, m: forward and up
    from its hip, and sideways from the plane in which the leg moves.
    """

    seconds: float
    height: float = STAND_HEIGHT
    along: float = 0.0
    left: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    lifted: Mapping[int, Vec] = field(default_factory=dict)

    def of(self, body: Body) -> Key:
        """The same posture of another robot; its feet's places are from the hip in all three."""
        size = body.size
        return replace(
            self,
            height=body.over(self.height),
            along=self.along * size,
            left=self.left * size,
            lifted={
                leg: (x * size, body.legs[leg].offset + y * size, z * size)
                for leg, (x, y, z) in self.lifted.items()
            },
        )


class Keyframes:
    """Follow keys from the present pose. Feet that come back down are planted where they touch."""

    def __init__(self, walker: Walker, keys: Sequence[Key], tempo: float = 1.0) -> None:
        self.walker, self.keys = walker, [key.of(walker.body) for key in keys]
        self.tempo = tempo
        self.outcome: Outcome = "done"
        self.index, self.time = 0, 0.0
        self.started = False

    def _begin(self, sense: Sense) -> None:
        self.started = True
        walker = self.walker
        walker.plant(sense)
        centre_x = sum(f[0] for f in walker.anchors) / 4.0
        centre_y = sum(f[1] for f in walker.anchors) / 4.0
        self.origin = (centre_x, centre_y, sum(walker.ground) / 4.0, sense.yaw)
        c, s = cos(sense.yaw), sin(sense.yaw)
        dx, dy = sense.x - centre_x, sense.y - centre_y
        self.last = Key(
            0.0, sense.z - self.origin[2], c * dx + s * dy, c * dy - s * dx, sense.pitch, sense.roll
        )

    def tick(self, sense: Sense) -> list[float] | None:
        if not self.started:
            self._begin(sense)
        while self.time >= self.keys[self.index].seconds / self.tempo - 1e-9:
            self.last = self.keys[self.index]
            self.index, self.time = self.index + 1, 0.0
            if self.index == len(self.keys):
                return None
        self.time += TICK_S
        key = self.keys[self.index]
        return self._targets(sense, self.last, key, self.time * self.tempo / key.seconds)

    def _targets(self, sense: Sense, a: Key, b: Key, part: float) -> list[float]:
        u = min(1.0, part)
        u = u * u * (3.0 - 2.0 * u)
        walker = self.walker
        x0, y0, ground, yaw = self.origin
        along, left = a.along + (b.along - a.along) * u, a.left + (b.left - a.left) * u
        c, s = cos(yaw), sin(yaw)
        self._lift(sense, a, b, u)
        return walker.hold(
            sense,
            x0 + c * along - s * left,
            y0 + s * along + c * left,
            ground + a.height + (b.height - a.height) * u,
            a.roll + (b.roll - a.roll) * u,
            a.pitch + (b.pitch - a.pitch) * u,
            yaw,
        )

    def _lift(self, sense: Sense, a: Key, b: Key, u: float) -> None:
        """Move the feet that are in the air; plant those whose time there is over."""
        walker = self.walker
        for leg in range(4):
            if leg in b.lifted:
                start = a.lifted.get(leg)
                if start is None:  # it leaves the ground with this key
                    q = sense.joints[3 * leg : 3 * leg + 3]
                    start = walker.free.get(leg) if u > LIFTED else None
                    start = start or walker.body.legs[leg].foot(q[0], q[1], q[2])
                    u_leg = min(1.0, LIFT_PACE * u)
                else:
                    u_leg = u
                goal = b.lifted[leg]
                walker.free[leg] = (
                    start[0] + (goal[0] - start[0]) * u_leg,
                    start[1] + (goal[1] - start[1]) * u_leg,
                    start[2] + (goal[2] - start[2]) * u_leg,
                )
            elif leg in walker.free:
                del walker.free[leg]
