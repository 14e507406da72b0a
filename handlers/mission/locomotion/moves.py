"""Skills that are more than keyframes: standing up, jumping, and one skill after another."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.mission.locomotion.gait import Walker
from handlers.mission.locomotion.rhythm import TICK_S
from handlers.mission.locomotion.skill import Outcome, Skill
from handlers.mission.world.body import STAND_HEIGHT
from handlers.mission.world.sense import Sense

LYING_BELOW = 0.2
"""A trunk nearer to the ground than this is not standing, m: between sitting (0.205) and
STAND_HEIGHT there is nothing that a gait could start from."""

FEW_FEET, PITCHED_RAD = 2, 0.35
"""Nor is one with fewer feet on the ground, or pitched like this (rad, 20 degrees): get up
first."""

FOLDED_M = 0.11
"""Trunk over the feet with the legs folded, m: about what the legs can fold to under it."""

OVER_M = 0.01
"""How much higher than it stands a rising trunk is aimed, m: the servos give way by about that."""


class Rise:
    """From any pose on its belly or feet: fold the legs under the trunk, then stand."""

    # Seconds at tempo 1: the legs fold slowly enough to slide in under the trunk and not to throw
    # it, then push, then the trunk comes to rest.
    FOLD_S, PUSH_S, END_S = 0.7, 0.9, 0.3

    def __init__(self, walker: Walker, tempo: float = 1.0) -> None:
        self.walker, self.tempo = walker, tempo
        self.outcome: Outcome = "done"
        self.time = 0.0
        self.start: Sequence[float] = ()

    def tick(self, sense: Sense) -> list[float] | None:
        if not self.start:
            self.start = list(sense.joints)
        self.time += TICK_S * self.tempo
        if self.time < self.FOLD_S:
            u = self.time / self.FOLD_S
            folded = _straight(self.walker, FOLDED_M)
            return [a + (b - a) * u for a, b in zip(self.start, folded, strict=True)]
        u = min(1.0, (self.time - self.FOLD_S) / self.PUSH_S)
        if self.time > self.FOLD_S + self.PUSH_S + self.END_S:
            ground = self.walker.terrain.height(sense.x, sense.y)
            if sense.z - ground < self.walker.body.over(LYING_BELOW):
                self.outcome = "timeout"
            return None
        u = u * u * (3.0 - 2.0 * u)
        return _straight(self.walker, FOLDED_M + (STAND_HEIGHT + OVER_M - FOLDED_M) * u)


def _straight(walker: Walker, height: float) -> list[float]:
    """The angles of standing straight at a height that is said for Go1, m."""
    return walker.body.straight_legs(walker.body.over(height))


class Chain:
    """Skills one after the other; the first that does not end well ends the chain."""

    def __init__(self, parts: Sequence[Skill]) -> None:
        self.parts = list(parts)
        self.outcome: Outcome = "done"

    def tick(self, sense: Sense) -> list[float] | None:
        while self.parts:
            targets = self.parts[0].tick(sense)
            if targets is not None:
                return targets
            self.outcome = self.parts.pop(0).outcome
            if self.outcome != "done":
                return None
        return None


class Upright:
    """Get up and square the feet if need be, then do something that needs standing legs."""

    def __init__(self, walker: Walker, skill: Skill) -> None:
        self.walker, self.skill = walker, skill
        self.rise: Skill | None = None
        self.started = False

    @property
    def outcome(self) -> Outcome:
        return self.skill.outcome if self.rise is None else self.rise.outcome

    def tick(self, sense: Sense) -> list[float] | None:
        if not self.started:
            self.started = True
            if _needs_rise(sense, self.walker):
                self.rise = Rise(self.walker)
        if self.rise is not None:
            targets = self.rise.tick(sense)
            if targets is not None or self.rise.outcome != "done":
                return targets
            self.rise = None
        return self.skill.tick(sense)


def _needs_rise(sense: Sense, walker: Walker) -> bool:
    return (
        sense.z - _under(sense, walker) < walker.body.over(LYING_BELOW)
        or sense.feet_grounded < FEW_FEET
        or abs(sense.pitch) > PITCHED_RAD
    )


def _under(sense: Sense, walker: Walker) -> float:
    """Height of what the feet stand on, m."""
    legs = walker.body.legs
    return sum(z for _, _, z in sense.feet()) / 4.0 - sum(leg.foot_radius for leg in legs) / 4.0


class Jump:
    """Crouch, push off, tuck the legs in flight, land on bent legs and stand.

    The legs push and land straight under the hips. To hold the trunk over the feet meanwhile
    leans on the ground sideways, and on a slippery floor turns the robot over.
    """

    # Seconds: to crouch and to hold that; to be aloft at most, which takes less; to land, and for
    # the legs to straighten meanwhile.
    CROUCH_S, HELD_S, FLIGHT_S, LAND_S, STRAIGHTEN_S = 0.4, 0.1, 0.5, 0.6, 0.3
    # Trunk over the feet, m: crouched; where the push ends, the legs four fifths of straight; and
    # on legs bent to land on.
    LOW, HIGH, SOFT = 0.15, 0.345, 0.2
    THRUST = 13.0
    """Acceleration that the legs are asked for, m/s2 at extension 1. Over the 20 cm of the push
    that would be 2.3 m/s; the servos give less, and the most they have with more."""

    def __init__(self, walker: Walker, reach: float) -> None:
        self.walker = walker
        self.thrust = self.THRUST * reach
        self.outcome: Outcome = "done"
        self.phase, self.time = 0, 0.0
        self.left_ground = False

    def _next(self) -> None:
        self.phase, self.time = self.phase + 1, 0.0

    def tick(self, sense: Sense) -> list[float] | None:
        if self.phase == 0 and self.time == 0.0:
            self.walker.plant(sense)
            feet = self.walker.anchors
            self.x, self.y = sum(f[0] for f in feet) / 4.0, sum(f[1] for f in feet) / 4.0
            self.ground, self.yaw = _under(sense, self.walker), sense.yaw
        self.time += TICK_S
        return (self._crouch, self._push, self._fly, self._land)[self.phase](sense)

    def _at(self, sense: Sense, height: float) -> list[float]:
        z = self.ground + self.walker.body.over(height)
        return self.walker.hold(sense, self.x, self.y, z, 0.0, 0.0, self.yaw)

    def _crouch(self, sense: Sense) -> list[float] | None:
        u = min(1.0, self.time / self.CROUCH_S)
        if self.time > self.CROUCH_S + self.HELD_S:
            self._next()
        return self._at(sense, STAND_HEIGHT + (self.LOW - STAND_HEIGHT) * u * u * (3.0 - 2.0 * u))

    def _push(self, sense: Sense) -> list[float] | None:
        height = self.LOW + 0.5 * self.thrust * self.time * self.time
        if height >= self.HIGH:
            self._next()
        return _straight(self.walker, min(height, self.HIGH))

    def _fly(self, sense: Sense) -> list[float] | None:
        aloft = sense.feet_grounded == 0
        landed = self.left_ground and not aloft
        self.left_ground = self.left_ground or aloft
        if landed or self.time > self.FLIGHT_S:
            self._next()
        return _straight(self.walker, self.SOFT)

    def _land(self, sense: Sense) -> list[float] | None:
        if self.time > self.LAND_S:
            if not self.left_ground:
                self.outcome = "timeout"
            return None
        u = min(1.0, self.time / self.STRAIGHTEN_S)
        return _straight(self.walker, self.SOFT + (STAND_HEIGHT - self.SOFT) * u)
