"""env.json: what is accepted, what is refused, and in which words."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.project.scene import Box, Slope, Sphere
from handlers.project.spec import DEFAULT_PROMPT_TEMPLATE, ProjectSpec, load_spec, parse_spec
from store.errors import ProjectNotFound, SpecError

MISSION: dict[str, Any] = {
    "name": "hall",
    "scene": {
        "objects": [
            {"type": "box", "tag": "rubble", "position": [-1, 0, 0.1], "size": [0.2, 0.2, 0.1]},
            {"type": "sphere", "tag": "survivor", "position": [-2, 1, 0.2], "radius": 0.15},
        ],
        "zones": [{"name": "door", "aabb": [[-1, -1, 0], [0, 1, 1]]}],
    },
    "phases": [
        {"name": "go", "success_when": {"enter_zone": "door"}, "fail_when": {"flipped": True}},
        {"name": "tell", "success_when": {"signal_emitted": "found"}},
    ],
    "control_panel": {"actions": {"found": "Found!"}, "requires_visible_tag": "survivor"},
}


def mission(**changes: Any) -> dict[str, Any]:
    """The mission with values set at dotted places: phases__0__max_ticks=5."""
    result = copy.deepcopy(MISSION)
    for place, value in changes.items():
        *way, last = (int(part) if part.isdigit() else part for part in place.split("__"))
        node: Any = result
        for part in way:
            node = node.setdefault(part, {}) if isinstance(node, dict) else node[part]
        node[last] = value
    return result


def parse(content: Any) -> ProjectSpec:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return parse_spec(data, "env.json")


def refusal(content: Any) -> str:
    with pytest.raises(SpecError) as caught:
        parse(content)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("env.json: ")
    return message.removeprefix("env.json: ")


def test_a_mission_reads_back_typed() -> None:
    # given a mission with the defaults left out
    # when it is read
    spec = parse(MISSION)

    # then everything has its type and its stated default
    assert (spec.robot, spec.spawn, spec.description) == ("go1", (0.0, 0.0, 0.0), "")
    assert spec.phases[0].max_ticks == 40
    assert spec.phases[0].success_when.enter_zone == "door"
    assert spec.phases[0].fail_when.flipped is True
    assert spec.phases[1].success_when.signal_emitted == "found"
    assert (spec.vision.fov_deg, spec.vision.max_distance_m) == (70, 3.5)
    assert spec.vla_finetune.include_failures is True
    assert spec.vla_finetune.include_rationale is True
    assert spec.vla_finetune.min_reward is None
    assert spec.vla_finetune.template == DEFAULT_PROMPT_TEMPLATE
    assert spec.signals == ("found",)
    assert isinstance(spec.scene.objects[0], Box)
    assert isinstance(spec.scene.objects[1], Sphere)
    assert spec.warnings == ()


def test_reward_terms_and_predicates_have_their_stated_defaults() -> None:
    # given a phase that asks for each structured predicate and reward term with only its target
    spec = parse(
        mission(
            phases__0__success_when={"near_object": {"tag": "rubble"}},
            phases__0__fail_when={"see_object": {"tag": "survivor"}},
            phases__0__reward={"distance_to_tag": {"tag": "rubble", "weight": 2}},
        )
    )

    # when the rest is looked up
    near, reward = spec.phases[0].success_when.near_object, spec.phases[0].reward
    see = spec.phases[0].fail_when.see_object

    # then it is what the format says
    assert near is not None
    assert see is not None
    assert (near.max_distance_m, near.for_ticks, see.for_ticks) == (0.6, 1, 1)
    assert reward.distance_to_tag is not None
    assert reward.distance_to_tag.weight == 2.0
    assert (reward.phase_success_bonus, reward.phase_failure_penalty) == (1.0, -2.0)
    assert (reward.min_judge_confidence, reward.step_cost, reward.fall_penalty) == (0.5, 0, 0)


def test_the_default_template_is_the_format_s_own() -> None:
    assert DEFAULT_PROMPT_TEMPLATE.encode() == (
        b"[MISSION: {mission_name}] [PHASE {phase_idx}/{n_phases}: {phase_name}]\n"
        b"[GOAL: {goal_prompt}]\n"
        b"[OBS] body_height={body_height:.2f}m roll={roll_deg:+.0f}\xc2\xb0 "
        b"pitch={pitch_deg:+.0f}\xc2\xb0 feet_grounded={feet_grounded} "
        b"nearest_obstacle={nearest_m:.2f}m pos=({pos_x:+.2f},{pos_y:+.2f})\n"
        b"[ACTION]"
    )


def test_comments_a_bom_whole_numbers_and_null_are_fine() -> None:
    # given what people and their editors write
    content = mission(
        _note="top",
        scene___axes="x",
        phases__0__reward={"_why": float("nan"), "step_cost": 0},
        phases__0__max_ticks=12.0,
        vision=None,
    )

    # when it is read
    spec = parse(b"\xef\xbb\xbf" + json.dumps(content).encode())

    # then none of it is remarked on
    assert spec.warnings == ()
    assert spec.phases[0].max_ticks == 12


def test_unknown_keys_are_warnings_that_suggest_the_known_one() -> None:
    # given a misspelt key, a strange one and one given twice
    content = mission(phases__0__max_tick=9, scene__zones__0__colour="red", frobnicate=1)
    text = json.dumps(content).replace('"name": "hall"', '"name": "x", "name": "hall"')

    # when it is read
    spec = parse(text.encode())

    # then each is named with its place
    assert spec.name == "hall"
    assert set(spec.warnings) == {
        "key 'name' is given twice in one object; the last one counts",
        "unknown key 'frobnicate' is ignored",
        "phases[0] 'go': unknown key 'max_tick' is ignored; did you mean 'max_ticks'?",
        "scene.zones[0] 'door': unknown key 'colour' is ignored",
    }


def test_a_phase_that_cannot_succeed_is_a_warning() -> None:
    # given one phase that waits for nothing and one that waits for a signal nobody can send
    content = mission(phases__0__success_when={}, phases__1__success_when={"signal_emitted": True})
    content["control_panel"] = {}

    # when it is read, then both are pointed out
    assert parse(content).warnings == (
        "phases[0] 'go': no success_when, so the phase can only run out of ticks",
        "phases[1] 'tell': waits for a signal, but control_panel.actions has none",
    )


ZONE, SIZE = "scene__zones__0__aabb", "scene__objects__0__size"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"phases__0__success_when": {"enter_zone": "dor"}},
            "phases[0] 'go': success_when.enter_zone: no zone 'dor' (zones: door); "
            "did you mean 'door'?",
        ),
        (
            {"phases__0__fail_when": {"exit_zone": "attic"}},
            "phases[0] 'go': fail_when.exit_zone: no zone 'attic' (zones: door)",
        ),
        (
            {"phases__0__success_when": {"near_object": {"tag": "cat"}}},
            "phases[0] 'go': success_when.near_object.tag: no tag 'cat' (tags: rubble, survivor)",
        ),
        (
            {"phases__1__success_when": {"signal_emitted": "fund"}},
            "phases[1] 'tell': success_when.signal_emitted: no signal 'fund' (signals: found); "
            "did you mean 'found'?",
        ),
        (
            {"phases__0__reward": {"distance_to_zone": {"zone": "x", "weight": 1}}},
            "phases[0] 'go': reward.distance_to_zone.zone: no zone 'x' (zones: door)",
        ),
        (
            {"phases__0__reward": {"distance_to_tag": {"tag": "rubbel"}}},
            "phases[0] 'go': reward.distance_to_tag.tag: no tag 'rubbel' "
            "(tags: rubble, survivor); did you mean 'rubble'?",
        ),
        (
            {"phases__1__fail_when": {"see_object": {"tag": "x"}}},
            "phases[1] 'tell': fail_when.see_object.tag: no tag 'x' (tags: rubble, survivor)",
        ),
        (
            {"control_panel__requires_visible_tag": "dog"},
            "control_panel.requires_visible_tag: no tag 'dog' (tags: rubble, survivor)",
        ),
        (
            {"phases__0__success_when": {"enter_zon": "door"}},
            "phases[0] 'go': success_when: unknown predicate 'enter_zon'; "
            "did you mean 'enter_zone'?",
        ),
        (
            {"phases__0__reward": {"fall_penalti": -1}},
            "phases[0] 'go': reward: unknown reward term 'fall_penalti'; "
            "did you mean 'fall_penalty'?",
        ),
        ({"phases": []}, "phases: must have at least 1 entry"),
        ({"phases": {}}, "phases: must be a list [ ... ], not an object"),
        ({"phases__1__name": "go"}, "phases[1] 'go': the phase name is already taken"),
        ({"phases__1": 7}, "phases[1]: must be an object { ... }, not 7"),
        (
            {ZONE: [[1, 0, 0], [0, 1, 1]]},
            "scene.zones[0] 'door': aabb: min x 1 is greater than max x 0",
        ),
        (
            {ZONE: [[0, 0], [1, 1]]},
            "scene.zones[0] 'door': aabb[0]: must be three numbers [x, y, z]",
        ),
        (
            {ZONE: [[0, 0, 0]]},
            "scene.zones[0] 'door': aabb: must be two corners [[min x, y, z], [max x, y, z]]",
        ),
        ({SIZE: [1, "2", 3]}, "scene.objects[0] 'rubble': size[1]: must be a number, not '2'"),
        ({SIZE: [1, True, 3]}, "scene.objects[0] 'rubble': size[1]: must be a number, not true"),
        ({SIZE: None}, "scene.objects[0] 'rubble': size: is missing"),
        ({SIZE: [0, 1, 1]}, "scene.objects[0] 'rubble': size[0]: must be greater than 0, not 0"),
        (
            {"scene__objects__0__rgba": [1, 1, 1]},
            "scene.objects[0] 'rubble': rgba: must be four numbers [red, green, blue, alpha] "
            "from 0 to 1",
        ),
        (
            {"scene__objects__0__type": "bx"},
            "scene.objects[0] 'rubble': unknown type 'bx' (types: box, marker, sphere, slope); "
            "did you mean 'box'?",
        ),
        (
            {"scene__objects__0__type": None},
            "scene.objects[0] 'rubble': type: is missing (types: box, marker, sphere, slope)",
        ),
        (
            {"phases__0__max_ticks": "5"},
            "phases[0] 'go': max_ticks: must be a whole number, not '5'",
        ),
        (
            {"phases__0__max_ticks": 5.5},
            "phases[0] 'go': max_ticks: must be a whole number, not 5.5",
        ),
        (
            {"phases__0__max_ticks": 0},
            "phases[0] 'go': max_ticks: must be greater than or equal to 1, not 0",
        ),
        (
            {"phases__1__success_when": {"signal_emitted": 3}},
            "phases[1] 'tell': success_when.signal_emitted: must be true, false or the name of a "
            "signal",
        ),
        (
            {"phases__0__reward": {"step_cost": float("nan")}},
            "phases[0] 'go': reward.step_cost: must be a finite number, not nan",
        ),
        ({"spawn": [0, 0, float("-inf")]}, "spawn[2]: must be a finite number, not -inf"),
        ({"phases__0__max_ticks": 10**400}, "phases[0] 'go': max_ticks: the number is too large"),
        ({"name": None}, "name: is missing"),
        ({"name": 3}, "name: must be text, not 3"),
        ({"description": "\ud800"}, "description: holds half a character (a lone surrogate)"),
    ],
)
def test_a_wrong_mission_is_refused_in_one_line(changes: dict[str, Any], message: str) -> None:
    # given a mission with one thing wrong, when it is read, then the line says what and where
    assert refusal(mission(**changes)) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty; expected a JSON object { ... }"),
        (b"[1]", "must be a JSON object { ... }, not a list"),
        (b"null", "must be a JSON object { ... }, not null"),
        (b'{"name": "x",\n "phases" []}', "line 2 column 11: a key is followed by a colon"),
        (b'{"name":\n "\xff"}', "line 2: not UTF-8 text; save it as UTF-8"),
        (
            b'// hall\n{"name": "x"}',
            "line 1 column 1: JSON has no comments; a key that starts with _",
        ),
        (b'{"name": "x",\n}', "line 2 column 1: a comma too many before this }"),
        (b'{"spawn": [0, 0, 0,]}', "column 20: a comma too many before this ]"),
        (b"{'name': 'x'}", "column 2: keys and texts stand in plain double quotes"),
        (b'{name: "x"}', 'column 2: a key stands in double quotes: "name"'),
        (b'{"include_failures": True}', "column 22: True is spelled true in JSON"),
        (b'{"spawn": [0, .5, 0]}', "column 15: a number is written like 1.5"),
        (b'{"max_ticks": 1,5}', "column 17: a number is written like 1.5"),
        (b'{"name": x}', "column 10: a value is expected here"),
        (b'{"a": 1 "b": 2}', "column 9: a comma is missing before this"),
        (b'{"a": 1} {"b": 2}', "column 10: more follows where the object has ended"),
        (b'{"spawn": [0, 0, 1e999]}', "spawn[2]: must be a finite number, not inf"),
        (b'{"name": ' + b"9" * 5000 + b"}", "holds a number with thousands of digits"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "nested more than 64 levels deep"),
        (b"[" * 100_000, "nested more than 64 levels deep"),
    ],
)
def test_what_is_no_json_object_is_refused_in_one_line(data: bytes, message: str) -> None:
    assert message in refusal(data)
    assert "\n" not in refusal(data)


def test_slopes_zones_and_tags_can_be_looked_up() -> None:
    # given a scene with a slope
    shape = {"near_x": -0.6, "hx": 0.8, "hy": 0.8, "hz": 0.05, "angle_deg": 12}
    content = mission()
    content["scene"]["objects"].append({"type": "slope", "tag": "ramp", "slope": shape})

    # when it is read
    scene = parse(content).scene

    # then its parts are found by name
    (ramp,) = scene.tagged("ramp")
    assert isinstance(ramp, Slope)
    assert (ramp.slope.near_y, ramp.slope.angle_deg) == (0.0, 12.0)
    door = scene.zone("door")
    assert door.centre == (-0.5, 0.0, 0.5)
    assert door.contains((-1.0, 1.0, 0.0))
    assert not door.contains((-1.0, 1.0, 1.1))


def test_a_project_folder_or_its_file_can_be_loaded(tmp_path: Path) -> None:
    # given a project folder
    (tmp_path / "env.json").write_text(json.dumps(MISSION))

    # when it is loaded by folder and by file, then both give the mission
    assert load_spec(tmp_path) == load_spec(tmp_path / "env.json")

    # and a folder without one is no project
    (tmp_path / "empty").mkdir()
    with pytest.raises(ProjectNotFound, match=r"env\.json: no such file"):
        load_spec(tmp_path / "empty")


def test_recorded_missions_load_without_a_warning(recorded: Path) -> None:
    # given every recorded mission, when it is loaded, then there is nothing to remark
    paths = sorted(recorded.glob("missions/*/env.json"))
    assert paths
    assert {path.parent.name: load_spec(path).warnings for path in paths} == {
        path.parent.name: () for path in paths
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
PLACES = (
    *("name", "spawn", "scene", "phases", "vision", "control_panel", "vla_finetune"),
    *("scene__objects", "scene__objects__0", "scene__objects__0__type", "scene__zones"),
    *("scene__zones__0", "scene__zones__0__aabb", "phases__0", "phases__0__reward"),
    *("phases__0__success_when", "phases__0__max_ticks", "control_panel__actions"),
)


@given(place=st.sampled_from(PLACES), value=JSON)
def test_no_value_anywhere_makes_it_fail_otherwise(place: str, value: Any) -> None:
    # given any JSON value at any place, when it is read, then it is a mission or a SpecError
    try:
        parse(mission(**{place: value}))
    except SpecError as error:
        lines = str(error).splitlines()
    else:
        lines = ["fine"]
    assert len(lines) == 1
