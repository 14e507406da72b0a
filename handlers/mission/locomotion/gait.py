"""Footfalls: which foot swings when and where to, and where the trunk is meant to be meanwhile.

Standing feet are anchored in world coordinates; the trunk's reference pose is integrated from the
commanded velocity and leashed to where the trunk really is. Joint targets are the angles that put
the anchored feet where they are, seen from the reference: position servos then carry the trunk
along and level it. Swinging feet are aimed from the actual trunk, so they land where they should
however the trunk leans. Terrain is looked up when a foot lifts off, never in between.
"""

from __future__ import annotations

from math import atan, cos, pi, sin

from handlers.mission.locomotion.rhythm import STAND_HEIGHT, TICK_S, TRACK, WALK, Gait
from handlers.mission.world.leg import FOOT_RADIUS, HIP_X, HIPS, SIDES, Vec, load_torques, solve
from handlers.mission.world.loads import KP, carried
from handlers.mission.world.sense import Sense, rotation
from handlers.mission.world.terrain import HeightMap

# What other values do was measured with each halved and doubled, everything else as it is, over six
# seeds: walk, trot, quarter turn and side step under a 60 N push every 2 s; pace, bound, crawl,
# precision turn and an 8 cm box under the usual variation. As it is, 2 of the 6 side steps fail and
# nothing else does; where nothing is said of other values, they did not do clearly worse.

LEASH_M = 0.05
"""How far the reference may run ahead of the trunk, m: the stretch that the servos pull with.
Halved, 5 of 6 walks and every turn fall over; doubled, 3 of 12 walks and trots fail, and motors
saturate."""

LEASH_RAD = 0.15
"""The same for the heading, rad. Halved, 5 of 6 turns and 4 of 6 precision turns fail."""

LEAK = 1.5
"""How fast that stretch is let go while stepping without sway, 1/s: where a push has moved the
trunk to is where it goes on from, instead of being pulled back."""

CAPTURE_S = 0.13
"""Speed that was not commanded moves the landing place by itself times this, s: that of a
pendulum of the trunk's height would be sqrt(height / g) = 0.17 s. Halved, 3 of 6 trots fail."""

CAPTURE_M = 0.16
"""The most a landing place is moved by that, m, so that the leg still reaches it."""

LEVELLING = 2.0
"""How fast the trunk follows the ground's height and slope, 1/s. At 5 stepping down tipped it."""

ROLL_SHARE = 0.4
"""How much of a sideways slope the trunk follows: one foot up or down is the legs' affair. At 1,
one of 6 precision turns falls."""

HEIGHT_LEVELLING, LIFT_RATE = 2.0, 1.5
"""The height follows twice as fast as the slope (factor), and the legs are made longer by what the
trunk hangs below its reference (1/s), which the servos' softness costs."""

LIFT_LOW, LIFT_HIGH = -0.02, 0.03
"""Bounds of that, m: a trunk that hangs on an edge must not stretch the legs for ever."""

EXTENSION_MAX = 1.15
"""The most an action's `extension` counts (factor) in a rhythm with sway, which has no strength to
spare for lifting its feet much higher."""

AIM_M = 0.16
"""How far around its landing place the ground must be even for a foot to be aimed until it lands,
m: the same as CAPTURE_M, which is as far as the aim can move."""

UPHILL_M = 0.25
"""On a slope, feet are set uphill of the hips by this times the sine of the slope, m: about the
height of the trunk, so they stand under the weight and not under the hips."""

SWAY_LEAD_S = 0.06
"""How much earlier than the feet the sway is commanded, s: the trunk follows its reference that
much later. Doubled, motors saturate on the box, and precision turns take longer."""

SWAY_PHASE = 0.45 * pi
"""Where in the crawl's period the sway is at its most, rad: the trunk is over the right feet while
the left ones swing."""

SWAY_RISE = 4.0
"""The sway grows and dies away within about a quarter of a period (rate per period)."""

SWAY_KEEP = 0.7
"""What is left of another rhythm's sway a control period later: gone in 0.2 s, without a jerk."""

AIM_UNTIL, TOUCH_FROM = 0.75, 0.6
"""Parts of the swing: until when a foot's aim still moves, after which it would scrape; and from
when on a foot that meets the ground has landed. Before that it may have met its own place."""

TOUCH_N = 8.0
"""The force that says so, N: a quarter of what a foot carries standing, more than it weighs."""

