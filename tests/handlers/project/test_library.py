"""Which actions a robot knows, and what may be said of them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from handlers.project import labrobots
from handlers.project.library import BUILT_IN, PARAMETERS, library_for
from store.errors import ProjectError

GO1 = library_for("go1", None, ["signal_found"])


def test_built_in_robots_have_the_documented_actions() -> None:
    # given the three built-in robots, when their actions are listed
    go1, go2, g1 = (library_for(robot, None) for robot in BUILT_IN)

    # then they are the documented ones, in a fixed order
    assert len(go1.names) == len(go2.names) == 21
    assert go1.names[:2] == ("stand", "stand_up")
    assert go1.names == go2.names
    assert len(g1.names) == 20
    assert "lift_left_hand" in g1
    assert "pace_forward" not in g1
    assert library_for("GO1", None).names == go1.names


@pytest.mark.parametrize(
    ("name", "kind", "main", "default"),
    [
        ("walk_forward", "gait", "distance_m", 1.0),
        ("crawl_forward", "gait", "distance_m", 0.5),
        ("climb_step", "gait", "distance_m", 0.3),
        ("side_step_left", "gait", "distance_m", 0.3),
        ("turn_left", "turn", "rotation_rad", math.pi / 2),
        ("precision_turn_right", "turn", "rotation_rad", math.pi / 2),
        ("sit", "pose", "duration_s", 0.0),
        ("jump", "pose", "duration_s", 0.0),
    ],
)
def test_an_action_says_what_a_bare_number_means(
    name: str, kind: str, main: str, default: float
) -> None:
    spec = GO1.spec(name)
    assert (spec.kind, spec.main_parameter) == (kind, main)
    assert spec.defaults[main] == default
    assert {key: spec.defaults[key] for key in ("speed", "extension", "repeat")} == {
        "speed": 1.0,
        "extension": 1.0,
        "repeat": 1,
    }


def test_signals_come_after_the_robot_s_own_actions() -> None:
    # given a library with a signal, then it is the last and takes nothing
    assert GO1.names[-1] == "signal_found"
    assert GO1.spec("signal_found").parameters == ()
    assert GO1.spec("signal_found").main_parameter is None


@pytest.mark.parametrize(
    "action",
    [
        {"action": "walk_forward"},
        {"action": "walk_forward", "distance_m": 20, "speed": 0.1, "duration_s": 60.0},
        {"action": "turn_left", "rotation_rad": 6.2832},
        {"action": "sit", "distance_m": 0.0, "rotation_rad": 0, "speed": 1.0},
        {"action": "signal_found"},
        {"action": "signal_found", "speed": 1.0, "repeat": 1},
        {"action": "jump", "repeat": 3.0, "_note": object()},
    ],
)
def test_actions_that_can_be_executed_have_no_problem(action: dict[str, object]) -> None:
    assert GO1.validate(action) == []


@pytest.mark.parametrize(
    ("action", "problem"),
    [
        ({}, "an action without a name"),
        ({"action": 3}, "an action without a name"),
        ({"action": "trn_left"}, "go1 has no action 'trn_left'; did you mean 'turn_left'?"),
        ({"action": "xyzzy"}, "go1 has no action 'xyzzy'"),
        ({"action": "sit", "distance_m": 1}, "sit: takes no distance_m"),
        ({"action": "walk_forward", "rotation_rad": 1.0}, "walk_forward: takes no rotation_rad"),
        ({"action": "signal_found", "speed": 2.0}, "signal_found: takes no speed"),
        (
            {"action": "walk_forward", "distance_m": 20.5},
            "walk_forward: distance_m must be 0 to 20, not 20.5",
        ),
        ({"action": "walk_forward", "speed": 0}, "walk_forward: speed must be 0.1 to 2.5, not 0"),
        (
            {"action": "walk_forward", "distance_m": -1},
            "walk_forward: distance_m must be 0 to 20, not -1",
        ),
        ({"action": "jump", "repeat": 1.5}, "jump: repeat must be a whole number, not 1.5"),
        ({"action": "jump", "repeat": 11}, "jump: repeat must be 1 to 10, not 11"),
        ({"action": "jump", "speed": True}, "jump: speed must be a number, not true"),
        ({"action": "jump", "speed": "1"}, "jump: speed must be a number, not '1'"),
        ({"action": "jump", "speed": None}, "jump: speed must be a number, not null"),
        (
            {"action": "jump", "speed": math.nan},
            "jump: speed must be a finite number of ordinary size",
        ),
        (
            {"action": "jump", "speed": 10**400},
            "jump: speed must be a finite number of ordinary size",
        ),
        (
            {"action": "jump", "spede": 1.0},
            "jump: unknown parameter 'spede'; did you mean 'speed'?",
        ),
    ],
)
def test_what_is_wrong_with_an_action_is_said_in_words(
    action: dict[str, object], problem: str
) -> None:
    assert GO1.validate(action) == [problem]


def test_every_problem_of_an_action_is_told() -> None:
    problems = GO1.validate({"action": "walk_forward", "speed": 9, "repeat": 0, "sped": 1})
    assert len(problems) == 3


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("Walk Forward", "walk_forward"),
        ("walk", "walk_forward"),
        ("side-step-left", "side_step_left"),
        ("truning_left", "turn_left"),
        ("", None),
        ("quantum leap", None),
    ],
)
def test_the_nearest_action_is_suggested(word: str, name: str | None) -> None:
    assert GO1.nearest(word) == name


def test_an_unknown_action_is_an_error_that_suggests_one() -> None:
    with pytest.raises(ProjectError, match="did you mean 'walk_forward'"):
        GO1.spec("wolk_forward")


def test_a_signal_with_the_name_of_an_action_is_refused() -> None:
    with pytest.raises(ProjectError, match="'sit' is already an action of go1"):
        library_for("go1", None, ["sit"])


# -- robots that are not built in ------------------------------------------------------------------


@pytest.fixture
def no_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labrobots, "DISTRIBUTION", "no-such-distribution")
    labrobots.lab_actions.cache_clear()


ROVER = {
    "robot": "rover",
    "actions": {
        "drive": {"kind": "gait", "distance_m": 2.0},
        "spin": {"kind": "turn", "rotation_rad": 1.0, "description": "on the spot"},
        "beep": {},
    },
}


def describe(project: Path, content: Any) -> None:
    (project / "actions.json").write_text(json.dumps(content))


def test_another_robot_brings_its_own_actions(tmp_path: Path) -> None:
    # given a project that describes its robot
    describe(tmp_path, ROVER)

    # when the library is asked for
    library = library_for("Rover", tmp_path, ["ping"])

    # then it has those actions with their defaults, and the signal
    assert library.names == ("drive", "spin", "beep", "ping")
    assert library.spec("drive").defaults["distance_m"] == 2.0
    assert library.spec("spin").main_parameter == "rotation_rad"
    assert library.spec("beep").kind == "pose"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "must be a JSON object"),
        ({}, "actions: must be an object of action name -> description"),
        ({"robot": "boat", "actions": {"a": {}}}, "robot: is 'boat', but env.json says 'rover'"),
        ({"actions": {"a b": {}}}, "an action's name is letters, digits and _"),
        ({"actions": {"a": 1}}, "actions.a: must be an object"),
        ({"actions": {"a": {"kind": "gate"}}}, "actions.a.kind: must be gait, turn or pose"),
        ({"actions": {"a": {"kind": "gait"}}}, "actions.a: a gait needs its default distance_m"),
        ({"actions": {"a": {"kind": "gait", "distance_m": 99}}}, "distance_m must be 0 to 20"),
        ({"actions": {"a": {"kid": "pose"}}}, "unknown key 'kid'; did you mean 'kind'"),
    ],
)
def test_a_wrong_description_is_refused_in_one_line(
    tmp_path: Path, content: Any, message: str
) -> None:
    describe(tmp_path, content)
    with pytest.raises(ProjectError) as caught:
        library_for("rover", tmp_path)
    assert message in str(caught.value)
    assert "actions.json" in str(caught.value)
    assert "\n" not in str(caught.value)
    _, _, example = (caught.value.hint or "").partition("is right: ")
    describe(tmp_path, json.loads(example))
    assert library_for("rover", tmp_path).names == ("drive", "beep"), "the example is right"


@pytest.mark.usefixtures("no_lab")
def test_a_robot_nobody_knows_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="robot 'spot': no action library") as caught:
        library_for("spot", tmp_path)
    assert "actions.json" in caught.value.hint


LAB = """
class Spec:
    def __init__(self, name, **more):
        self.name = name
        self.__dict__.update(more)

