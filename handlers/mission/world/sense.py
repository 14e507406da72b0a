"""What the controller knows about the robot: its state as the simulator has it, as plain floats."""

from __future__ import annotations

from collections.abc import Sequence
from math import asin, atan2, cos, degrees, isfinite, pi, sin

from handlers.mission.world.body import Body
from handlers.mission.world.leg import TURN, Vec

GROUNDED_N = 1.0
"""Force from which on a foot presses on something, N: a standing one carries 29."""


def wrapped(angle: float) -> float:
    """The same angle in (-pi, pi]."""
    return atan2(sin(angle), cos(angle))


def rotation(roll: float, pitch: float, yaw: float) -> tuple[Vec, Vec, Vec]:
    """The rows of the matrix that takes trunk coordinates to the world's."""
    cr, sr, cp, sp, cy, sy = cos(roll), sin(roll), cos(pitch), sin(pitch), cos(yaw), sin(yaw)
    return (
        (cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr),
        (sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr),
        (-sp, cp * sr, cp * cr),
    )


class Sense:
    """One instant of the robot.

    Position (x, y, z) and velocity (vx, vy, vz) of the trunk in the world, m and m/s; roll, pitch,
    yaw and the yaw rate in radians, where `yaw` is the direction the trunk's +X points in and is
    followed over full turns (never wrapped); `joints` 12 angles as world.leg has them, `forces`
    four foot forces in N.
    """

    __slots__ = (
        "_feet", "_frame", "body", "finite", "forces", "joints", "pitch", "pitch_rate", "roll",
        "roll_rate", "vx", "vy", "vz", "x", "y", "yaw", "yaw_rate", "z",
    )  # fmt: skip

    def __init__(
        self,
        body: Body,
        pose: Sequence[float],
        velocity: Sequence[float],
        joints: Sequence[float],
        forces: Sequence[float],
        previous_yaw: float,
    ) -> None:
        """pose: the free joint's x, y, z and quaternion; velocity: its six speeds."""
        self.body, self.joints, self.forces = body, joints, forces
        self._feet: list[Vec] | None = None
        self._frame: tuple[Vec, Vec, Vec] | None = None
        x, y, z, w, i, j, k = pose
        self.x, self.y, self.z = x, y, z
        self.vx, self.vy, vz, self.roll_rate, self.pitch_rate, self.yaw_rate = velocity
        self.vz = vz
        self.finite = isfinite(x + y + z + w + i + j + k) and -50.0 < vz < 50.0
        if not self.finite:
            self.roll = self.pitch = self.yaw = 0.0
            return
        self.roll = atan2(2.0 * (w * i + j * k), 1.0 - 2.0 * (i * i + j * j))
        nose = 2.0 * (w * j - k * i)
        self.pitch = asin(-1.0 if nose < -1.0 else 1.0 if nose > 1.0 else nose)
        yaw = atan2(2.0 * (w * k + i * j), 1.0 - 2.0 * (j * j + k * k))
        turned = yaw - previous_yaw
        self.yaw = previous_yaw + turned - TURN * round(turned / TURN)

    @property
    def feet_grounded(self) -> int:
        """How many feet press on something."""
        return sum(force > GROUNDED_N for force in self.forces)

    @property
    def heading_deg(self) -> float:
        """Yaw as missions say it: 0 looks along world -X, left is positive; (-180, 180]."""
        return degrees(wrapped(self.yaw - pi))

    @property
    def flipped(self) -> bool:
        """|roll| or |pitch| over 60 degrees."""
        return abs(self.roll) > pi / 3 or abs(self.pitch) > pi / 3

    def frame(self) -> tuple[Vec, Vec, Vec]:
        """The rows of the matrix that takes the trunk's coordinates to the world's."""
        if self._frame is None:
            self._frame = rotation(self.roll, self.pitch, self.yaw)
        return self._frame

    def foot(self, leg: int) -> Vec:
        """One foot's centre in the world."""
        return self.feet()[leg] if self._feet else self._foot(leg)

    def feet(self) -> list[Vec]:
        """The four feet's centres in the world."""
        if self._feet is None:
            self._feet = [self._foot(leg) for leg in (0, 1, 2, 3)]
        return list(self._feet)

    def _foot(self, leg: int) -> Vec:
        (a, b, c), (d, e, f), (g, h, i) = self.frame()
        own, first = self.body.legs[leg], 3 * leg
        hip_x, hip_y, hip_z = own.hip
        px, py, pz = own.foot(*self.joints[first : first + 3])
        px, py, pz = px + hip_x, py + hip_y, pz + hip_z
        return (
            self.x + a * px + b * py + c * pz,
            self.y + d * px + e * py + f * pz,
            self.z + g * px + h * py + i * pz,
        )
