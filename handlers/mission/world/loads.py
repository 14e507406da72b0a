"""How the robot's weight is spread over the feet that stand."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, sin

from handlers.mission.world.leg import Vec
from handlers.mission.world.sense import Sense

KP = 200.0
KV = 4.0
"""Gains of the joints' position servos, Nm/rad and Nm s/rad: the same in go1.xml, and put into a
model of the user's own. 60 Nm/rad is too soft to carry the trunk, 100 barely does; with half the
damping every trot under pushes fails. Targets are offset by load / KP, so the two must agree."""

MASS = 11.7
"""Of the whole robot, kg, as the bodies of go1.xml add up to; a seed varies the trunk's by 15%,
which the servos make up for."""

GRAVITY = 9.81
"""m/s2."""

COM_X = 0.006
"""How far ahead of the trunk's middle the weight is taken to act, m. The trunk's own mass is 12 mm
ahead, which is 5 mm for the whole robot with its legs straight. Each centimetre off moves 1.1 Nm
between front and rear feet, for the servos to make up."""

ROLL_NM, ROLL_NMS = 60.0, 3.0
"""How hard the feet push back against a roll or pitch that is not meant, Nm/rad and Nm s/rad. The
weight tips a standing robot with about 33 Nm/rad (11.7 kg x 9.81 m/s2 x 0.285 m); at 30, one of 6
precision turns falls."""


def carried(
    sense: Sense, standing: Sequence[int], anchors: Sequence[Vec], roll: float, pitch: float
) -> list[float]:
    """Newtons each of the four feet should carry; `roll` and `pitch` are the meant ones (rad).

    Two feet share the weight. Three or four carry it so that the trunk does not tip, and push back
    against a roll or pitch that is not meant.
    """
    weight = MASS * GRAVITY
    loads = [0.0] * 4
    if len(standing) < 3:
        for leg in standing:
            loads[leg] = weight / 2.0
        return loads
    c, s = cos(sense.yaw), sin(sense.yaw)
    spots = []
    for leg in standing:
        dx, dy = anchors[leg][0] - sense.x, anchors[leg][1] - sense.y
        spots.append((c * dx + s * dy - COM_X, c * dy - s * dx))
    roll_nm = -ROLL_NM * (sense.roll - roll) - ROLL_NMS * sense.roll_rate
    pitch_nm = -ROLL_NM * (sense.pitch - pitch) - ROLL_NMS * sense.pitch_rate
    for leg, force in zip(standing, balanced(spots, weight, roll_nm, pitch_nm), strict=True):
        loads[leg] = min(max(force, 0.0), weight)
    return loads


def balanced(
    spots: list[tuple[float, float]], force: float, roll: float, pitch: float
) -> list[float]:
    """Vertical forces at `spots` (forward, left; m) with a given sum and given moments.

    The smallest such forces: f = W' (W W')^-1 b, with the rows 1, left and -forward in W.
    """
    n = float(len(spots))
    sx = sum(x for x, _ in spots)
    sy = sum(y for _, y in spots)
    xx = sum(x * x for x, _ in spots) + 1e-6  # feet in one line are no division by 0
    yy = sum(y * y for _, y in spots) + 1e-6
    xy = sum(x * y for x, y in spots)
    # W W' = [[n, sy, -sx], [sy, yy, -xy], [-sx, -xy, xx]], symmetric: solve by cofactors
    a, b, c, d, e, f = n, sy, -sx, yy, -xy, xx
    ca, cb, cc = d * f - e * e, c * e - b * f, b * e - c * d
    cd, ce, cf = a * f - c * c, b * c - a * e, a * d - b * b
    det = a * ca + b * cb + c * cc
    u = (ca * force + cb * roll + cc * pitch) / det
    v = (cb * force + cd * roll + ce * pitch) / det
    w = (cc * force + ce * roll + cf * pitch) / det
    return [u + v * y - w * x for x, y in spots]
