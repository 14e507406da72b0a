"""The judgment of an action; motion labels and rewards, from states made by hand."""

from collections.abc import Callable
from math import pi
from typing import Any

import pytest

pytest.importorskip("mujoco")

from handlers.mission.episode.conditions import TickState
from handlers.mission.episode.environment import Mission
from handlers.mission.episode.motion import Mark, Motion
from handlers.mission.episode.rewards import TickFacts, reward_of
from handlers.mission.episode.sim import CALM
from handlers.mission.locomotion.skill import Call
from handlers.mission.world.model import compile_scene
from handlers.project.library import library_for
from handlers.project.spec import ProjectSpec, Reward

GOAL = {
    "objects": [
        {"type": "box", "tag": "wall", "position": [-1.0, 0.9, 0.2], "size": [0.1, 0.9, 0.2]},
        {"type": "box", "tag": "step", "position": [1.0, 0.0, 0.03], "size": [0.2, 1.5, 0.03]},
    ],
    "zones": [
        {"name": "ahead", "aabb": [[-3.0, -1.6, 0.0], [-2.0, -0.8, 1.0]]},
        {"name": "lava", "aabb": [[-0.5, -2.0, 0.0], [0.5, -1.0, 1.0]]},
    ],
}  # fmt: skip


@pytest.fixture
def judged(make_spec: Callable[..., ProjectSpec]) -> Callable[..., dict[str, Any]]:
    """`judged(call, phase)`: the judgment of a run's first action; the target is left of ahead."""

    def judge(call: Call, **phase: object) -> dict[str, Any]:
        wanted = {"success_when": {"enter_zone": "ahead"}, "fail_when": {"enter_zone": "lava"}}
        spec = make_spec(
            scene=GOAL,
            phases=[{"name": "go", "goal_prompt": "", **wanted, **phase}],
            control_panel={"actions": {"beep": "BEEP"}, "requires_visible_tag": "wall"},
            vision={"fov_deg": 40, "max_distance_m": 3.0},
        )
        library = library_for(spec.robot, None, spec.signals)
        scene = compile_scene(spec.scene.objects)
        mission = Mission(spec, library, scene, seed=0, policy="x", variation=CALM)
        mission.reset()
        mission.judge.advise(mission.view())
        return mission.judge.judgment(call, None)

    return judge


@pytest.mark.parametrize(
    ("call", "match", "low", "high"),
    [
        (Call("turn_left", rotation_rad=0.5), True, 0.0, 0.0),
        (Call("precision_turn_left", rotation_rad=0.5), True, 0.0, 0.0),
        (Call("walk_forward", distance_m=0.4), True, 0.0, 0.25),
        (Call("turn_right", rotation_rad=0.5), False, 0.9, 1.0),
        (Call("turn_left", rotation_rad=2.0), False, 0.5, 0.9),
        (Call("walk_backward", distance_m=0.7), False, 0.7, 1.0),
        (Call("walk_backward", distance_m=0.02), True, 0.0, 0.25),
        (Call("stand"), False, 0.5, 0.5),
        (Call("sit"), False, 0.6, 0.6),
        (Call("side_step_right", distance_m=0.5), False, 0.7, 1.0),
        (Call("side_step_left", distance_m=2.0), False, 1.0, 1.0),
        (Call("walk_forward", distance_m=2.0), False, 0.8, 0.8),
        (Call("beep"), False, 0.8, 0.8),
    ],
    ids=lambda value: value.action if isinstance(value, Call) else "",
)
def test_an_action_is_judged_by_the_way_and_the_heading_it_loses(
    judged: Callable[..., dict[str, Any]], call: Call, match: bool, low: float, high: float
) -> None:
    judgment = judged(call)
    assert judgment["canonical_action"] == "turn_left"
    assert judgment["remaining_m"] > 2.0
    assert (judgment["match"], low <= judgment["severity"] <= high) == (match, True), judgment


def test_where_it_has_to_be_crawled_walking_is_a_risk(
    judged: Callable[..., dict[str, Any]],
) -> None:
    behind = {"success_when": {"near_object": {"tag": "step", "max_distance_m": 0.3}}}
    assert judged(Call("walk_backward", distance_m=1.0), **behind)["severity"] == 0.4


def test_what_was_lost_is_said_in_metres_and_radians(
    judged: Callable[..., dict[str, Any]],
) -> None:
    back = judged(Call("walk_backward", distance_m=0.4))
    assert back["progress_lost_m"] == pytest.approx(0.75, abs=0.1)  # 0.4 for nothing, and back
    away = judged(Call("turn_right", rotation_rad=0.5))
    assert away["heading_lost_rad"] == pytest.approx(1.0, abs=0.01)
    assert "1.00 rad" in away["rationale"]


