"""The canonical action, motion labels, the cone of view, rewards: from states made by hand."""

from collections.abc import Callable
from math import pi

import pytest

from handlers.mission.episode.conditions import TickState
from handlers.mission.episode.judgment import Canonical, Situation, canonical, judge
from handlers.mission.episode.motion import Mark, Motion
from handlers.mission.episode.rewards import TickFacts, reward_of
from handlers.mission.locomotion.skill import Call
from handlers.project.library import library_for
from handlers.project.spec import ProjectSpec, Reward

LIBRARY = library_for("go1", None)
STANDING = {"height": 0.28, "roll": 0.0, "pitch": 0.0, "feet_grounded": 4}


@pytest.mark.parametrize(
    ("situation", "action"),
    [
        ({"height": 0.09}, "stand_up"),
        ({"roll": 1.9}, "stand_up"),
        ({"signal": "beep", "signal_clear": True}, "beep"),
        ({"signal": "beep"}, "turn_left"),
        ({"scans": True}, "turn_left"),
        ({"scans": True, "seen": True}, "stand"),
        ({"off_axis": 1.0, "target_m": 2.0}, "turn_left"),
        ({"off_axis": -1.0, "target_m": 2.0}, "turn_right"),
        ({"off_axis": 0.0, "target_m": 2.0}, "walk_forward"),
        ({"off_axis": 0.0, "target_m": 2.0, "step_m": 0.06}, "crawl_forward"),
        ({"off_axis": 0.1, "target_m": 2.0, "step_m": 0.15}, "turn_right"),
        ({"off_axis": 0.0, "target_m": 0.0}, "stand"),
        ({"instructed": Call("jump")}, "jump"),
    ],
)
def test_the_canonical_action_of_a_situation(situation: dict[str, object], action: str) -> None:
    assert canonical(Situation(**{**STANDING, **situation})).call.action == action  # type: ignore[arg-type]


def _judged(done: Call, wanted: Call) -> tuple[bool, bool, float]:
    judgment = judge(done, Canonical(wanted, 0.8, "because"), LIBRARY, None)
    return judgment["match"], judgment["family_match"], judgment["severity"]


def test_severity_grows_with_the_distance_from_the_canonical_action() -> None:
    walk = Call("walk_forward", distance_m=1.0)
    same = _judged(walk, walk)
    sister = _judged(Call("trot_forward", distance_m=1.0), walk)
    far = _judged(Call("walk_forward", distance_m=4.0), walk)
    careful = _judged(Call("crawl_forward", distance_m=1.0), walk)
    wrong = _judged(Call("sit"), walk)
    dangerous = _judged(walk, Call("stand_up"))
    assert same == (True, True, 0.0)
    assert sister[:2] == (True, True)
    assert far[:2] == (False, True)
    assert not wrong[1]
    assert same[2] < sister[2] < far[2] < careful[2] < wrong[2] < dangerous[2] == 1.0


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
