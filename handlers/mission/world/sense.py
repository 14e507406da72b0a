"""What the controller knows about the robot: its state as the simulator has it, as plain floats."""

from __future__ import annotations

from collections.abc import Sequence
from math import asin, atan2, cos, degrees, isfinite, pi, sin

from handlers.mission.world.leg import HIPS, Vec, foot

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
    followed over full turns (never wrapped); `joints` 12 angles, `forces` four foot forces in N.
    """

    __slots__ = (
        "finite", "forces", "joints", "pitch", "pitch_rate", "roll", "roll_rate",
        "vx", "vy", "vz", "x", "y", "yaw", "yaw_rate", "z",
    )  # fmt: skip

    def __init__(
        self,
        qpos: Sequence[float],
        qvel: Sequence[float],
        forces: Sequence[float],
        previous_yaw: float,
    ) -> None:
        self.x, self.y, self.z, w, i, j, k = qpos[:7]
        self.joints = qpos[7:19]
        self.vx, self.vy, self.vz, self.roll_rate, self.pitch_rate, self.yaw_rate = qvel[:6]
        self.forces = forces
        self.finite = isfinite(self.x + self.y + self.z + w + i + j + k) and abs(self.vz) < 50.0
        if not self.finite:
            self.roll = self.pitch = self.yaw = 0.0
            return
        self.roll = atan2(2.0 * (w * i + j * k), 1.0 - 2.0 * (i * i + j * j))
        self.pitch = asin(max(-1.0, min(1.0, 2.0 * (w * j - k * i))))
        yaw = atan2(2.0 * (w * k + i * j), 1.0 - 2.0 * (j * j + k * k))
        self.yaw = previous_yaw + wrapped(yaw - previous_yaw)

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

    def feet(self) -> list[Vec]:
        """The four feet's centres in the world."""
        (a, b, c), (d, e, f), (g, h, i) = rotation(self.roll, self.pitch, self.yaw)
        found = []
        for leg, (hip_x, hip_y) in enumerate(HIPS):
            q = self.joints[3 * leg : 3 * leg + 3]
            px, py, pz = foot(leg, q[0], q[1], q[2])
            px, py = px + hip_x, py + hip_y
            found.append(
                (
                    self.x + a * px + b * py + c * pz,
                    self.y + d * px + e * py + f * pz,
                    self.z + g * px + h * py + i * pz,
                )
            )
        return found
