"""What the planner leads over is what the gaits climb, and no more: locomotion/limits.py."""

from __future__ import annotations

from math import degrees

import pytest
from climbs import climbing, passing
from planting import Tally, drive

from handlers.mission.check.reach import poses_of
from handlers.mission.locomotion.limits import CLIMB_STEP_M, SLOPE_RAD, SURE_STEP_M
from handlers.mission.route.footing import Footing, cell_of
from handlers.mission.route.route import Route
from handlers.mission.world.model import compile_scene
from handlers.project.spec import ProjectSpec

SLOPE = degrees(SLOPE_RAD)


def _footing(spec: ProjectSpec) -> Footing:
    return Footing(compile_scene(spec.scene.objects).terrain)


def _kinds(spec: ProjectSpec) -> set[str]:
    """Of the ground on the straight way up."""
    footing = _footing(spec)
    return {footing.at(cell_of(-0.03 * k, 0.0)) for k in range(80)}


@pytest.mark.parametrize(
    ("kind", "size", "worst"),
    [
        ("stairs", SURE_STEP_M, "rough"),
        ("stairs", CLIMB_STEP_M, "high"),
        ("stairs", CLIMB_STEP_M + 0.01, "solid"),
        ("ramp", SLOPE, "rough"),
        ("ramp", SLOPE + 3.0, "solid"),
        ("ramp", 30.0, "solid"),
    ],
)
def test_ground_is_what_the_limits_say(kind: str, size: float, worst: str) -> None:
    kinds = _kinds(climbing(kind, size))
    assert worst in kinds
    assert worst == "solid" or not kinds & {"closed", "solid"}


def test_a_short_steep_rise_is_a_step() -> None:
    # given a ramp of 30 degrees that gets no higher than a step that is climbed
    spec = climbing("ramp", 30.0)
    ramp, platform = spec.scene.objects
    low = platform.model_copy(update={"position": (-1.2, 0.0, 0.05), "size": (0.3, 1.0, 0.05)})
    short = ramp.model_copy(update={"slope": ramp.slope.model_copy(update={"hx": 0.1})})  # type: ignore[union-attr]
    made = spec.scene.model_copy(update={"objects": (short, low)})
    # then it is climbed, too
    assert not _kinds(spec.model_copy(update={"scene": made})) & {"closed", "solid"}


@pytest.mark.parametrize(("kind", "size"), [("ramp", 20.0), ("ramp", 25.0), ("stairs", 0.14)])
def test_what_is_too_steep_or_too_high_is_said_before_a_run(kind: str, size: float) -> None:
    spec = climbing(kind, size)
    _, findings = poses_of(spec, _footing(spec))
    assert [f.level for f in findings if "cannot be reached" in f.what] == ["error"]


def test_what_is_too_steep_is_walked_round() -> None:
    # given a hill of 25 degrees with room beside it, and the goal behind it
    spec = climbing("ramp", 25.0)
    ramp, platform = spec.scene.objects
    hill = spec.scene.model_copy(update={
        "objects": (ramp, platform),
        "zones": (spec.scene.zones[0].model_copy(
            update={"aabb": ((-5.0, -0.5, 0.0), (-4.4, 0.5, 1.0))}), spec.scene.zones[1]),
    })  # fmt: skip
    spec = spec.model_copy(update={"scene": hill})
    # when the way is planned
    route = Route(spec, spec.phases[0], _footing(spec))
    route.note(0.0, 0.0, 0.3)
    legs = route.legs(0.0, 0.0)
    # then it leads past it, on foot
    assert not route.blocked
    assert {leg.ground for leg in legs} <= {"open", "tight"}
    assert max(abs(leg.y) for leg in legs) > 1.0


@pytest.mark.parametrize(("kind", "size"), [("stairs", CLIMB_STEP_M), ("ramp", SLOPE)])
def test_what_can_be_climbed_is_climbed(kind: str, size: float) -> None:
    tally = Tally()
    drive(climbing(kind, size, seed=3), 3, tally)
    assert tally.won == 1, tally.lost


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("kind", "size"),
    [("stairs", CLIMB_STEP_M), ("ramp", SLOPE), ("door", 0.5), ("door", 0.55), ("table", 0.35)],
)
def test_missions_are_won_up_to_the_limits(kind: str, size: float) -> None:
    made = climbing if kind in ("stairs", "ramp") else passing
    tally = Tally()
    for seed in range(4000, 4020):
        drive(made(kind, size, seed), seed, tally)
    assert tally.won >= 18, tally.lost
