"""Closed-loop locomotion: go a distance, turn an angle, and stop where that says."""

from __future__ import annotations

from math import cos, hypot, pi, sin, sqrt
from typing import NamedTuple

from handlers.mission.locomotion.gait import Walker
from handlers.mission.locomotion.rhythm import TICK_S, Gait
from handlers.mission.locomotion.skill import Outcome
from handlers.mission.world.sense import Sense

# -- on the way: proportional control, a gain is 1/s -----------------------------------------------

ACCELERATION = 1.2
"""Part of full speed that is gained each second, 1/s: all of it after two strides of a walk."""

BRAKING = 0.6
"""Deceleration toward the end of the way, m/s2: from a walk's 0.35 m/s within 10 cm."""

LINE_GAIN, CREEP_M_S = 2.0, 0.01
"""Speed for each metre that is left, so that the end is approached without overshooting, and what
is left of it at the very end, so that it is reached at all. With half the gain, 5 of 12 walks and
trots under 60 N pushes give up on the way."""

SIDE_GAIN, SIDE_MAX = 2.0, 0.15
"""Speed back toward the line for each metre off it, and the most of it, m/s: a push of centimetres
is walked off within a second, and one of decimetres does not become a side step at full speed."""

HEADING_GAIN, HEADING_MAX = 3.0, 0.6
"""Yaw rate for each radian off, and the most of it while walking a line, rad/s."""

# -- the end of it ---------------------------------------------------------------------------------

CLOSE_M, CLOSE_RAD = 0.02, 0.02
"""What is this near (m, rad) is close enough to stop stepping; standing legs bring the trunk the
rest of the way. Halved, every move takes some tenths of a second longer."""

CLOSE_SWAYING = 1.7
"""The same for rhythms with sway, as a factor: marking time is what a crawl does worst."""

SETTLE_MIN_S, SETTLE_MAX_S = 0.3, 1.2
"""How long standing legs take to bring the trunk to its place: at least, and at most, s. With half
the time at most, moves under pushes end up to 1.3 cm off."""

SETTLE_GAIN, SETTLE_REACH_M, SETTLE_RAD_S = 4.0, 0.03, 0.3
"""Speed for each metre or radian that is left then (1/s), as if no more than 3 cm were left, and
the most of the yaw rate: the feet stand, so quicker would drag them."""

STOP_M, STOP_RAD = 0.004, 0.004
"""What is this near (m, rad) is there. Moves end 0.5 cm off at most; doubled, 0.9 cm; halved, 0.3
cm and a little later."""

RETURN_M, RETURN_RAD, RETURNS = 0.015, 0.012, 3
"""Further off than this (m, rad) when settling ends: step again, that often at most."""

TIPPED_RAD, TIPPED_M_S = 0.07, 0.22
"""A trunk that leans this much more than it is meant to (rad), or moves this fast (m/s), has been
pushed: it must not stop stepping now. Stopping tilted tipped it over. With half the speed its own
sway looks like a push, and 3 of 6 crawls never come to a stop."""

# -- giving up -------------------------------------------------------------------------------------

STALL_S, STALL_M, STALL_RAD, NEAR_ENOUGH = 2.5, 0.02, 0.03, 0.05
"""Less than this gained (m, rad) within 2.5 s is no progress: blocked. Not with less than 5 cm or
0.05 rad left, where there is little to gain."""

DEADLINE, DEADLINE_S = 2.0, 4.0
"""A way may take twice as long as its length at its speed, and 4 s to start and to settle."""

STRAY_M, STRAY_RAD = 0.5, 0.6
"""Further off its line (m), or off every heading on the way (rad), it has been thrown there by what
its legs are caught in: it gives up. Pushes of 60 N lead it 8 cm and 4 degrees off."""

STOP_S = 0.2
"""How long a robot that gives up takes to come to a stop, s: it stays where it does."""

PATIENCE_S, PATIENCE_M = 3.0, 0.3
"""How long (s), and how far from where it gave up (m), a robot that is still tipped may go on
stepping."""

FOR_EVER = 1e9
"""More (m, rad) than is ever left: the first look at progress is no stall."""


class Stop(NamedTuple):
    """Where (m, rad) and when (s since its start) a move is given up."""

    x: float
    y: float
    yaw: float
    time: float


