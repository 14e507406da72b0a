"""Whether each phase's place can be reached: from where the phase before it ends, in its ticks."""

from __future__ import annotations

from collections.abc import Iterator
from math import degrees, pi

from handlers.mission.check.findings import Finding
from handlers.mission.check.ways import Pose, Way, is_closed, way_through
from handlers.mission.locomotion.limits import CLIMB_STEP_M, SLOPE_RAD
from handlers.mission.route.footing import HALF_LENGTH_M, Footing
from handlers.mission.world.body import STAND_HEIGHT
from handlers.project.scene import Zone
from handlers.project.spec import Phase, ProjectSpec

TRUNK_M = (0.2, 0.33)
"""Between these the middle of the trunk is over the ground while the robot goes about, m: crawling
under something, and on its toes; it stands at 0.285 (locomotion/rhythm.STAND_HEIGHT)."""


SMALL_M = 0.06
"""A zone less wide than this is missed after a push, m: a walk ends 5 mm off without, 8 cm with."""


def poses_of(spec: ProjectSpec, footing: Footing) -> tuple[list[Pose], list[Finding]]:
    """Where the robot is at the start of each phase, and what it cannot reach."""
    here = Pose(spec.spawn[0], spec.spawn[1], pi)
    poses: list[Pose] = []
    findings: list[Finding] = []
    for index, phase in enumerate(spec.phases):
        poses.append(here)
        place = f"phases[{index}]"
        way = way_through(spec, footing, phase, here)
        findings += _zones(spec, footing, phase, place, here)
        if way is not None:
            findings += _problems(spec, footing, phase, place, way)
            here = way.end
    return poses, findings


def _problems(
    spec: ProjectSpec, footing: Footing, phase: Phase, place: str, way: Way
) -> Iterator[Finding]:
    wanted = phase.success_when
    name = "enter_zone" if wanted.enter_zone is not None else "near_object"
    if wanted.enter_zone is None and wanted.near_object is None:
        name = "exit_zone"
    where = f"{place}.success_when.{name}"
    if not way.arrives:
        what = f"cannot be reached: the way ends {way.left_m:.2f} m from it"
        at = f"at [{way.end.x:.2f}, {way.end.y:.2f}]"
        fix = (
            f"open a way that is {2 * HALF_LENGTH_M:.1f} m wide, over steps of at most"
            f" {CLIMB_STEP_M * 100:.0f} cm and slopes of at most {degrees(SLOPE_RAD):.0f} degrees,"
            " or move it"
        )
        if wanted.near_object is not None:
            fix += ", or raise max_distance_m"
        yield Finding("error", where, f"{what}, {at}", fix)
    elif way.ticks > phase.max_ticks:
        what = f"the way takes about {way.ticks} actions, and max_ticks is {phase.max_ticks}"
        yield Finding("error", f"{place}.max_ticks", what, f"max_ticks of {2 * way.ticks}")


def _zones(
    spec: ProjectSpec, footing: Footing, phase: Phase, place: str, here: Pose
) -> Iterator[Finding]:
    wanted, failing = phase.success_when, phase.fail_when
    if wanted.enter_zone is not None:
        yield from _fits(spec.scene.zone(wanted.enter_zone), footing, spec)
    if wanted.exit_zone is not None and wanted.enter_zone is None:
        zone = spec.scene.zone(wanted.exit_zone)
        yield from _fits(zone, footing, spec)
        if not _over(zone, here):
            what = f"the robot is not inside {zone.name!r} when the phase begins"
            fix = "let the phase before it enter the zone"
            yield Finding("warning", f"{place}.success_when.exit_zone", what, fix)
    if failing.enter_zone is not None and _over(spec.scene.zone(failing.enter_zone), here):
        what = f"the phase begins inside {failing.enter_zone!r}, and fails at once"
        yield Finding("error", f"{place}.fail_when.enter_zone", what, "move the zone or the spawn")


def _over(zone: Zone, here: Pose) -> bool:
    (ax, ay, _), (bx, by, _) = zone.aabb
    return ax <= here.x <= bx and ay <= here.y <= by


def _fits(zone: Zone, footing: Footing, spec: ProjectSpec) -> Iterator[Finding]:
    """Whether a zone is where the trunk can be: its z range, its size, the ground in it."""
    (ax, ay, az), (bx, by, bz) = zone.aabb
    index = next(at for at, known in enumerate(spec.scene.zones) if known.name == zone.name)
    place = f"scene.zones[{index}] ({zone.name!r})"
    x, y, _ = zone.centre
    ground = footing.terrain.height(x, y)
    low, high = ground + TRUNK_M[0], ground + TRUNK_M[1]
    if bz < low or az > high:
        what = f"z is {az:g} to {bz:g} m, and the trunk is {low:.2f} to {high:.2f} m high there"
        fix = f"z from {ground:.1f} to {ground + 1:.1f}: the robot is where its trunk's middle is"
        yield Finding("error", place, what, fix)
    elif not az <= ground + STAND_HEIGHT <= bz:
        what = (
            f"z is {az:g} to {bz:g} m, and the standing trunk's middle {STAND_HEIGHT + ground:.2f}"
        )
        yield Finding("warning", place, what, f"z from {ground:.1f} to {ground + 1:.1f}")
    if min(bx - ax, by - ay) < SMALL_M:
        what = f"is {bx - ax:g} x {by - ay:g} m: a push leads the robot out of it"
        yield Finding("warning", place, what, "0.1 m or more is found again and again")
    if is_closed(footing, (x, y)):
        what = "its middle is no place to stand: something is in it, or too near"
        yield Finding("hint", place, what, "the robot goes to a part of it that is free")
