"""Where a leg's foot is, and which joint angles put it somewhere: scalar maths, no arrays.

The trunk's frame: x forward, y left, z up. Angles in radians, lengths in metres. Legs are numbered
FR, FL, RR, RL. Each has the joints hip (about x), thigh and calf (about y); with all three at 0 it
hangs straight down, and they turn as the right hand does about +x and +y. How a model's own angles
lie to these is said by `signs` and `zeros`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import acos, atan, atan2, cos, pi, sin, sqrt, tan

LEGS = ("FR", "FL", "RR", "RL")
JOINTS = ("hip", "thigh", "calf")

NEAREST = 1e-4
"""The least square of a foot's distance from its hip, seen along x, m2: inside of the circle that
the abduction draws (1 cm is left of it) there is no solution at all."""

TURN = 2.0 * pi
Vec = tuple[float, float, float]
Range = tuple[float, float]
UP: Vec = (0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Leg:
    """A leg's measures, m and rad.

    hip: where its hip joint is, in the trunk's frame; offset: from there sideways to the plane in
    which thigh and calf move (left is positive), and `rise` how far up in that plane the thigh's
    joint lies; thigh, calf: lengths, the calf's down to the middle of the foot; knee: 1 bends the
    calf forward and -1 back; foot_radius: that middle is this high above what the foot stands on.

    ranges: joint limits, of the angles that are used here: `angle = sign * (model's - zero)`.
    """

    hip: Vec
    offset: float
    thigh: float
    calf: float
    foot_radius: float
    ranges: tuple[Range, Range, Range]
    knee: float = -1.0
    rise: float = 0.0
    signs: Vec = (1.0, 1.0, 1.0)
    zeros: Vec = (0.0, 0.0, 0.0)
    ratio: float = field(init=False, repr=False)
    _solving: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # What `solve` needs, at hand: it runs four times a control period.
        a, b = self.thigh, self.calf
        ratio = b / a  # exactly 1 where the links are equal
        least, most = sorted(abs(limit) for limit in self.ranges[2])
        far = a * sqrt(1.0 + ratio * ratio + 2.0 * ratio * cos(least))  # by the law of cosines
        near = a * sqrt(1.0 + ratio * ratio + 2.0 * ratio * cos(most))
        known = (
            self.offset, self.offset * self.offset, self.rise, far, near, 2.0 * a * b,
            (a * a + b * b) / (2.0 * a * b), self.knee, (b - a) / (a + b),
            *self.ranges[0], *self.ranges[1], *self.ranges[2],
        )  # fmt: skip
        object.__setattr__(self, "ratio", ratio)
        object.__setattr__(self, "_solving", known)

    @property
    def length(self) -> float:
        """Of the straight leg, m."""
        return self.thigh + self.calf

    @property
    def side(self) -> float:
        """Which side it is on: left is 1."""
        return 1.0 if self.hip[1] > 0 else -1.0

    @property
    def track(self) -> float:
        """y of a foot that stands straight under the leg, in the trunk's frame, m."""
        return self.hip[1] + self.offset

    def solve(self, x: float, y: float, z: float) -> Vec:
        """Joint angles (hip, thigh, calf) that put the foot's centre at x, y, z from the hip.

        A point out of reach is moved along the leg to the nearest the leg can reach.
        """
        (offset, square, rise, far, near, double, even, knee, uneven,
         hip_low, hip_high, thigh_low, thigh_high, calf_low, calf_high) = self._solving  # fmt: skip
        below = y * y + z * z - square
        depth = sqrt(below if below > NEAREST else NEAREST)
        hip = atan2(z, y) - atan2(-depth, offset)
        # The difference of two angles may be a full turn off; no hip has half a turn each way.
        if hip > 3.0:
            hip -= TURN
        elif hip < -3.0:
            hip += TURN
        depth += rise
        reach = sqrt(x * x + depth * depth)
        if reach > far or reach < near:
            bounded = far if reach > far else near
            x, depth = x * bounded / reach, depth * bounded / reach
            reach = bounded
        bend = reach * reach / double - even
        calf = knee * acos(-1.0 if bend < -1.0 else 1.0 if bend > 1.0 else bend)
        thigh = atan2(-x, depth) - calf / 2.0
        if uneven:  # by the law of tangents; for equal links it is half of the bend
            thigh -= atan(uneven * tan(calf / 2.0))
        return (
            hip_low if hip < hip_low else hip_high if hip > hip_high else hip,
            thigh_low if thigh < thigh_low else thigh_high if thigh > thigh_high else thigh,
            calf_low if calf < calf_low else calf_high if calf > calf_high else calf,
        )

    def foot(self, hip: float, thigh: float, calf: float) -> Vec:
        """Where the foot's centre is from the leg's hip, for joint angles."""
        length, ratio = self.thigh, self.ratio
        x = -length * (sin(thigh) + ratio * sin(thigh + calf))
        depth = length * (cos(thigh) + ratio * cos(thigh + calf)) - self.rise
        ch, sh = cos(hip), sin(hip)
        return x, self.offset * ch + depth * sh, self.offset * sh - depth * ch

    def straight(self, height: float) -> Vec:
        """The angles of standing with the hip at a height (m) and the foot right under the leg."""
        return self.solve(0.0, self.offset, self.foot_radius - height)

    def torques(self, angles: Vec, place: Vec, force: float, up: Vec = UP) -> Vec:
        """Joint torques (Nm) with which a standing leg carries `force` newtons.

        `place`: where that foot is from its hip; `up`: where the force pushes the robot, both in
        the trunk's frame. Each is minus the force's work on the foot for a radian of the joint.
        """
        (hip, thigh, calf), (x, y, z), (ux, uy, uz) = angles, place, up
        bent, length = thigh + calf, self.calf
        low, below = length * sin(bent), length * cos(bent)
        c, s = cos(hip), sin(hip)
        lifts = uy * s - uz * c  # of a metre that the leg gets longer
        return (
            force * (uy * z - uz * y),
            force * (ux * (y * s - z * c + self.rise) - lifts * x),
            force * (ux * below + lifts * low),
        )