REST, APEX_AT = 0.08, 0.45
"""Parts of the swing: a foot goes straight up and down for the first and last 8%, to come clear of
edges; it is highest a little before the middle, to have time to come down."""

ROUNDING = 0.001
"""Parts of a swing are added up period by period: what lacks this much of 1 is over."""

PRESS_M = 0.004
"""A foot is aimed this far into the ground, m, so that it lands and does not hover."""

STANDS_N = 1.0
"""A standing foot with less force on it has found no ground, N."""

SINK_M_S = 0.25
"""How fast such a foot feels its way down, m/s. Doubled, one of 6 precision turns falls."""

SINK_MAX, SINK_EVEN = 0.10, 0.025
"""How far down it goes, m: about a step, or on even ground, where only the
trunk's lean can have lifted it, a little more than a foot's radius."""

LOST = 0.02
"""A foot that finds ground after sinking further than this, m, has a new anchor there; less is the
trunk rocking, and the anchor stays."""


class Walker:
    """The four feet and the trunk's reference. One `tick` is one control period."""

    def __init__(self, terrain: HeightMap) -> None:
        self.terrain = terrain
        self.gait = WALK
        self.extension = 1.0
        self.time = 0.0
        self.x = self.y = self.yaw = self.roll = self.pitch = 0.0
        self.z = STAND_HEIGHT
        self.height = STAND_HEIGHT
        self.lift = 0.0
        self.sway_x = self.sway_y = self.sway_scale = 0.0
        self.anchors: list[Vec] = [(0.0, 0.0, 0.0)] * 4
        self.ground = [0.0] * 4
        self.swing = [-1.0] * 4
        self.origin: list[Vec] = [(0.0, 0.0, 0.0)] * 4
        self.target: list[Vec] = [(0.0, 0.0, 0.0)] * 4
        self.apex = [0.0] * 4
        self.lost = [0.0] * 4
        self.aimable = [True] * 4
        self.free: dict[int, Vec] = {}

    def plant(self, sense: Sense) -> None:
        """Take the present pose as the reference and the feet where they are as anchors."""
        self.x, self.y, self.z, self.yaw = sense.x, sense.y, sense.z, sense.yaw
        self.roll, self.pitch = sense.roll, sense.pitch
        self.anchors = sense.feet()
        self.ground = [self.terrain.height(x, y) for x, y, _ in self.anchors]
        self.swing = [-1.0] * 4
        self.lost = [0.0] * 4
        self.lift = self.sway_x = self.sway_y = self.sway_scale = 0.0
        self.height = sense.z - sum(self.ground) / 4.0
        self.free = {}

    def begin(self, gait: Gait, extension: float) -> None:
        """Start a rhythm from its first footfall."""
        self.gait = gait
        self.extension = min(extension, EXTENSION_MAX) if gait.sway else extension
        self.time = 0.0

    @property
    def all_down(self) -> bool:
        return max(self.swing) < 0.0

    # -- the trunk ---------------------------------------------------------------------------------

    def _move_reference(self, sense: Sense, vx: float, vy: float, wz: float, leak: float) -> None:
        """Integrate the commanded velocity (world m/s, rad/s), then leash it to the trunk."""
        self.x += vx * TICK_S
        self.y += vy * TICK_S
        self.yaw += wz * TICK_S
        ex = self.x - (sense.x - self.sway_x)
        ey = self.y - (sense.y - self.sway_y)
        gap = (ex * ex + ey * ey) ** 0.5
        keep = 1.0 - leak * TICK_S
        if gap * keep > LEASH_M:
            keep = LEASH_M / gap
        self.x += ex * (keep - 1.0)
        self.y += ey * (keep - 1.0)
        turned = self.yaw - sense.yaw
        self.yaw = sense.yaw + min(max(turned, -LEASH_RAD), LEASH_RAD)

    def _level(self, sense: Sense, height: float) -> None:
        """Ease trunk height, roll and pitch toward what the ground under the feet asks for."""
        g = self.ground
        blend = LEVELLING * TICK_S
        self.height += (height - self.height) * blend
        wanted_z = sum(g) / 4.0 + self.height
        self.z += (wanted_z - self.z) * HEIGHT_LEVELLING * blend
        self.pitch += (-atan((g[0] + g[1] - g[2] - g[3]) / (4.0 * HIP_X)) - self.pitch) * blend
        sideways = atan((g[1] + g[3] - g[0] - g[2]) / (4.0 * TRACK))
        self.roll += (ROLL_SHARE * sideways - self.roll) * blend
        self.lift += (self.z - sense.z) * LIFT_RATE * TICK_S
        self.lift = min(max(self.lift, LIFT_LOW), LIFT_HIGH)

    def _sway(self, wanted: float) -> None:
        """Shift the trunk over the feet that stand, for rhythms with one foot in the air."""
        gait = self.gait
        self.sway_scale += (wanted - self.sway_scale) * min(1.0, SWAY_RISE * TICK_S / gait.period)
        turns = 2.0 * pi * (self.time + SWAY_LEAD_S) / gait.period
        side = -gait.sway * self.sway_scale * cos(turns - SWAY_PHASE)
        self.sway_x, self.sway_y = -sin(self.yaw) * side, cos(self.yaw) * side

    # -- the feet ----------------------------------------------------------------------------------

    def _land_at(
        self, leg: int, sense: Sense, left: float, vx: float, vy: float, wz: float
    ) -> tuple[float, float]:
        """Where a foot with `left` seconds of swing to go should come down, before snapping."""
        ahead = left + 0.5 * self.gait.stance_s
        yaw = sense.yaw + wz * ahead
        c, s = cos(yaw), sin(yaw)
        hip_x, side = HIPS[leg][0], TRACK * SIDES[leg]
        x, y = self.x, self.y
        if not self.gait.sway:
            dx, dy = CAPTURE_S * (sense.vx - vx), CAPTURE_S * (sense.vy - vy)
            size = (dx * dx + dy * dy) ** 0.5
            fit = CAPTURE_M / size if size > CAPTURE_M else 1.0
            x, y = sense.x + dx * fit, sense.y + dy * fit
        hip_x += UPHILL_M * sin(self.pitch)  # lean uphill: the legs give way downhill
        return (
            x + vx * ahead + c * hip_x - s * side,
            y + vy * ahead + s * hip_x + c * side,
        )

    def _lift_off(
        self, leg: int, sense: Sense, feet: list[Vec], vx: float, vy: float, wz: float
    ) -> None:
        x, y = self._land_at(leg, sense, self.gait.swing_s, vx, vy, wz)
        back = -cos(sense.yaw), -sin(sense.yaw)
        start = feet[leg]
        # On even ground the aim follows the trunk during the swing, which is what balances it.
        self.aimable[leg] = self.terrain.even(x, y, AIM_M)
        z = top = self.terrain.height(x, y)
        if not self.aimable[leg]:
            level = sum(self.ground) / 4.0
            x, y, z = self.terrain.foothold(x, y, back, level)
            top = self.terrain.highest(start[0], start[1], x, y)
        self.origin[leg] = start
        self.target[leg] = (x, y, z + FOOT_RADIUS)
        self.apex[leg] = (
            max(top + FOOT_RADIUS, start[2], z + FOOT_RADIUS) + self.gait.clearance * self.extension
        )
        self.swing[leg] = 0.0
        self.lost[leg] = 0.0

    def _swing(self, leg: int, sense: Sense, vx: float, vy: float, wz: float) -> Vec:
        """Where a swinging foot should be now; puts it down when its time or the ground comes."""
        s = self.swing[leg] + TICK_S / self.gait.swing_s
        self.swing[leg] = s
        tx, ty, tz = self.target[leg]
        if self.aimable[leg] and s < AIM_UNTIL:
            tx, ty = self._land_at(leg, sense, (1.0 - s) * self.gait.swing_s, vx, vy, wz)
            self.target[leg] = (tx, ty, tz)
        in_time = s < 1.0 - ROUNDING
        if not in_time or (s > TOUCH_FROM and sense.forces[leg] > TOUCH_N):
            if in_time:
                tx, ty, tz = sense.feet()[leg]
            self.swing[leg] = -1.0
            self.anchors[leg] = (tx, ty, tz)
            self.ground[leg] = tz - FOOT_RADIUS
            return tx, ty, tz
        return _arc(self.origin[leg], self.target[leg], self.apex[leg], s)

    def tick(
        self, sense: Sense, vx: float, vy: float, wz: float, stepping: bool = True
    ) -> list[float]:
        """Joint targets (12) for a commanded velocity: vx, vy in the world (m/s), wz (rad/s).

        Not `stepping`: feet in the air come down, none lifts off.
        """
        gait = self.gait
        self._move_reference(sense, vx, vy, wz, 0.0 if gait.sway or self.all_down else LEAK)
        self._level(sense, gait.height)
        if gait.sway:
            self._sway(1.0 if stepping else 0.0)
        else:
            self.sway_x, self.sway_y = SWAY_KEEP * self.sway_x, SWAY_KEEP * self.sway_y
            self.sway_scale = 0.0
        before = self.time / gait.period
        self.time += TICK_S
        now = self.time / gait.period
        if stepping:
            feet: list[Vec] | None = None
            for leg, start in enumerate(gait.starts):
                if self.swing[leg] < 0.0 and int(now - start + 1.0) > int(
                    before - start + 1.0 - 1e-9
                ):
                    feet = feet or sense.feet()
                    self._lift_off(leg, sense, feet, vx, vy, wz)
        return self._joints(sense, vx, vy, wz)

    def hold(
        self, sense: Sense, x: float, y: float, z: float, roll: float, pitch: float, yaw: float
    ) -> list[float]:
        """Joint targets that bring the trunk to a pose over the feet where they stand."""
        self.x, self.y, self.z = x, y, z
        self.roll, self.pitch, self.yaw = roll, pitch, yaw
        self.sway_x = self.sway_y = 0.0
        return self._joints(sense, 0.0, 0.0, 0.0)

    def _joints(self, sense: Sense, vx: float, vy: float, wz: float) -> list[float]:
        x, y, z = self.x + self.sway_x, self.y + self.sway_y, self.z + self.lift
        planned = rotation(self.roll, self.pitch, self.yaw)
        actual = rotation(sense.roll, sense.pitch, sense.yaw)
        standing = [leg for leg in range(4) if self.swing[leg] < 0.0 and leg not in self.free]
        loads = carried(sense, standing, self.anchors, self.roll, self.pitch)
        ctrl: list[float] = []
        for leg in range(4):
            hip_x, hip_y = HIPS[leg]
            if leg in self.free:
                px, py, pz = self.free[leg]
                ctrl += solve(leg, px, py, pz)
                continue
            if self.swing[leg] >= 0.0:
                fx, fy, fz = self._swing(leg, sense, vx, vy, wz)
                dx, dy, dz = fx - sense.x, fy - sense.y, fz - sense.z
                (a, b, c), (d, e, f), (g, h, i) = actual
                share = 0.0
            else:
                fx, fy, fz = self._standing(leg, sense)
                dx, dy, dz = fx - x, fy - y, fz - z
                (a, b, c), (d, e, f), (g, h, i) = planned
                share = loads[leg]
            angles = solve(
                leg,
                a * dx + d * dy + g * dz - hip_x,
                b * dx + e * dy + h * dz - hip_y,
                c * dx + f * dy + i * dz,
            )
            if share:
                t1, t2, t3 = load_torques(leg, angles, share)
                ctrl += (angles[0] + t1 / KP, angles[1] + t2 / KP, angles[2] + t3 / KP)
            else:
                ctrl += angles
        return ctrl

    def _standing(self, leg: int, sense: Sense) -> Vec:
        """A standing foot's anchor; one that found no ground feels its way down."""
        fx, fy, fz = self.anchors[leg]
        if sense.forces[leg] < STANDS_N:
            if self.lost[leg] < (SINK_EVEN if self.aimable[leg] else SINK_MAX):
                self.lost[leg] += SINK_M_S * TICK_S
        elif self.lost[leg] > LOST:
            self.anchors[leg] = fx, fy, fz = sense.feet()[leg]
            self.ground[leg] = fz - FOOT_RADIUS
            self.lost[leg] = 0.0
        return fx, fy, fz - self.lost[leg]


def _arc(start: Vec, end: Vec, apex: float, part: float) -> Vec:
    """Where a foot is in its swing: up, over at `apex` (m), and down; `part` runs from 0 to 1."""
    (ox, oy, oz), (tx, ty, tz) = start, end
    u = min(1.0, max(0.0, (part - REST) / (1.0 - 2.0 * REST)))
    u = u * u * (3.0 - 2.0 * u)
    if part < APEX_AT:
        v = part / APEX_AT
        z = oz + (apex - oz) * (1.0 - (1.0 - v) * (1.0 - v))
    else:
        v = (part - APEX_AT) / (1.0 - APEX_AT)
        z = apex + (tz - PRESS_M - apex) * v * v
    return ox + (tx - ox) * u, oy + (ty - oy) * u, z
