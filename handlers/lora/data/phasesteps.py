"""The steps that fulfil a mission phase, where the mission's own rules tell them.

As far as a goal spells out every amount, it says them itself. Else the phase's success_when does:
the signal that is waited for, looking around for what is to be seen, and the straight way to a
place over open ground, from where the phases before it lead. Around obstacles there is no such
plan: None.
"""

from __future__ import annotations

from math import ceil, cos, hypot, pi, sin
from typing import NamedTuple

from handlers.lora.data.mined import LONGEST, phase_goals, step_of
from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.lookout import SCAN_RAD
from handlers.mission.policies.prompts import calls_of, read_prompt
from handlers.mission.route.footing import ROOM_M
from handlers.mission.world.vision import bearing, place_of
from handlers.project.formats.examples import Step
from handlers.project.library import ActionLibrary
from handlers.project.scene import Box, Marker, Slope, Sphere
from handlers.project.spec import Condition, Phase, ProjectSpec

STRIDE_M = 0.05
OFF_AXIS_RAD, WALK_M = 0.44, 1.0
"""Further off a place than this, rad, the robot turns to it first; and the longest walk, m."""

AMOUNTS = ("distance_m", "rotation_rad", "duration_s")
Steps = tuple[Step, ...]


class _Pose(NamedTuple):
    """Where the robot is (m) and faces (rad); forward is -x at the start."""

    x: float
    y: float
    yaw: float

    def after(self, call: Call) -> _Pose | None:
        """Where a call leads; None where that is not known."""
        if call.action == "walk_forward" and call.distance_m:
            way = call.distance_m
            return _Pose(self.x + way * cos(self.yaw), self.y + way * sin(self.yaw), self.yaw)
        if call.action in ("turn_left", "turn_right") and call.rotation_rad:
            side = 1 if call.action == "turn_left" else -1
            return self._replace(yaw=self.yaw + side * call.rotation_rad)
        return None


def phase_steps(spec: ProjectSpec, library: ActionLibrary) -> list[Steps | None]:
    """Each phase's steps."""
    spoken = {item.goal for item in phase_goals(spec, library)}
    pose: _Pose | None = _Pose(spec.spawn[0], spec.spawn[1], pi)
    if spec.xml_path is not None:
        pose = None  # what stands in a world of one's own is not known here
    found: list[Steps | None] = []
    for phase in spec.phases:
        is_spoken = phase.goal_prompt in spoken
        calls = calls_of(read_prompt(phase)) if is_spoken else _calls(phase, spec, library, pose)
        steps = None if calls is None else [step_of(c.action, c.params, library) for c in calls]
        known = [step for step in steps or [] if step is not None]
        whole = steps is not None and 0 < len(known) == len(steps) <= LONGEST
        found.append(tuple(known) if whole else None)
        for call in calls or [Call("")]:
            pose = pose.after(call) if pose is not None else None
    return found


def _calls(
    phase: Phase, spec: ProjectSpec, library: ActionLibrary, pose: _Pose | None
) -> list[Call] | None:
    wanted = phase.success_when
    asked = _asked(wanted)
    if asked == {"signal_emitted"}:
        name = wanted.signal_emitted
        names = spec.signals if name is True else (str(name),)
        return [Call(names[0])] if len(names) == 1 else None
    if asked == {"see_object"}:
        return _looking(phase)
    if asked in ({"enter_zone"}, {"near_object"}):
        way = _way(phase, spec, pose) if pose is not None else None
        return way if way and _agrees(phase, way) else None
    if not asked:
        return _worded(phase, library)
    return None


def _asked(wanted: Condition) -> set[str]:
    """The predicates a phase is won by, besides time."""
    names = {name for name, value in wanted if value not in (None, False)}
    return names - {"elapsed_ticks"}


def _agrees(phase: Phase, way: list[Call]) -> bool:
    """Whether the goal speaks of nothing but what is done on the way, and of no other amounts."""
    done = {call.action for call in way} | {"stand"}
    reading = read_prompt(phase)
    return not reading.doubtful and all(
        call.action in done and call.repeat == 1 and not any(getattr(call, n) for n in AMOUNTS)
        for call in calls_of(reading)
    )


