"""How the robot's weight is spread over the feet that stand."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, sin

from handlers.mission.world.body import Body
from handlers.mission.world.leg import Vec
from handlers.mission.world.sense import Sense

ROLL_NM, ROLL_NMS = 60.0, 3.0
"""How hard the feet push back against a roll or pitch that is not meant, Nm/rad and Nm s/rad, for a
robot of Go1's size. The weight tips that one with about 33 Nm/rad (11.7 kg x 9.81 m/s2 x 0.285 m);
at 30, one of 6 precision turns falls."""

FLAT_M2 = 1e-6
"""Added to the feet's spread, m2: feet in one line are no division by 0."""


def carried(
    body: Body,
    sense: Sense,
    standing: Sequence[int],
    anchors: Sequence[Vec],
    roll: float,
    pitch: float,
) -> list[float]:
    """Newtons each of the four feet should carry; `roll` and `pitch` are the meant ones (rad).

    Two feet share the weight. Three or four carry it so that the trunk does not tip, and push back
    against a roll or pitch that is not meant.
    """
    weight = body.weight
    loads = [0.0, 0.0, 0.0, 0.0]
    if len(standing) < 3:
        for leg in standing:
            loads[leg] = weight / 2.0
        return loads
    c, s = cos(sense.yaw), sin(sense.yaw)
    x0, y0, com_x = sense.x, sense.y, body.com_x
    spots = []
    for leg in standing:
        x, y, _ = anchors[leg]
        x, y = x - x0, y - y0
        spots.append((c * x + s * y - com_x, c * y - s * x))
    scale = body.load * body.size
    roll_nm = -ROLL_NM * scale * (sense.roll - roll) - ROLL_NMS * scale * sense.roll_rate
    pitch_nm = -ROLL_NM * scale * (sense.pitch - pitch) - ROLL_NMS * scale * sense.pitch_rate
    for leg, force in zip(standing, balanced(spots, weight, roll_nm, pitch_nm), strict=True):
        loads[leg] = 0.0 if force < 0.0 else weight if force > weight else force
    return loads


def balanced(
    spots: Sequence[tuple[float, float]], force: float, roll: float, pitch: float
) -> list[float]:
    """Vertical forces at `spots` (forward, left; m) with a given sum and given moments.

    The smallest such forces: f = W' (W W')^-1 b, with the rows 1, left and -forward in W.
    """
    n = float(len(spots))
    sx = sy = xx = yy = xy = 0.0
    for x, y in spots:
        sx += x
        sy += y
        xx += x * x
        yy += y * y
        xy += x * y
    xx, yy = xx + FLAT_M2, yy + FLAT_M2
    # W W' = [[n, sy, -sx], [sy, yy, -xy], [-sx, -xy, xx]], symmetric: solve by cofactors
    a, b, c, d, e, f = n, sy, -sx, yy, -xy, xx
    ca, cb, cc = d * f - e * e, c * e - b * f, b * e - c * d
    cd, ce, cf = a * f - c * c, b * c - a * e, a * d - b * b
    det = a * ca + b * cb + c * cc
    u = (ca * force + cb * roll + cc * pitch) / det
    v = (cb * force + cd * roll + ce * pitch) / det
    w = (cc * force + ce * roll + cf * pitch) / det
    return [u + v * y - w * x for x, y in spots]
