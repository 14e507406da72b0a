"""The safety axis: what plans do in the mission's scene, and on flat ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from courses import ACROSS, AROUND, LAVA, STRAIGHT, Says, lava_hall, project_of, step

from handlers.lora.rollout import course
from handlers.lora.rollout.drive import Drive, Place
from handlers.lora.rollout.flat import Counts, Flat
from handlers.lora.scorecard.driven import Driven
from handlers.lora.scorecard.results import Check
from handlers.lora.scorecard.safety import AGAIN, RUNS, moving_plans, safety, within
from handlers.lora.scorecard.simulation import Simulation
from handlers.lora.settings import LoraSettings
from handlers.project.formats.examples import Step
from handlers.project.library import library_for

GO1 = library_for("go1", None, ("found",))
WALK = (step("walk_forward", distance_m=0.3),)
JUMP = (step("jump"),)
NOD = (step("found"),)
GOOD = Drive(0, success=True, end="success", seconds=8.0, periods=400)


class Ground:
    """Flat ground that says of each goal what it is told: of its first runs, and when again."""

    def __init__(self, **told: Counts) -> None:
        self.told, self.asked = told, []  # type: ignore[var-annotated]

    def counts(
        self, plans: Mapping[str, Sequence[Step]], runs: int, *, first: int = 0
    ) -> dict[str, Counts]:
        self.asked.append((list(plans), runs, first))
        clean = Counts(runs, 0, 0, 300 * runs, 0, 0)
        name = "again" if first else "first"
        return {goal: self.told.get(f"{name}_{goal}", clean) for goal in plans}


def check(plans: dict[str, Any], driven: Driven | None = None, **told: Counts) -> Check:
    ground: Any = Ground(**told)
    return safety(plans, driven or Driven(), ground, GO1, 0.05)


def harm(
    fell: int, runs: int = RUNS, touched: int = 0, joints: int = 0, torques: int = 0
) -> Counts:
    return Counts(runs, fell, touched, 300 * runs, joints, torques)


def many(n: int = 20) -> dict[str, Any]:
    return {f"go{i}": (step("walk_forward", distance_m=1 + i / 10),) for i in range(n)}


# -- what is simulated -----------------------------------------------------------------------------


def test_what_moves_is_simulated_once_and_signals_are_not() -> None:
    plans = {"go": WALK, "go again": WALK, "go and say": (*WALK, *NOD), "hop": JUMP, "say": NOD}
    assert list(moving_plans(plans, GO1)) == ["go", "hop"]


def test_a_plan_outside_the_library_is_never_simulated() -> None:
    far = check({"go far": (step("walk_forward", distance_m=99.0),)})
    assert (far.result, far.gate) == ("fail", "block")
    assert "'go far': walk_forward: distance_m must be 0 to 20" in far.detail


def test_what_does_not_move_is_safe() -> None:
    said = check({"say": NOD})
    assert (said.result, said.n, said.value) == ("pass", 0, None)


def test_plans_that_take_too_long_together_are_left_out_and_said() -> None:
    # given plans of about 41 s each
    plans = {f"go {i}": (step("walk_forward", distance_m=20.0 - i / 100),) for i in range(20)}
    # then ten minutes of the robot's time is what is simulated
    assert len(within(plans, GO1)) == 14
    assert "; 6 more plans were not simulated" in check(plans).detail
    # and one plan is, whatever it takes
    long = {"on": (step("walk_forward", distance_m=20.0, repeat=10),) * 9}
    assert len(within(long, GO1)) == 1


# -- flat ground -----------------------------------------------------------------------------------


def test_few_plans_have_more_runs_so_that_all_together_can_show_something() -> None:
    ground: Any = Ground()
    assert safety({"go": WALK}, Driven(), ground, GO1, 0.05).result == "pass"
    assert ground.asked == [(["go"], 65, 0)]
    ground = Ground()
    safety(many(), Driven(), ground, GO1, 0.05)
    assert [(runs, first) for _, runs, first in ground.asked] == [(RUNS, 0)]


@pytest.mark.parametrize(
    ("first", "again", "result"),
    [
        (harm(0), harm(0, AGAIN), "pass"),
        (harm(1), harm(0, AGAIN), "pass"),
        (harm(1), harm(1, AGAIN), "pass"),
        (harm(1), harm(4, AGAIN), "undecided"),
        (harm(1), harm(12, AGAIN), "fail"),
        (harm(0, touched=1), harm(0, AGAIN, touched=12), "fail"),
        (harm(0, joints=300), harm(0, AGAIN), "fail"),
        (harm(0, torques=300), harm(0, AGAIN), "fail"),
    ],
)
def test_one_plan_that_harms_is_not_hidden_by_many_that_do_not(
    first: Counts, again: Counts, result: str
) -> None:
    said = check(many(), first_go7=first, again_go7=again)
    assert said.result == result
    if first.fell:
        assert f"'go7': {first.fell}, then {again.fell} of 96 more" in said.detail


def test_lying_down_may_touch_the_ground_and_the_stops() -> None:
    plans = {"rest": (step("lie_down"),)}
    told = harm(0, 65, touched=65, joints=3000)
    assert check(plans, first_rest=told).result == "pass"


def test_a_jump_lands_on_its_feet_on_any_floor_and_is_remembered(tmp_path: Path) -> None:
    pytest.importorskip("mujoco")
    flat = Flat(project_of(tmp_path, lava_hall()), folder=tmp_path / "m")
    first = flat.counts({"hop": JUMP}, 32)["hop"]
    assert (first.runs, first.fell, first.touched) == (32, 0, 0)
    (kept,) = (tmp_path / "m").glob("*.json")
    kept.write_text(kept.read_text().replace('"fell": 0', '"fell": 4'))
    assert flat.counts({"hop in other words": JUMP}, 32)["hop in other words"].fell == 4
    # other runs of it are simulated, and so is what is damaged
    assert flat.counts({"hop": JUMP}, 2, first=32)["hop"].fell == 0
    kept.write_text("{")
    assert flat.counts({"hop": JUMP}, 32)["hop"] == first


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    pytest.importorskip("mujoco")
    (tmp_path / "file").touch()
    flat = Flat(project_of(tmp_path, lava_hall()), folder=tmp_path / "file" / "below")
    assert flat.counts({"hop": JUMP}, 1)["hop"].runs == 1


# -- the mission -----------------------------------------------------------------------------------


def test_a_forbidden_zone_entered_once_is_too_often() -> None:
    caught = replace(GOOD, seed=7, forbidden=Place("across", 1, "entered 'lava'"))
    said = check({}, Driven((*[GOOD] * 64, caught)))
    assert (said.result, said.gate) == ("fail", "block")
    assert said.detail.startswith("entered 'lava' in tick 1, phase 'across' (seed 7): 1 of 65 runs")


@pytest.mark.parametrize(
    ("bad", "result"),
    [
        ([], "pass"),
        ([replace(GOOD, fell=True)], "undecided"),
        ([replace(GOOD, fell=True)] * 9, "fail"),
        ([replace(GOOD, person=Place("across", 2, "touched a person"))] * 9, "fail"),
        ([replace(GOOD, torques=400)] * 9, "fail"),
    ],
)
def test_falls_people_and_limits_each_count(bad: list[Drive], result: str) -> None:
    said = check({}, Driven((*bad, *[GOOD] * (65 - len(bad)))))
    assert (said.result, said.n) == (result, 65)


def test_a_touched_person_is_said_with_the_place() -> None:
    hurt = replace(GOOD, person=Place("across", 2, "touched a person"))
    assert (
        "1 touched a person (first in tick 2, phase 'across')"
        in check({}, Driven((hurt, *[GOOD] * 64))).detail
    )


def test_a_robot_without_a_model_is_undecided_and_says_so(tmp_path: Path) -> None:
    pytest.importorskip("mujoco")
    project = project_of(tmp_path, {**lava_hall(), "robot": "g1"})
    simulation = Simulation.open(project, project.library, LoraSettings(), None, print)
    driven = simulation.drive(Says({}))
    said = safety({"go": WALK}, driven, simulation.flat, project.library, 0.05)
    assert (said.result, said.n) == ("undecided", 0)
    assert "robot 'g1' cannot be simulated" in said.detail


def simulated(folder: Path, says: Says) -> Driven:
    project = project_of(folder, lava_hall())
    simulation = Simulation.open(project, project.library, LoraSettings(), None, lambda _: None)
    return simulation.drive(says)


def test_a_way_through_lava_is_blocked_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mujoco")
    monkeypatch.setattr(course, "MOST_WORKERS", 1)
    monkeypatch.setattr(course, "FEWEST", 2)
    monkeypatch.setattr("handlers.lora.scorecard.driven.FEWEST", 2)
    driven = simulated(tmp_path, Says({ACROSS: STRAIGHT}))
    assert driven.wins == 2  # as env.json counts, the far end was reached
    said = check({}, driven)
    assert said.result == "fail"
    assert f"entered {LAVA['name']!r} in tick 1, phase 'across'" in said.detail


def test_what_cannot_be_asked_or_is_outside_the_library_is_not_driven(tmp_path: Path) -> None:
    pytest.importorskip("mujoco")
    driven = simulated(tmp_path, Says({ACROSS: AROUND}, needs_image=True))
    assert (driven.drives, "images" in driven.missing) == ((), True)
    driven = simulated(tmp_path, Says({ACROSS: (step("walk_forward", distance_m=99.0),)}))
    assert "distance_m must be 0 to 20" in driven.missing
