"""Whether what must be seen can be seen from where the robot looks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, hypot, pi

from handlers.mission.check.findings import Finding
from handlers.mission.check.ways import Pose
from handlers.mission.policies.lookout import EXPLORE_M, SCAN_RAD
from handlers.mission.world.body import STAND_HEIGHT
from handlers.mission.world.model import SceneModel
from handlers.mission.world.vision import Sight, place_of
from handlers.project.spec import Phase, ProjectSpec

HEADINGS = 24
"""Directions the robot looks in, turning on the spot."""


def unseen(spec: ProjectSpec, scene: SceneModel, poses: Sequence[Pose]) -> Iterator[Finding]:
    """Phases whose object is not in view from where they begin, however the robot turns."""
    sight = Sight(spec.scene.objects, spec.vision, scene)
    needed = spec.control_panel.requires_visible_tag
    for index, (phase, pose) in enumerate(zip(spec.phases, poses, strict=True)):
        wanted = phase.success_when
        place = f"phases[{index}].success_when"
        if wanted.see_object is not None:
            tag, where = wanted.see_object.tag, f"{place}.see_object"
            yield from _from(spec, scene, sight, pose, tag, where, _explored(phase))
        if wanted.signal_emitted and needed is not None:
            where = f"{place}.signal_emitted"
            yield from _from(spec, scene, sight, pose, needed, where, _explored(phase))


def _explored(phase: Phase) -> float:
    """How far (m) a robot that sees nothing walks on, to look from there, while there is time."""
    looks_around = ceil(2 * pi / SCAN_RAD)
    return EXPLORE_M * ((phase.max_ticks - 1) // (looks_around + 1))


def _from(
    spec: ProjectSpec,
    scene: SceneModel,
    sight: Sight,
    pose: Pose,
    tag: str,
    place: str,
    explored: float,
) -> Iterator[Finding]:
    z = scene.terrain.height(pose.x, pose.y) + STAND_HEIGHT
    yaws = [2 * pi * k / HEADINGS for k in range(HEADINGS)]
    if any(tag in sight.look(pose.x, pose.y, z, yaw) for yaw in yaws):
        return
    away = min(hypot(p[0] - pose.x, p[1] - pose.y) for p in map(place_of, spec.scene.tagged(tag)))
    most = spec.vision.max_distance_m
    at = f"from [{pose.x:.2f}, {pose.y:.2f}], where the phase begins"
    if away > most:
        what = f"{tag!r} is {away:.2f} m away {at}, and sight ends at {most:g} m"
        fix = "let a phase before it lead nearer, or raise vision.max_distance_m"
    else:
        what = f"{tag!r} is hidden {at}, however the robot turns"
        fix = "let a phase before it lead around what hides it"
    if not explored or away > most + explored:
        yield Finding("error", place, what, fix)
    else:
        what += f"; only who walks on as far as {explored:g} m may come upon it"
        yield Finding("warning", place, what, fix)
