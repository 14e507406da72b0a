"""Footfalls: which foot swings when and where to, and where the trunk is meant to be meanwhile.

Standing feet are anchored in world coordinates; the trunk's reference pose is integrated from the
commanded velocity and leashed to where the trunk really is. Joint targets are the angles that put
the anchored feet where they are, seen from the reference: position servos then carry the trunk
along and level it. Swinging feet are aimed from the actual trunk, so they land where they should
however the trunk leans. Terrain is looked up when a foot lifts off, never in between.
"""

from __future__ import annotations

from math import atan, cos, pi, sin

from handlers.mission.locomotion.measures import (
    AIM_UNTIL,
    APEX_AT,
    EXTENSION_MAX,
    HEIGHT_LEVELLING,
    LEASH_RAD,
    REST,
    ROLL_SHARE,
    ROUNDING,
    SWAY_KEEP,
    SWAY_PHASE,
    SWAY_RISE,
    TOUCH_FROM,
    Measures,
)
from handlers.mission.locomotion.rhythm import TICK_S, WALK, Gait
from handlers.mission.world.body import Body
from handlers.mission.world.leg import Leg, Vec
from handlers.mission.world.loads import carried
from handlers.mission.world.sense import Sense, rotation
from handlers.mission.world.terrain import HeightMap

HERE: Vec = (0.0, 0.0, 0.0)


