"""Where a leg's foot is, and which joint angles put it somewhere: scalar maths, no arrays.

The trunk's frame: x forward, y left, z up. Angles in radians, lengths in metres. Legs are numbered
FR, FL, RR, RL, as in the model; each has the joints hip (about x), thigh and calf (about y).
Lengths and joint ranges are Go1's public kinematics, the same numbers as in go1.xml.
"""

from __future__ import annotations

from math import acos, atan2, cos, pi, sin, sqrt

LEGS = ("FR", "FL", "RR", "RL")
JOINTS = tuple(f"{leg}_{joint}_joint" for leg in LEGS for joint in ("hip", "thigh", "calf"))

HIP_X, HIP_Y = 0.1881, 0.04675
"""From the trunk's middle to a hip joint, m."""

ABDUCTION = 0.08
"""From the hip joint sideways to the plane in which thigh and calf move, m."""

LINK = 0.213
"""Length of the thigh, and of the calf down to the middle of the foot, m."""

FOOT_RADIUS = 0.022
"""The foot is a ball, m: its middle is this high above what it stands on."""

HIPS = ((HIP_X, -HIP_Y), (HIP_X, HIP_Y), (-HIP_X, -HIP_Y), (-HIP_X, HIP_Y))
SIDES = (-1.0, 1.0, -1.0, 1.0)
"""Which side a leg is on: left is positive."""

HIP_RANGE = (-0.863, 0.863)
THIGH_RANGE = (-0.686, 4.501)
CALF_RANGE = (-2.818, -0.888)
"""Joint limits, rad."""

# From hip to foot with the calf bent least and most, m: two links of equal length, law of cosines.
_REACH_MAX = LINK * sqrt(2.0 + 2.0 * cos(CALF_RANGE[1]))
_REACH_MIN = LINK * sqrt(2.0 + 2.0 * cos(CALF_RANGE[0]))

TURN = 2.0 * pi
Vec = tuple[float, float, float]


def solve(leg: int, x: float, y: float, z: float) -> Vec:
    """Joint angles (hip, thigh, calf) that put the foot's centre at x, y, z from the leg's hip.

    A point out of reach is moved along the leg to the nearest the leg can reach.
    """
    offset = ABDUCTION * SIDES[leg]
    # No nearer than 1 cm: inside of the abduction's circle there is no solution at all.
    depth = sqrt(max(y * y + z * z - offset * offset, 1e-4))
    hip = atan2(z, y) - atan2(-depth, offset)
    # The difference of two angles may be a full turn off; the joint has less than one rad each way.
    if hip > 3.0:
        hip -= TURN
    elif hip < -3.0:
        hip += TURN
    reach = sqrt(x * x + depth * depth)
    if reach > _REACH_MAX or reach < _REACH_MIN:
        bounded = _REACH_MAX if reach > _REACH_MAX else _REACH_MIN
        x, depth = x * bounded / reach, depth * bounded / reach
        reach = bounded
    calf = -acos(max(-1.0, min(1.0, reach * reach / (2.0 * LINK * LINK) - 1.0)))
    thigh = atan2(-x, depth) - calf / 2.0
    return (
        min(max(hip, HIP_RANGE[0]), HIP_RANGE[1]),
        min(max(thigh, THIGH_RANGE[0]), THIGH_RANGE[1]),
        min(max(calf, CALF_RANGE[0]), CALF_RANGE[1]),
    )


def foot(leg: int, hip: float, thigh: float, calf: float) -> Vec:
    """Where the foot's centre is from the leg's hip, for joint angles."""
    offset = ABDUCTION * SIDES[leg]
    x = -LINK * (sin(thigh) + sin(thigh + calf))
    depth = LINK * (cos(thigh) + cos(thigh + calf))
    ch, sh = cos(hip), sin(hip)
    return x, offset * ch + depth * sh, offset * sh - depth * ch


def straight_legs(height: float) -> list[float]:
    """The 12 joint angles of standing straight at a height (m), feet under the hips."""
    return [
        angle
        for leg in range(4)
        for angle in solve(leg, 0.0, ABDUCTION * SIDES[leg], FOOT_RADIUS - height)
    ]


def load_torques(leg: int, angles: Vec, force: float) -> Vec:
    """Joint torques (Nm) with which a standing leg carries `force` newtons straight down."""
    hip, thigh, calf = angles
    low = LINK * sin(thigh + calf)
    x = -LINK * sin(thigh) - low
    depth = LINK * (cos(thigh) + cos(thigh + calf))
    y = ABDUCTION * SIDES[leg] * cos(hip) + depth * sin(hip)
    sagittal = force * cos(hip)
    return -force * y, sagittal * x, -sagittal * low