def get_library(robot):
    print("noise on stdout")
    if robot != "arm":
        raise ValueError(robot)
    roll = Spec("roll", is_gait=True, distance_m=0.4)
    return [Spec("pick"), roll, Spec("pan", rotation_rad=-1.5)]
"""


def test_an_installed_lab_is_asked_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given an installed package that knows a robot "arm"
    package = tmp_path / "cadenza"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "actions.py").write_text(LAB)
    where = f"import sys; sys.path.append({str(tmp_path)!r})\n"
    monkeypatch.setattr(labrobots, "_ASK", where + labrobots._ASK)
    monkeypatch.setattr(labrobots, "DISTRIBUTION", "pytest")
    labrobots.lab_actions.cache_clear()

    # when its library is asked for
    library = library_for("arm", None)

    # then each action has its kind and default, and a robot it does not know stays unknown
    kinds = {name: (library.spec(name).kind, library.spec(name).default) for name in library.names}
    assert kinds == {"pick": ("pose", 0.0), "roll": ("gait", 0.4), "pan": ("turn", 1.5)}
    with pytest.raises(ProjectError, match="no action library"):
        library_for("spot", None)
    labrobots.lab_actions.cache_clear()


def test_parameter_ranges_are_the_documented_ones() -> None:
    assert {p.name: (p.low, p.high) for p in PARAMETERS.values()} == {
        "speed": (0.1, 2.5),
        "extension": (0.5, 1.5),
        "repeat": (1, 10),
        "distance_m": (0.0, 20.0),
        "rotation_rad": (0.0, 2 * math.pi),
        "duration_s": (0.0, 60.0),
    }
