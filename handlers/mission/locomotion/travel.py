"""Closed-loop locomotion: go a distance, turn an angle, and stop where that says."""

from __future__ import annotations

from math import cos, hypot, pi, sin, sqrt

from handlers.mission.locomotion.gait import Walker
from handlers.mission.locomotion.rhythm import TICK_S, Gait
from handlers.mission.locomotion.skill import Outcome
from handlers.mission.world.sense import Sense

ACCELERATION = 1.2
BRAKING = 0.6
LINE_GAIN = 2.0
SIDE_GAIN = 2.0
SIDE_MAX = 0.15
HEADING_GAIN = 3.0
HEADING_MAX = 0.6
CLOSE_M, CLOSE_RAD = 0.02, 0.02
CLOSE_SWAYING = 1.7
SETTLE_MIN_S, SETTLE_MAX_S = 0.3, 1.2
SETTLE_GAIN = 4.0
STOP_M, STOP_RAD = 0.004, 0.004
RETURN_M, RETURN_RAD = 0.015, 0.012
TIPPED_RAD, TIPPED_M_S = 0.07, 0.22
STALL_S = 2.5
PATIENCE_S = 10.0
STALL_M = 0.02
STALL_RAD = 0.03


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
        self.deadline = 2.0 * expected + 4.0
        self.limit = limit_s
        self.outcome: Outcome = "done"
        self.elapsed = self.settled = self.pace = 0.0
        self.giving_up = False
        self.returns = 3
        self.slack = CLOSE_SWAYING if gait.sway else 1.0
        self.tipped = TIPPED_RAD + gait.rocks
        self.arrived = False
        self.started = False
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
        elif self._tipped(sense):
            self._walk_on()
        if self.arrived and walker.all_down:
            return self._settle(sense, off)
        vx, vy, wz = self._command(left, aside, off)
        return walker.tick(sense, vx, vy, wz, stepping=not self.arrived)

    def _tipped(self, sense: Sense) -> bool:
        """Whether a push has caught the robot while stopping: only steps can save it then."""
        walker = self.walker
        return (
            abs(sense.roll - walker.roll) > self.tipped
            or abs(sense.pitch - walker.pitch) > self.tipped
            or hypot(sense.vx, sense.vy) > TIPPED_M_S
        )

    def _check(self, sense: Sense, remaining: float, left: float, off: float) -> None:
        """Whether to stop here: arrived, out of time, or no longer getting anywhere."""
        at, before = self.mark
        if not self.giving_up and self.elapsed - at > STALL_S:
            # A push may well undo progress once; only no gain at all over the window counts.
            gained = before - abs(remaining)
            if gained < (STALL_M if self.length else STALL_RAD) and abs(remaining) > 0.05:
                self.giving_up, self.outcome = True, "blocked"
            self.mark = (self.elapsed, abs(remaining))
        if not self.giving_up and self.elapsed > self.deadline:
            self.giving_up, self.outcome = True, "timeout"
        if self.limit is not None and self.elapsed >= self.limit:
            self.giving_up = True
        # Marking time one foot at a time is what a crawl does worst: let standing do the rest.
        there = abs(left) < CLOSE_M * self.slack and abs(off) < CLOSE_RAD * self.slack
        overdue = self.elapsed > self.deadline + PATIENCE_S
        if (there or self.giving_up) and (overdue or not self._tipped(sense)):
            self.arrived = True

    def _command(self, left: float, aside: float, off: float) -> tuple[float, float, float]:
        """World velocity and yaw rate that bring the robot on along its line."""
        if self.giving_up:
            return 0.0, 0.0, 0.0
        self.pace = min(self.pace + ACCELERATION * TICK_S, 1.0)
        if self.length:
            wanted = min(self.speed, sqrt(2.0 * BRAKING * abs(left)), LINE_GAIN * abs(left) + 0.01)
            along = wanted * self.pace if left > 0 else -wanted
            top = HEADING_MAX
        else:
            along, top = min(max(left, -SIDE_MAX), SIDE_MAX), self.speed * self.pace
        side = min(max(-SIDE_GAIN * aside, -SIDE_MAX), SIDE_MAX)
        wz = min(max(HEADING_GAIN * off, -top), top)
        return along * self.ux - side * self.uy, along * self.uy + side * self.ux, wz

    def _settle(self, sense: Sense, off: float) -> list[float] | None:
        """With all feet down, bring the trunk to the very place and stop."""
        walker = self.walker
        self.settled += TICK_S
        if self.giving_up:
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
        fit = SETTLE_GAIN * min(1.0, 0.03 / gap) if gap > 1e-6 else 0.0
        wz = min(max(SETTLE_GAIN * off, -0.3), 0.3)
        return walker.tick(sense, gx * fit, gy * fit, wz, stepping=False)

    def _walk_on(self) -> None:
        """Pushed off the mark while stopping: take more steps, in the rhythm as it runs."""
        self.arrived, self.settled = False, 0.0
        self.mark = (self.elapsed, 1e9)


def clipped_speed(gait: Gait, factor: float) -> float:
    """The gait's speed (m/s) at an action's speed factor, within what the gait can hold."""
    return min(max(gait.speed * factor, 0.05 if gait.sway == 0 else 0.04), gait.top)


def turn_rate(gait: Gait, factor: float) -> float:
    """Yaw rate (rad/s) of a turn on the spot at an action's speed factor."""
    return min(max(gait.turn * factor, 0.1), 0.4 * pi if gait.sway == 0 else 0.45)
