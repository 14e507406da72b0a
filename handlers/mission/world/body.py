"""The robot as the controller knows it: four legs, a weight, and how large it is.

The controller's numbers (gaits, poses, gains) are said for Go1. A robot of another size gets them
in its own measure: lengths grow with its legs, times with the square root of that (a pendulum's),
and forces with its weight, as walking animals of all sizes have it (Froude's number).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

from handlers.mission.world.leg import Leg

GRAVITY = 9.81
"""m/s2."""

LEG_M, TRACK_M, MASS_KG = 0.426, 0.12675, 11.72
"""Go1's straight leg, where its feet stand from the middle sideways, and its mass: what the
controller's numbers are said for."""

STAND_HEIGHT = 0.285
"""Hips over the ground when Go1 stands, m: two thirds of the straight legs (2 x 0.213 m), which
leaves room to reach down from a step and to pull a foot over one."""

KP, KV = 200.0, 4.0
"""Gains of the joints' position servos, Nm/rad and Nm s/rad: the same in go1.xml. 60 Nm/rad is too
soft to carry the trunk, 100 barely does; with half the damping every trot under pushes fails.
Targets are offset by load / gain, so the two must agree."""


@dataclass(frozen=True)
class Body:
    """A robot. `mass` in kg; `com_x`: how far ahead of the trunk's frame its weight acts, m."""

    legs: tuple[Leg, Leg, Leg, Leg]
    mass: float
    com_x: float

    @cached_property
    def size(self) -> float:
        """Its legs' length, Go1's being 1."""
        return sum(leg.length for leg in self.legs) / 4.0 / LEG_M

    @cached_property
    def breadth(self) -> float:
        """How far apart its feet stand sideways, Go1's being 1."""
        return self.half_width / TRACK_M

    @cached_property
    def pace(self) -> float:
        """How much longer its pendulum takes than Go1's: times grow by it, and so do speeds."""
        return sqrt(self.size)

    @cached_property
    def load(self) -> float:
        """Its weight, Go1's being 1."""
        return self.mass / MASS_KG

    @cached_property
    def weight(self) -> float:
        """Newtons."""
        return self.mass * GRAVITY

    @cached_property
    def kp(self) -> float:
        """Stiffness of the servos, Nm/rad."""
        return KP * self.load * self.size

    @cached_property
    def kv(self) -> float:
        """Damping of the servos, Nm s/rad."""
        return KV * self.load * self.size * self.pace

    @cached_property
    def half_length(self) -> float:
        """From between the hips forward to the front ones, m."""
        fr, fl, rr, rl = (leg.hip[0] for leg in self.legs)
        return (fr + fl - rr - rl) / 4.0

    @cached_property
    def half_width(self) -> float:
        """From the middle sideways to where a foot stands straight under its leg, m."""
        fr, fl, rr, rl = (leg.track for leg in self.legs)
        return (fl - fr + rl - rr) / 4.0

    @cached_property
    def hip_z(self) -> float:
        """How high over the trunk's frame the hips are, m."""
        return sum(leg.hip[2] for leg in self.legs) / 4.0

    def over(self, height: float) -> float:
        """Height of the trunk's frame, m, for hips at Go1's `height` (m) in this robot's size."""
        return height * self.size - self.hip_z

    @cached_property
    def stand_height(self) -> float:
        """Of the trunk's frame over the ground, m."""
        return self.over(STAND_HEIGHT)

    def straight_legs(self, height: float) -> list[float]:
        """The 12 joint angles of standing straight with the trunk's frame at a height, m."""
        return [angle for leg in self.legs for angle in leg.straight(height + leg.hip[2])]