class Walker:
    """The four feet and the trunk's reference. One `tick` is one control period."""

    def __init__(self, body: Body, terrain: HeightMap) -> None:
        self.body, self.terrain = body, terrain
        self.measures = Measures(body)
        self.extension = 1.0
        self.time = 0.0
        self.x = self.y = self.yaw = self.roll = self.pitch = 0.0
        self.z = self.height = body.stand_height
        self.lift = 0.0
        self.sway_x = self.sway_y = self.sway_scale = 0.0
        self.anchors: list[Vec] = [HERE] * 4
        self.ground = [0.0] * 4
        self.swing = [-1.0] * 4
        self.origin: list[Vec] = [HERE] * 4
        self.target: list[Vec] = [HERE] * 4
        self.apex = [0.0] * 4
        self.lost = [0.0] * 4
        self.aimable = [True] * 4
        self.free: dict[int, Vec] = {}
        self.watched = 0
        self.begin(WALK.of(body), 1.0)

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
        self.gait, self.swing_s, self.stance_s = gait, gait.swing_s, gait.stance_s
        self.extension = min(extension, EXTENSION_MAX) if gait.sway else extension
        self.time = 0.0

    @property
    def all_down(self) -> bool:
        return max(self.swing) < 0.0

    # -- the trunk ---------------------------------------------------------------------------------

    def _move_reference(self, sense: Sense, vx: float, vy: float, wz: float, leak: float) -> None:
        """Integrate the commanded velocity (world m/s, rad/s), then leash it to the trunk."""
        x, y = self.x + vx * TICK_S, self.y + vy * TICK_S
        ex = x - (sense.x - self.sway_x)
        ey = y - (sense.y - self.sway_y)
        gap = (ex * ex + ey * ey) ** 0.5
        keep = 1.0 - leak * TICK_S
        if gap * keep > self.measures.leash:
            keep = self.measures.leash / gap
        self.x, self.y = x + ex * (keep - 1.0), y + ey * (keep - 1.0)
        turned = self.yaw + wz * TICK_S - sense.yaw
        if turned > LEASH_RAD:
            turned = LEASH_RAD
        elif turned < -LEASH_RAD:
            turned = -LEASH_RAD
        self.yaw = sense.yaw + turned

    def _level(self, sense: Sense, height: float) -> None:
        """Ease trunk height, roll and pitch toward what the ground under the feet asks for."""
        fr, fl, rr, rl = self.ground
        body, measures = self.body, self.measures
        blend = measures.levelling * TICK_S
        self.height += (height - self.height) * blend
        wanted_z = (fr + fl + rr + rl) / 4.0 + self.height
        self.z += (wanted_z - self.z) * HEIGHT_LEVELLING * blend
        nose_down = -atan((fr + fl - rr - rl) / (4.0 * body.half_length))
        self.pitch += (nose_down - self.pitch) * blend
        sideways = atan((fl + rl - fr - rr) / (4.0 * body.half_width))
        self.roll += (ROLL_SHARE * sideways - self.roll) * blend
        lift = self.lift + (self.z - sense.z) * measures.lift_rate * TICK_S
        low, high = measures.lift_low, measures.lift_high
        self.lift = low if lift < low else high if lift > high else lift

    def _sway(self, wanted: float) -> None:
        """Shift the trunk over the feet that stand, for rhythms with one foot in the air."""
        gait = self.gait
        self.sway_scale += (wanted - self.sway_scale) * min(1.0, SWAY_RISE * TICK_S / gait.period)
        turns = 2.0 * pi * (self.time + self.measures.sway_lead) / gait.period
        side = -gait.sway * self.sway_scale * cos(turns - SWAY_PHASE)
        self.sway_x, self.sway_y = -sin(self.yaw) * side, cos(self.yaw) * side

    # -- the feet ----------------------------------------------------------------------------------

    def _land_at(
        self, leg: int, sense: Sense, left: float, vx: float, vy: float, wz: float
    ) -> tuple[float, float]:
        """Where a foot with `left` seconds of swing to go should come down, before snapping."""
        ahead = left + 0.5 * self.stance_s
        yaw = sense.yaw + wz * ahead
        c, s = cos(yaw), sin(yaw)
        own = self.body.legs[leg]
        x, y = self.x, self.y
        if not self.gait.sway:
            measures = self.measures
            dx, dy = measures.capture_s * (sense.vx - vx), measures.capture_s * (sense.vy - vy)
            size = (dx * dx + dy * dy) ** 0.5
            fit = measures.capture / size if size > measures.capture else 1.0
            x, y = sense.x + dx * fit, sense.y + dy * fit
        # Lean uphill: the legs give way downhill.
        hip_x, side = own.hip[0] + self.measures.uphill * sin(self.pitch), own.track
        return (
            x + vx * ahead + c * hip_x - s * side,
            y + vy * ahead + s * hip_x + c * side,
        )

    def _lift_off(self, leg: int, sense: Sense, vx: float, vy: float, wz: float) -> None:
        x, y = self._land_at(leg, sense, self.swing_s, vx, vy, wz)
        start = sense.foot(leg)
        own = self.body.legs[leg]
        # On even ground the aim follows the trunk during the swing, which is what balances it.
        self.aimable[leg] = self.terrain.even(x, y, self.measures.aim)
        z = top = self.terrain.height(x, y)
        if not self.aimable[leg]:
            back = own.knee * cos(sense.yaw), own.knee * sin(sense.yaw)
            level = sum(self.ground) / 4.0
            x, y, z = self.terrain.foothold(x, y, back, level)
            top = self.terrain.highest(start[0], start[1], x, y)
        radius = own.foot_radius
        self.origin[leg] = start
        self.target[leg] = (x, y, z + radius)
        self.apex[leg] = (
            max(top + radius, start[2], z + radius) + self.gait.clearance * self.extension
        )
        self.swing[leg] = 0.0
        self.lost[leg] = 0.0

    def _swing(self, leg: int, sense: Sense, vx: float, vy: float, wz: float) -> Vec:
        """Where a swinging foot should be now; puts it down when its time or the ground comes."""
        s = self.swing[leg] + TICK_S / self.swing_s
        self.swing[leg] = s
        tx, ty, tz = self.target[leg]
        if self.aimable[leg] and s < AIM_UNTIL:
            tx, ty = self._land_at(leg, sense, (1.0 - s) * self.swing_s, vx, vy, wz)
            self.target[leg] = (tx, ty, tz)
        in_time = s < 1.0 - ROUNDING
        if not in_time or (s > TOUCH_FROM and sense.forces[leg] > self.measures.touch):
            if in_time:
                tx, ty, tz = sense.foot(leg)
            self.swing[leg] = -1.0
            self.anchors[leg] = (tx, ty, tz)
            self.ground[leg] = tz - self.body.legs[leg].foot_radius
            return tx, ty, tz
        return _arc(self.origin[leg], (tx, ty, tz - self.measures.press), self.apex[leg], s)

    def tick(
        self, sense: Sense, vx: float, vy: float, wz: float, stepping: bool = True
    ) -> list[float]:
        """Joint targets (12) for a commanded velocity: vx, vy in the world (m/s), wz (rad/s).

        Not `stepping`: feet in the air come down, none lifts off.
        """
        gait = self.gait
        leak = 0.0 if gait.sway or self.all_down else self.measures.leak
        self._move_reference(sense, vx, vy, wz, leak)
        self._level(sense, gait.height)
        if gait.sway:
            self._sway(1.0 if stepping else 0.0)
        else:
            self.sway_x, self.sway_y = SWAY_KEEP * self.sway_x, SWAY_KEEP * self.sway_y
            self.sway_scale = 0.0
        self._let_slip(sense)
        before, now = self.time / gait.period, (self.time + TICK_S) / gait.period
        self.time += TICK_S
        if stepping:
            for leg, start in enumerate(gait.starts):
                if self.swing[leg] < 0.0 and int(now - start + 1.0) > int(
                    before - start + 1.0 - 1e-9
                ):
                    self._lift_off(leg, sense, vx, vy, wz)
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
        """The angles that put each foot where it should be.

        A standing one is seen from where the trunk should be, and told to press by what it carries.
        """
        x, y, z = self.x + self.sway_x, self.y + self.sway_y, self.z + self.lift
        planned = rotation(self.roll, self.pitch, self.yaw)
        (a, b, c), (d, e, f), (g, h, i) = planned
        swing, free, lost, kp = self.swing, self.free, self.lost, self.body.kp
        standing = [leg for leg in (0, 1, 2, 3) if swing[leg] < 0.0 and leg not in free]
        loads = carried(self.body, sense, standing, self.anchors, self.roll, self.pitch)
        targets: list[float] = []
        for leg, own in enumerate(self.body.legs):
            if leg in free:
                targets += own.solve(*free[leg])
                continue
            if swing[leg] >= 0.0:
                targets += self._above(own, self._swing(leg, sense, vx, vy, wz), sense)
                continue
            fx, fy, fz = self.anchors[leg]
            if lost[leg] or sense.forces[leg] < self.measures.stands:
                fx, fy, fz = self._feel(leg, sense)
            dx, dy, dz = fx - x, fy - y, fz - z
            hip_x, hip_y, hip_z = own.hip
            place = (
                a * dx + d * dy + g * dz - hip_x,
                b * dx + e * dy + h * dz - hip_y,
                c * dx + f * dy + i * dz - hip_z,
            )
            q1, q2, q3 = angles = own.solve(*place)
            t1, t2, t3 = own.torques(angles, place, loads[leg], planned[2])
            targets += (q1 + t1 / kp, q2 + t2 / kp, q3 + t3 / kp)
        return targets

    def _above(self, own: Leg, foot: Vec, sense: Sense) -> Vec:
        """The angles of a foot in the air, seen from where the trunk is.

        Its way is over the ground, not over the trunk's reference.
        """
        (a, b, c), (d, e, f), (g, h, i) = sense.frame()
        dx, dy, dz = foot[0] - sense.x, foot[1] - sense.y, foot[2] - sense.z
        hip_x, hip_y, hip_z = own.hip
        return own.solve(
            a * dx + d * dy + g * dz - hip_x,
            b * dx + e * dy + h * dz - hip_y,
            c * dx + f * dy + i * dz - hip_z,
        )

    def _let_slip(self, sense: Sense) -> None:
        """Move the anchor of a foot that has slipped: one foot each period, in turn.

        Half as often, and no crawl gets up 15 degrees on a floor of friction 0.5 any more.
        """
        leg = self.watched = (self.watched + 1) % 4
        if self.swing[leg] >= 0.0 or leg in self.free or sense.forces[leg] < self.measures.touch:
            return
        (ax, ay, az), (fx, fy, _) = self.anchors[leg], sense.foot(leg)
        dx, dy = ax - fx, ay - fy
        off, slip = (dx * dx + dy * dy) ** 0.5, self.measures.slip
        if off > slip:
            self.anchors[leg] = (fx + dx * slip / off, fy + dy * slip / off, az)

    def _feel(self, leg: int, sense: Sense) -> Vec:
        """Where a standing foot goes that has found no ground: its way down, until it does."""
        anchor, lost, measures = self.anchors[leg], self.lost[leg], self.measures
        if sense.forces[leg] < measures.stands:
            if lost < (measures.sink_even if self.aimable[leg] else measures.sink_max):
                lost += measures.sink_rate * TICK_S
                self.lost[leg] = lost
        elif lost > measures.lost:
            anchor = self.anchors[leg] = sense.foot(leg)
            self.ground[leg] = anchor[2] - self.body.legs[leg].foot_radius
            lost = self.lost[leg] = 0.0
        return anchor[0], anchor[1], anchor[2] - lost


def _arc(start: Vec, end: Vec, apex: float, part: float) -> Vec:
    """Where a foot is in its swing: up, over at `apex` (m), and down; `part` runs from 0 to 1."""
    (ox, oy, oz), (tx, ty, tz) = start, end
    u = (part - REST) / (1.0 - 2.0 * REST)
    u = 0.0 if u < 0.0 else 1.0 if u > 1.0 else u
    u = u * u * (3.0 - 2.0 * u)
    if part < APEX_AT:
        v = part / APEX_AT
        z = oz + (apex - oz) * (1.0 - (1.0 - v) * (1.0 - v))
    else:
        v = (part - APEX_AT) / (1.0 - APEX_AT)
        z = apex + (tz - apex) * v * v
    return ox + (tx - ox) * u, oy + (ty - oy) * u, z