@pytest.mark.parametrize(
    ("wanted", "call", "severity"),
    [
        ({"see_object": {"tag": "step"}}, Call("turn_right", rotation_rad=0.5), 0.0),
        ({"see_object": {"tag": "step"}}, Call("turn_left", rotation_rad=3.0), 0.4),
        ({"see_object": {"tag": "step"}}, Call("stand"), 0.5),
        ({"signal_emitted": "beep"}, Call("beep"), 0.8),
        ({}, Call("jump"), 0.0),
        ({}, Call("walk_forward"), 0.7),
    ],
)
def test_without_a_place_to_go_to_the_kind_of_action_counts(
    judged: Callable[..., dict[str, Any]],
    wanted: dict[str, Any],
    call: Call,
    severity: float,
) -> None:
    judgment = judged(call, success_when=wanted or {"elapsed_ticks": 3}, goal_prompt="jump")
    assert judgment["severity"] == severity, judgment
    assert judgment["progress_lost_m"] is None


def _motion(*places: tuple[float, float, float]) -> Motion:
    motion = Motion(Mark(0.0, (0.0, 0.0, 0.28), pi))
    for second, (x, y, yaw) in enumerate(places, 1):
        motion.add(Mark(float(second), (x, y, 0.28), pi + yaw))
    return motion


@pytest.mark.parametrize(
    ("places", "goal", "label"),
    [
        ([(0.01, 0.0, 0.0)], None, "stuck"),
        ([(0.01, 0.0, 0.5)], None, "navigating"),
        ([(-0.5, 0.0, 0.0)], None, "moving"),
        ([(-0.5, 0.0, 0.0), (-0.5, 0.5, 0.0)], None, "navigating"),
        ([(-0.5, 0.0, 0.0)], (-0.8, 0.0, 0.5), "reaching_goal"),
        ([(-0.5, 0.0, 0.0)], (-5.0, 0.0, 0.5), "moving"),
    ],
)
def test_motion_labels(
    places: list[tuple[float, float, float]], goal: tuple[float, float, float] | None, label: str
) -> None:
    assert _motion(*places).describe(goal)["label"] == label


def test_motion_is_measured_in_metres_and_seconds() -> None:
    found = _motion((-0.3, 0.0, 0.0), (-0.3, 0.4, 0.0)).describe((-0.3, 0.4, 0.28))
    assert found["displacement_m"] == pytest.approx(0.5)
    assert found["path_length_m"] == pytest.approx(0.7)
    assert found["speed_ms"] == pytest.approx(0.25)
    assert found["direction_changes"] == 1
    assert found["distance_to_goal_m"] == pytest.approx(0.0)


def _reward(spec: ProjectSpec, terms: Reward, **changes: object) -> float:
    before = TickState(0.0, 0.0, 0.28, False, {})
    after = TickState(-0.5, 0.0, 0.28, bool(changes.pop("flipped", False)), {})
    judgment = {"canonical_confidence": 0.8, "match": True, "severity": 0.0}
    facts = {"before": before, "after": after, "scraped": False, "done": False, "failed": False,
             "judgment": judgment, "signal_event": "none", **changes}  # fmt: skip
    return reward_of(spec, terms, TickFacts(**facts))  # type: ignore[arg-type]


def test_each_reward_term_counts_what_it_says(make_spec: Callable[..., ProjectSpec]) -> None:
    scene = {
        "objects": [{"type": "marker", "tag": "v", "position": [-1.0, 0.0, 0.0]}],
        "zones": [{"name": "z", "aabb": [[-3.0, -1.0, 0.0], [-1.0, 1.0, 1.0]]}],
    }
    phase = {"name": "p", "success_when": {"elapsed_ticks": 1}}
    spec = make_spec(scene=scene, phases=[phase])
    quiet = {"phase_success_bonus": 0.0, "phase_failure_penalty": 0.0}

    def worth(term: str, value: object, **changes: object) -> float:
        return _reward(spec, Reward.model_validate({**quiet, term: value}), **changes)

    assert worth("step_cost", -0.1) == pytest.approx(-0.1)
    assert worth("forward_distance_gain", 0.2) == pytest.approx(0.1)
    assert worth("distance_to_zone", {"zone": "z", "weight": 2.0}) == pytest.approx(1.0)
    assert worth("distance_to_tag", {"tag": "v", "weight": 4.0}) == pytest.approx(2.0)
    assert worth("contact_with_rubble_penalty", -0.3) == 0.0
    assert worth("contact_with_rubble_penalty", -0.3, scraped=True) == pytest.approx(-0.3)
    assert worth("fall_penalty", -2.0, flipped=True) == pytest.approx(-2.0)
    assert worth("phase_success_bonus", 3.0, done=True) == pytest.approx(3.0)
    assert worth("phase_failure_penalty", -3.0, failed=True) == pytest.approx(-3.0)
    assert worth("action_match_bonus", 0.5) == pytest.approx(0.5)
    wrong = {"canonical_confidence": 0.8, "match": False, "severity": 0.4}
    assert worth("action_mismatch_penalty", -1.0, judgment=wrong) == pytest.approx(-0.4)
    unsure = {**wrong, "canonical_confidence": 0.3}
    assert worth("action_mismatch_penalty", -1.0, judgment=unsure) == 0.0
    for event in ("correct", "false_positive", "missed"):
        term = {"correct": "signal_correct_bonus", "missed": "signal_miss_penalty"}.get(
            event, "signal_false_positive_penalty"
        )
        assert worth(term, 1.5, signal_event=event) == pytest.approx(1.5)
        assert worth(term, 1.5) == 0.0
