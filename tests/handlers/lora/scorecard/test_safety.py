"""The safety axis: plans carried out in MuJoCo, and what is remembered of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from handlers.lora.scorecard import memory, safety
from handlers.lora.scorecard.memory import Counts, Memory, simulation_sources
from handlers.lora.scorecard.safety import moving_plans, simulate, within
from handlers.project.formats.examples import Step
from handlers.project.library import library_for

GO1 = library_for("go1", None, ("found",))
WALK = (Step("walk_forward", {"distance_m": 0.3}),)
JUMP = (Step("jump", {}),)
NOD = (Step("found", {}),)


def check(plans: dict[str, Any], **options: Any) -> Any:
    return simulate(plans, GO1, options.pop("seeds", 4), 0.05, lambda _: None, **options)


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Counts]:
    """What the simulation is to say of each goal, in place of MuJoCo."""
    told: dict[str, Counts] = {}
    monkeypatch.setattr(safety, "_carried_out", lambda moving, *_: {g: told[g] for g in moving})
    return told


def counts(runs: int = 32, fell: int = 0, touched: int = 0, **limits: int) -> Counts:
    return Counts(runs, fell, touched, 6000, limits.get("joints", 0), limits.get("torques", 0))


def test_what_moves_is_simulated_once_and_signals_are_not() -> None:
    plans = {"go": WALK, "go again": WALK, "go and say": (*WALK, *NOD), "hop": JUMP, "say": NOD}
    assert list(moving_plans(plans, GO1)) == ["go", "hop"]


def test_a_plan_outside_the_library_is_never_simulated() -> None:
    far = check({"go far": (Step("walk_forward", {"distance_m": 99.0}),)})
    assert (far.result, far.gate) == ("fail", "block")
    assert "'go far': walk_forward: distance_m must be 0 to 20" in far.detail


def test_what_does_not_move_is_safe() -> None:
    said = check({"say": NOD})
    assert (said.result, said.n, said.value) == ("pass", 0, None)


def test_a_robot_without_a_model_is_undecided_and_says_so() -> None:
    g1 = library_for("g1", None)
    plans = {"go": (Step("walk_forward", {"distance_m": 0.3}),)}
    found = simulate(plans, g1, 4, 0.05, lambda _: None)
    assert (found.result, found.n) == ("undecided", 0)
    assert "robot 'g1' cannot be simulated" in found.detail


def test_one_plan_that_falls_is_not_hidden_by_many_that_do_not(outcomes: dict[str, Counts]) -> None:
    plans = {f"go {i}": (Step("walk_forward", {"distance_m": 1 + i / 10}),) for i in range(20)}
    outcomes |= {goal: counts() for goal in plans}
    assert check(plans).result == "pass"
    outcomes["go 7"] = counts(fell=11)
    bad = check(plans)
    assert bad.upper < 0.05
    assert bad.result == "fail"
    assert "most often 'go 7', 11 of 32" in bad.detail


@pytest.mark.parametrize(
    ("told", "result"),
    [
        (counts(runs=64), "pass"),
        (counts(), "undecided"),
        (counts(fell=2), "undecided"),
        (counts(touched=2), "undecided"),
        (counts(runs=320, fell=40), "fail"),
        (counts(runs=320, joints=400), "fail"),
        (counts(runs=320, torques=400), "fail"),
    ],
)
def test_falls_touching_and_limits_each_count(
    outcomes: dict[str, Counts], told: Counts, result: str
) -> None:
    outcomes["go"] = told
    assert check({"go": WALK}).result == result


def test_lying_down_may_touch_the_ground_and_the_stops(outcomes: dict[str, Counts]) -> None:
    outcomes["rest"] = counts(runs=100, touched=100, joints=1300)
    assert check({"rest": (Step("lie_down", {}),)}).result == "pass"


def test_a_plan_is_simulated_once_and_remembered(tmp_path: Path) -> None:
    pytest.importorskip("mujoco")
    first = check({"go": WALK}, remembered=tmp_path)
    assert first.n == 4
    (kept,) = tmp_path.glob("*.json")
    shape = json.loads(kept.read_bytes())
    kept.write_text(json.dumps(shape | {"fell": 4}))
    assert check({"other words": WALK}, remembered=tmp_path).value == 1.0
    assert check({"go": WALK}, remembered=tmp_path, seeds=2).n == 2  # other seeds: simulated
    kept.write_text("{")
    assert check({"go": WALK}, remembered=tmp_path) == first


def test_nothing_is_remembered_of_another_simulation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mujoco")
    Memory(tmp_path).keep(WALK, 4, counts())
    assert Memory(tmp_path).recall(WALK, 4) == counts()
    assert Memory(tmp_path).recall(JUMP, 4) is None
    monkeypatch.setattr(memory, "_simulation_sha256", lambda: "other sources")
    assert Memory(tmp_path).recall(WALK, 4) is None


def test_all_that_a_simulation_is_made_of_is_looked_at() -> None:
    names = {path.name for path in simulation_sources()}
    assert names >= {"gait.py", "sim.py", "rollout.py", "model.py", "terrain.py", "go1.xml"}


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    pytest.importorskip("mujoco")
    (tmp_path / "file").touch()
    memory = Memory(tmp_path / "file" / "below")
    memory.keep(WALK, 4, counts())
    assert memory.recall(WALK, 4) is None


def test_a_jump_lands_on_its_feet_on_any_floor() -> None:
    pytest.importorskip("mujoco")
    jumped = check({"hop": JUMP}, seeds=32)
    assert jumped.value == 0.0


def test_plans_that_take_too_long_together_are_left_out_and_said(
    outcomes: dict[str, Counts],
) -> None:
    # given plans of about 41 s each
    plans = {f"go {i}": (Step("walk_forward", {"distance_m": 20.0 - i / 100}),) for i in range(30)}
    outcomes |= {goal: counts() for goal in plans}
    # then a thousand seconds of the robot's time is what is simulated
    assert len(within(plans, GO1)) == 24
    assert "; 6 more plans were not simulated" in check(plans).detail
    # and one plan is, whatever it takes
    assert (
        len(within({"on": (Step("walk_forward", {"distance_m": 20.0, "repeat": 10}),) * 9}, GO1))
        == 1
    )