class Travel:
    """Walk `along` metres forward and `left` metres sideways (trunk frame at the start), turning
    `turn` radians (left is positive) on the way; hold line and heading throughout.

    `speed` is in m/s, or rad/s when the path is a turn on the spot. `limit_s` ends it early.
    """

    def __init__(
        self,
        walker: Walker,
        gait: Gait,
        *,
        along: float = 0.0,
        left: float = 0.0,
        turn: float = 0.0,
        speed: float,
        extension: float = 1.0,
        limit_s: float | None = None,
    ) -> None:
        self.walker, self.gait, self.extension = walker, gait, extension
        self.length, self.turn = hypot(along, left), turn
        self.heading_along = along / self.length if self.length else 1.0
        self.heading_left = left / self.length if self.length else 0.0
        self.speed = speed
        expected = (self.length or abs(turn)) / max(speed, 1e-3)
        self.deadline = DEADLINE * expected + DEADLINE_S
        self.limit = limit_s
        self.outcome: Outcome = "done"
        self.elapsed = self.settled = self.pace = 0.0
        self.returns = RETURNS
        self.slack = CLOSE_SWAYING if gait.sway else 1.0
        self.tipped = TIPPED_RAD + gait.rocks
        self.tipped_m_s = TIPPED_M_S * walker.body.pace
        self.arrived = False
        self.started = False
        self.stop: Stop | None = None
        self.mark = (0.0, 0.0)

    def _begin(self, sense: Sense) -> None:
        self.started = True
        self.walker.plant(sense)
        self.walker.begin(self.gait, self.extension)
        c, s = cos(sense.yaw), sin(sense.yaw)
        a, b = self.heading_along, self.heading_left
        self.ux, self.uy = c * a - s * b, s * a + c * b
        self.x0, self.y0, self.yaw0 = sense.x, sense.y, sense.yaw
        self.mark = (0.0, self.length or abs(self.turn))

    def tick(self, sense: Sense) -> list[float] | None:
        if not self.started:
            self._begin(sense)
        self.elapsed += TICK_S
        walker = self.walker
        dx = sense.x - walker.sway_x - self.x0
        dy = sense.y - walker.sway_y - self.y0
        done = dx * self.ux + dy * self.uy
        aside = dy * self.ux - dx * self.uy
        left = self.length - done
        off = self.yaw0 + self.turn - sense.yaw
        if not self.arrived:
            self._check(sense, left if self.length else off, left, off)
            if self.stop is None and self._strayed(done, aside, off):
                self._give_up(sense, "blocked")
        elif self._tipped(sense) and self._patient(sense):
            self._walk_on()
        if self.arrived and walker.all_down:
            return self._settle(sense, off)
        if self.stop is None:
            vx, vy, wz = self._command(left, aside, off)
        else:
            vx, vy, wz = self._back_to(self.stop, sense)
        return walker.tick(sense, vx, vy, wz, stepping=not self.arrived)

    def _tipped(self, sense: Sense) -> bool:
        """Whether a push has caught the robot while stopping: only steps can save it then."""
        walker = self.walker
        return (
            abs(sense.roll - walker.roll) > self.tipped
            or abs(sense.pitch - walker.pitch) > self.tipped
            or hypot(sense.vx, sense.vy) > self.tipped_m_s
        )

    def _strayed(self, done: float, aside: float, off: float) -> bool:
        """Whether it is where, or faces where, nothing but its own way could have led it."""
        back = off if self.turn >= 0.0 else -off  # what is left of the turn
        return (
            abs(aside) > STRAY_M
            or not -STRAY_M < done < self.length + STRAY_M
            or not -STRAY_RAD < back < abs(self.turn) + STRAY_RAD
        )

    def _give_up(self, sense: Sense, outcome: Outcome = "done") -> None:
        """Go no further, and stay where it can come to a stop."""
        self.outcome = outcome
        x, y = sense.x - self.walker.sway_x, sense.y - self.walker.sway_y
        self.stop = Stop(x + STOP_S * sense.vx, y + STOP_S * sense.vy, sense.yaw, self.elapsed)

    def _patient(self, sense: Sense) -> bool:
        """Whether more steps may yet save a robot that is tipped."""
        stop = self.stop
        return stop is None or (
            self.elapsed - stop.time < PATIENCE_S
            and hypot(stop.x - sense.x, stop.y - sense.y) < PATIENCE_M
        )

    def _check(self, sense: Sense, remaining: float, left: float, off: float) -> None:
        """Whether to stop here: arrived, out of time, or no longer getting anywhere."""
        at, before = self.mark
        if self.stop is None and self.elapsed - at > STALL_S:
            # A push may well undo progress once; only no gain at all over the window counts.
            gained = before - abs(remaining)
            if gained < (STALL_M if self.length else STALL_RAD) and abs(remaining) > NEAR_ENOUGH:
                self._give_up(sense, "blocked")
            self.mark = (self.elapsed, abs(remaining))
        if self.stop is None and self.elapsed > self.deadline:
            self._give_up(sense, "timeout")
        if self.stop is None and self.limit is not None and self.elapsed >= self.limit:
            self._give_up(sense)
        there = abs(left) < CLOSE_M * self.slack and abs(off) < CLOSE_RAD * self.slack
        over = there or self.stop is not None
        if (over and not self._tipped(sense)) or not self._patient(sense):
            self.arrived = True

    def _command(self, left: float, aside: float, off: float) -> tuple[float, float, float]:
        """World velocity and yaw rate that bring the robot on along its line."""
        self.pace = min(self.pace + ACCELERATION * TICK_S, 1.0)
        if self.length:
            stopping = sqrt(2.0 * BRAKING * abs(left))  # from which braking ends just there
            wanted = min(self.speed, stopping, LINE_GAIN * abs(left) + CREEP_M_S)
            along = wanted * self.pace if left > 0 else -wanted
            top = HEADING_MAX
        else:
            along, top = min(max(left, -SIDE_MAX), SIDE_MAX), self.speed * self.pace
        side, wz = -SIDE_GAIN * aside, HEADING_GAIN * off
        side = -SIDE_MAX if side < -SIDE_MAX else SIDE_MAX if side > SIDE_MAX else side
        wz = -top if wz < -top else top if wz > top else wz
        return along * self.ux - side * self.uy, along * self.uy + side * self.ux, wz

    def _back_to(self, stop: Stop, sense: Sense) -> tuple[float, float, float]:
        """World velocity and yaw rate that keep a robot that gave up where it did."""
        gx = stop.x - (sense.x - self.walker.sway_x)
        gy = stop.y - (sense.y - self.walker.sway_y)
        gap = hypot(gx, gy)
        fit = min(SIDE_GAIN, SIDE_MAX / gap) if gap > 1e-6 else 0.0
        wz = min(max(HEADING_GAIN * (stop.yaw - sense.yaw), -HEADING_MAX), HEADING_MAX)
        return gx * fit, gy * fit, wz

    def _settle(self, sense: Sense, off: float) -> list[float] | None:
        """With all feet down, bring the trunk to the very place and stop."""
        walker = self.walker
        self.settled += TICK_S
        if self.stop is not None:
            if self.settled > SETTLE_MIN_S:
                return None
            return walker.tick(sense, 0.0, 0.0, 0.0, stepping=False)
        gx = self.x0 + self.length * self.ux - (sense.x - walker.sway_x)
        gy = self.y0 + self.length * self.uy - (sense.y - walker.sway_y)
        gap = hypot(gx, gy)
        there = gap < STOP_M and abs(off) < STOP_RAD
        if self.settled > (SETTLE_MIN_S if there else SETTLE_MAX_S):
            if there or self.returns == 0 or (gap < RETURN_M and abs(off) < RETURN_RAD):
                return None
            self.returns -= 1
            self._walk_on()
            return walker.tick(sense, 0.0, 0.0, 0.0)
        fit = SETTLE_GAIN * min(1.0, SETTLE_REACH_M / gap) if gap > 1e-6 else 0.0
        wz = min(max(SETTLE_GAIN * off, -SETTLE_RAD_S), SETTLE_RAD_S)
        return walker.tick(sense, gx * fit, gy * fit, wz, stepping=False)

    def _walk_on(self) -> None:
        """Pushed off the mark while stopping: take more steps, in the rhythm as it runs."""
        self.arrived, self.settled = False, 0.0
        self.mark = (self.elapsed, FOR_EVER)


def clipped_speed(gait: Gait, factor: float) -> float:
    """The gait's speed (m/s) at an action's speed factor, within what the gait can hold.

    Slower than 4 or 5 cm/s is a step of no length: it would not get there within its deadline.
    """
    return min(max(gait.speed * factor, 0.05 if gait.sway == 0 else 0.04), gait.top)


def turn_rate(gait: Gait, factor: float) -> float:
    """Yaw rate (rad/s) of a turn on the spot at an action's speed factor.

    At least 0.1; at most 0.4 pi, or 0.45 one foot at a time: faster, feet would land on each other.
    """
    return min(max(gait.turn * factor, 0.1), 0.4 * pi if gait.sway == 0 else 0.45)