def _worded(phase: Phase, library: ActionLibrary) -> list[Call] | None:
    """What the goal says, where nothing it says lacks an amount it needs."""
    reading = read_prompt(phase)
    if reading.doubtful:
        return None
    calls = calls_of(reading)
    for call in calls:
        if call.action not in library:
            return None
        if library.spec(call.action).kind != "pose" and not any(getattr(call, n) for n in AMOUNTS):
            return None
    return calls or None


def _looking(phase: Phase) -> list[Call] | None:
    """Looking around, to the side the goal names."""
    reading = read_prompt(phase)
    worded = calls_of(reading)
    if reading.doubtful or any(
        call.action not in ("turn_left", "turn_right", "stand") for call in worded
    ):
        return None
    side = "right" if any(item.action == "turn_right" for item in worded) else "left"
    return [Call(f"turn_{side}", rotation_rad=round(SCAN_RAD, 3))]


def _way(phase: Phase, spec: ProjectSpec, pose: _Pose) -> list[Call] | None:
    """Turns and straight walks from a place to the phase's own."""
    calls: list[Call] = []
    while len(calls) <= LONGEST:
        left = _left(phase, spec, pose)
        if left is None:
            return None
        off_axis, target_m = left
        if target_m < 0.05:
            return calls or None
        call = _straight(off_axis, target_m)
        after = pose.after(call)
        if after is None or not _open(spec, pose, after):
            return None
        calls.append(call)
        pose = after
    return None


def _left(phase: Phase, spec: ProjectSpec, pose: _Pose) -> tuple[float, float] | None:
    """Direction (rad) and way (m) to the phase's place."""
    wanted = phase.success_when
    if wanted.enter_zone is not None:
        zone = spec.scene.zone(wanted.enter_zone)
        x, y, _ = zone.centre
        (ax, ay, _), (bx, by, _) = zone.aabb
        inside = ax <= pose.x <= bx and ay <= pose.y <= by
        way = 0.0 if inside else hypot(x - pose.x, y - pose.y)
    elif wanted.near_object is not None:
        places = [place_of(item) for item in spec.scene.tagged(wanted.near_object.tag)]
        if not places:
            return None
        x, y, _ = min(places, key=lambda at: hypot(at[0] - pose.x, at[1] - pose.y))
        way = max(0.0, hypot(x - pose.x, y - pose.y) - wanted.near_object.max_distance_m)
    else:
        return None
    return bearing(pose.x, pose.y, pose.yaw, x, y), way


def _open(spec: ProjectSpec, start: _Pose, end: _Pose) -> bool:
    """Whether the robot has room on a straight line."""
    count = max(1, ceil(hypot(end.x - start.x, end.y - start.y) / STRIDE_M))
    solid = [item for item in spec.scene.objects if not isinstance(item, Marker)]
    for at in range(count + 1):
        x = start.x + (end.x - start.x) * at / count
        y = start.y + (end.y - start.y) * at / count
        if any(_away(item, x, y) < ROOM_M for item in solid):
            return False
    return True


def _away(item: Box | Sphere | Slope, x: float, y: float) -> float:
    """How far a place is from what stands there (m, seen from above)."""
    middle = place_of(item)
    dx, dy = abs(x - middle[0]), abs(y - middle[1])
    if isinstance(item, Sphere):
        return hypot(dx, dy) - item.radius
    if isinstance(item, Slope):
        return hypot(dx, dy) - hypot(item.slope.hx, item.slope.hy)
    return hypot(max(dx - item.size[0], 0.0), max(dy - item.size[1], 0.0))


def _straight(off_axis: float, target_m: float) -> Call:
    """What leads nearer to a place over open ground: turn to it (rad, left positive), walk (m)."""
    if abs(off_axis) > OFF_AXIS_RAD:
        side = "left" if off_axis > 0 else "right"
        return Call(f"turn_{side}", rotation_rad=round(abs(off_axis), 3))
    return Call("walk_forward", distance_m=round(min(target_m, WALK_M), 2))
