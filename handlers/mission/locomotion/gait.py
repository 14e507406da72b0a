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

LEASH_M = 0.05
LEASH_RAD = 0.15
LEAK = 1.5
CAPTURE_S = 0.13
CAPTURE_M = 0.16
LEVELLING = 2.0
ROLL_SHARE = 0.4
"""How much of a sideways slope the trunk follows: one foot up or down is the legs' affair."""

AIM_M = 0.16
UPHILL_M = 0.25
SWAY_LEAD_S = 0.06
SINK_M_S = 0.25
SINK_MAX, SINK_EVEN = 0.10, 0.025
LOST = 0.02
TOUCH_N = 8.0


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
        # A one-foot-at-a-time rhythm has no strength to spare for lifting its feet much higher.
        self.gait = gait
        self.extension = min(extension, 1.15) if gait.sway else extension
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
        self.z += (wanted_z - self.z) * 2.0 * blend
        self.pitch += (-atan((g[0] + g[1] - g[2] - g[3]) / (4.0 * HIP_X)) - self.pitch) * blend
        sideways = atan((g[1] + g[3] - g[0] - g[2]) / (4.0 * TRACK))
        self.roll += (ROLL_SHARE * sideways - self.roll) * blend
        self.lift += (self.z - sense.z) * 1.5 * TICK_S
        self.lift = min(max(self.lift, -0.02), 0.03)

    def _sway(self, wanted: float) -> None:
        """Shift the trunk over the feet that stand, for rhythms with one foot in the air."""
        gait = self.gait
        self.sway_scale += (wanted - self.sway_scale) * min(1.0, 4.0 * TICK_S / gait.period)
        turns = 2.0 * pi * (self.time + SWAY_LEAD_S) / gait.period
        side = -gait.sway * self.sway_scale * cos(turns - 0.45 * pi)
        along = gait.surge * self.sway_scale * cos(2.0 * turns - 0.4 * pi)
        c, s = cos(self.yaw), sin(self.yaw)
        self.sway_x, self.sway_y = c * along - s * side, s * along + c * side

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
        if self.aimable[leg] and s < 0.75:
            tx, ty = self._land_at(leg, sense, (1.0 - s) * self.gait.swing_s, vx, vy, wz)
            self.target[leg] = (tx, ty, tz)
        if s >= 0.999 or (s > 0.6 and sense.forces[leg] > TOUCH_N):
            if s < 0.999:
                tx, ty, tz = sense.feet()[leg]
            self.swing[leg] = -1.0
            self.anchors[leg] = (tx, ty, tz)
            self.ground[leg] = tz - FOOT_RADIUS
            return tx, ty, tz
        ox, oy, oz = self.origin[leg]
        u = min(1.0, max(0.0, (s - 0.08) / 0.84))
        u = u * u * (3.0 - 2.0 * u)
        apex = self.apex[leg]
        if s < 0.45:
            v = s / 0.45
            z = oz + (apex - oz) * (1.0 - (1.0 - v) * (1.0 - v))
        else:
            v = (s - 0.45) / 0.55
            z = apex + (tz - 0.004 - apex) * v * v
        return ox + (tx - ox) * u, oy + (ty - oy) * u, z

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
            self.sway_x, self.sway_y, self.sway_scale = 0.7 * self.sway_x, 0.7 * self.sway_y, 0.0
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
        if sense.forces[leg] < 1.0:
            if self.lost[leg] < (SINK_EVEN if self.aimable[leg] else SINK_MAX):
                self.lost[leg] += SINK_M_S * TICK_S
        elif self.lost[leg] > LOST:
            self.anchors[leg] = fx, fy, fz = sense.feet()[leg]
            self.ground[leg] = fz - FOOT_RADIUS
            self.lost[leg] = 0.0
        return fx, fy, fz - self.lost[leg]
