"""Rules: what code writes it reads back, and a rule holds only on what is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from anyrules import RULES, UNKNOWN
from hypothesis import example, given, settings

from handlers.judge.prompt.rules.forms import FORMS, MAX_TICKS, RANGES
from handlers.judge.prompt.rules.grammar import (
    EXAMPLE,
    parse,
    parse_all,
    read,
    render,
    render_sentence,
)
from handlers.judge.prompt.rules.holding import first_match
from handlers.judge.prompt.rules.rule import Condition, Rule

FAR = {"distance_m": 0.3}
LINES = {
    "- when in enter_debris and stuck for 3 ticks: walk_backward distance_m=0.3": Rule(
        "enter_debris", (Condition("stuck", ticks=3),), "walk_backward", FAR
    ),
    "- when fallen: stand_up": Rule(None, (Condition("fallen"),), "stand_up"),
    "- when in exit: trot_forward distance_m=1": Rule(
        "exit", (), "trot_forward", {"distance_m": 1.0}
    ),
    "- when near victim: signal_victim_found": Rule(
        None, (Condition("near", "victim"),), "signal_victim_found"
    ),
    "- when in find.v-2 and seeing a.b-c for 20 ticks: turn_left rotation_rad=0.785": Rule(
        "find.v-2", (Condition("seeing", "a.b-c", ticks=20),), "turn_left", {"rotation_rad": 0.785}
    ),
    "- when always: stand": Rule(None, (), "stand"),
    "- when always for 3 ticks: stand": Rule(None, (Condition("always", ticks=3),), "stand"),
    "- when not seeing victim and blocked on the left: turn_right": Rule(
        None, (Condition("not_seeing", "victim"), Condition("blocked", side="left")), "turn_right"
    ),
    '- when in "Tür/links" and within 1.2 m of "two words" for 2 ticks: sit': Rule(
        "Tür/links", (Condition("within", "two words", 1.2, ticks=2),), "sit"
    ),
    "- when farther than 2 m from the target and after 12 ticks in phase: trot_forward": Rule(
        None, (Condition("farther", number=2), Condition("elapsed", number=12)), "trot_forward"
    ),
    "- when the target more than 20 degrees to the left: turn_left": Rule(
        None, (Condition("bearing", number=20, side="left"),), "turn_left"
    ),
    "- when seeing victim within 15.5 degrees ahead: walk_forward": Rule(
        None, (Condition("bearing", "victim", 15.5, "ahead"),), "walk_forward"
    ),
    "- when in exit and after 3 tries of walk_forward: side_step_left": Rule(
        "exit", (Condition("tried", "walk_forward", 3),), "side_step_left"
    ),
}
SENTENCES = {
    "- when in enter_debris and stuck for 3 ticks: walk_backward distance_m=0.3": (
        "- If you are in phase enter_debris and you are stuck for 3 ticks, do walk_backward with"
        " distance_m=0.3."
    ),
    "- when the target more than 20 degrees to the left and blocked ahead: turn_left speed=2": (
        "- If the target is more than 20 degrees to the left and you are blocked ahead, do"
        " turn_left with speed=2."
    ),
    "- when after 3 tries of walk_forward: sit": (
        "- If you have tried walk_forward 3 times in this phase, do sit."
    ),
    "- when always: stand": "- If at any time, do stand.",
}


@pytest.mark.parametrize(("line", "rule"), LINES.items())
def test_a_rule_is_a_line_and_a_line_is_a_rule(line: str, rule: Rule) -> None:
    assert render(rule) == line
    assert parse(line) == rule
    assert parse(f"  {line}\r\n") == rule


@pytest.mark.parametrize(("line", "sentence"), SENTENCES.items())
def test_a_rule_is_a_sentence_too(line: str, sentence: str) -> None:
    assert render_sentence(read(line)) == sentence
    assert render(read(sentence)) == line


@settings(max_examples=400, deadline=None)
@given(RULES)
@example(Rule("in", (Condition("near", "for", ticks=3),), "a.", {"distance_m": 1e-7}))
def test_every_rule_reads_back_as_itself_in_either_way(rule: Rule) -> None:
    for said in (render(rule), render_sentence(rule)):
        assert parse(said) == rule
        assert len(said.splitlines()) == 1
        assert said.isprintable()


def test_the_page_of_rules_lists_every_condition() -> None:
    page = (Path(__file__).parents[4] / "docs" / "rules.md").read_text("utf-8")
    for form in FORMS:
        assert f"`{form.line.replace('{name}', 'NAME').replace('{n}', 'N')}`" in page, form


def test_every_condition_was_tried() -> None:
    assert {form.kind for form in FORMS} == {
        "always", "stuck", "blocked", "fallen", "seeing", "not_seeing", "near", "within",
        "farther", "bearing", "elapsed", "tried",
    }  # fmt: skip
    assert {form.kind for form in FORMS if form.has_number} == {*RANGES}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "- when : stand",
        "- when stuck:stand",
        "- when stuck: ",
        "- when stuck for 0 ticks: stand",
        "- when stuck for 21 ticks: stand",
        "- when stuck for three ticks: stand",
        "- when stuck victim: stand",
        "- when near: stand",
        "- when hungry: stand",
        "- when in exit stuck: stand",
        "- when and stuck: stand",
        "- when in exit and : stand",
        "- when in two words: stand",
        "- when stuck: stand now",
        "- when stuck and blocked and fallen: stand",
        "- when within m of victim: stand",
        "- when within 1.2 of victim: stand",
        "- when within -1 m of victim: stand",
        "- when blocked on the ahead: stand",
        "- when blocked left: stand",
        "- when the target to the left: stand",
        "- when not stuck: stand",
        "- when after 3 tries: stand",
        '- when seeing "": stand',
        '- when seeing "open: stand',
        '- when seeing "a\\x": stand',
        "- If you are stuck, do stand",
        "- If you are in phase exit you are stuck, do stand.",
        "- If you are, do stand.",
        "- when stuck: walk_forward distance_m=-1",
        "- when stuck: walk_forward distance_m=1e9",
        "- when stuck: walk_forward distance_m=nan",
        "- when stuck: stand\n- when fallen: sit",
        "- when stuck: stand # and more",
        "-when stuck: stand",
        "when stuck: stand",
        "* when stuck: stand",
        "- When stuck: stand",
        "Never step onto the person.",
    ],
)
def test_what_is_no_rule_is_none(line: str) -> None:
    assert parse(line) is None


def test_rules_among_lines_are_read_in_order() -> None:
    lines = ["Be good.", *LINES, "- when hungry: eat", "End."]
    assert parse_all(lines) == list(LINES.values())


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"kind": "hungry"}, "unknown condition 'hungry'"),
        ({"kind": "near"}, "cannot have name None"),
        ({"kind": "stuck", "name": "victim"}, "cannot have name 'victim'"),
        ({"kind": "near", "name": ""}, "must not be empty"),
        ({"kind": "stuck", "number": 2.0}, "number 2.0"),
        ({"kind": "within"}, "number None"),
        ({"kind": "bearing", "number": 20.0}, "side None"),
        ({"kind": "stuck", "side": "left"}, "side 'left'"),
        ({"kind": "within", "number": -1.0}, "a number from 0 on, not -1.0"),
        ({"kind": "within", "number": float("nan")}, "a number from 0 on"),
        ({"kind": "stuck", "ticks": 0}, "1 to 20 ticks, not 0"),
        ({"kind": "stuck", "ticks": MAX_TICKS + 1}, "1 to 20 ticks, not 21"),
    ],
)
def test_a_condition_that_no_line_could_say_cannot_be_made(
    fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        Condition(**fields)


def test_a_rule_that_could_not_be_read_back_cannot_be_made() -> None:
    stuck = Condition("stuck")
    for phase, conditions, action, parameters in (
        ("", (stuck,), "sit", {}),
        (None, (stuck,), "", {}),
        (None, (stuck, Condition("blocked"), Condition("fallen")), "sit", {}),
        (None, (stuck,), "sit", {"speed": -1.0}),
        (None, (stuck,), "sit", {"speed": float("inf")}),
    ):
        with pytest.raises(ValueError, match=r"."):
            Rule(phase, conditions, action, parameters)
    with pytest.raises(ValueError, match="is no rule, such as"):
        read("- when hungry: eat")
    assert parse(EXAMPLE) is not None


def test_numbers_that_nobody_should_propose_are_named() -> None:
    assert Condition("within", number=1.2).out_of_range() == ""
    assert Condition("within", number=400).out_of_range() == (
        "'within' takes 0.01 to 100 m, not 400"
    )
    assert "whole ticks" in Condition("elapsed", number=1.5).out_of_range()
    assert Condition("stuck").out_of_range() == ""


# -- when a rule holds -----------------------------------------------------------------------------

HOLDS: list[tuple[str, dict[str, Any], bool]] = [
    ("stuck", {"motion": {"label": "stuck"}}, True),
    ("stuck", {"motion": {"label": "moving"}}, False),
    ("blocked", {"obs": {"nearest_m": 0.34}}, True),
    ("blocked", {"obs": {"nearest_m": 0.0}}, True),
    ("blocked", {"obs": {"nearest_m": 0.35}}, False),
    ("blocked", {"obs": {"nearest_m": -1}}, False),
    ("fallen", {"obs": {"roll_deg": -46, "pitch_deg": 0}}, True),
    ("fallen", {"obs": {"pitch_deg": 45.1}}, True),
    ("fallen", {"obs": {"roll_deg": 45, "pitch_deg": -45}}, False),
    ("seeing victim", {"visible_tags": {"victim": 2.9}}, True),
    ("seeing victim", {"visible_tags": {"rubble": 0.1}}, False),
    ("near victim", {"visible_tags": {"victim": 0.59}}, True),
    ("near victim", {"visible_tags": {"victim": 0.6}}, False),
    ("always", {}, True),
    ("not seeing victim", {"visible_tags": {"rubble": 1.0}}, True),
    ("not seeing victim", {"visible_tags": {"victim": 1.0}}, False),
    ("not seeing victim", {}, False),
    ("within 1.2 m of victim", {"visible_tags": {"victim": 1.2}}, True),
    ("within 1.2 m of victim", {"visible_tags": {"victim": 1.21}}, False),
    ("within 1.2 m of the target", {"target": {"distance_m": 0.0}}, True),
    ("farther than 1.2 m from victim", {"visible_tags": {"victim": 1.3}}, True),
    ("farther than 1.2 m from victim", {"visible_tags": {}}, False),
    ("farther than 1.2 m from the target", {"target": {"distance_m": 1.2}}, False),
    ("seeing victim more than 20 degrees to the left", {"tag_bearings": {"victim": 21}}, True),
    ("seeing victim more than 20 degrees to the left", {"tag_bearings": {"victim": -21}}, False),
    ("seeing victim more than 20 degrees to the right", {"tag_bearings": {"victim": -21}}, True),
    ("the target more than 20 degrees to the right", {"target": {"bearing_deg": -20}}, False),
    ("the target within 20 degrees ahead", {"target": {"bearing_deg": -20}}, True),
    ("the target within 20 degrees ahead", {"target": None}, False),
    ("blocked on the left", {"clear_m": {"left": 0.49, "right": -1}}, True),
    ("blocked on the right", {"clear_m": {"left": 0.49, "right": -1}}, False),
    ("blocked ahead", {"clear_m": {"ahead": 0.5}}, False),
    ("after 12 ticks in phase", {"phase_tick": 12}, True),
    ("after 12 ticks in phase", {"phase_tick": 11}, False),
    ("after 1 tries of sit", {"action": "sit", "phase_tick": 1}, True),
    ("after 1 tries of sit", {"action": "sit", "phase_tick": 0}, False),
    ("after 1 tries of sit", {"action": "sit"}, False),
    ("stuck and blocked", {"motion": {"label": "stuck"}, "obs": {"nearest_m": 0.1}}, True),
    ("stuck and blocked", {"motion": {"label": "stuck"}, "obs": {"nearest_m": 0.5}}, False),
]


@pytest.mark.parametrize(("said", "observation", "holds"), HOLDS)
def test_when_a_condition_holds(said: str, observation: dict[str, Any], holds: bool) -> None:
    rule = parse(f"- when {said}: sit")
    assert rule is not None
    assert (first_match([rule], observation) is rule) is holds


KNOWN = ("always", "seeing victim")
"""What holds of a tag in view whose distance is unknown, too."""


@pytest.mark.parametrize("value", UNKNOWN)
def test_what_is_unknown_does_not_hold(value: Any) -> None:
    rules = parse_all(f"- when {said}: sit" for said, _, _ in HOLDS if said not in KNOWN)
    observation = {
        "motion": {"label": value},
        "obs": {"nearest_m": value, "roll_deg": value, "pitch_deg": value},
        "visible_tags": {"victim": value},
        "tag_bearings": {"victim": value},
        "clear_m": dict.fromkeys(("left", "right", "ahead"), value),
        "target": {"distance_m": value, "bearing_deg": value},
        "phase_tick": value,
    }
    assert first_match(rules, observation) is None
    assert first_match(rules, dict.fromkeys(observation, value)) is None
    assert first_match(rules, {}) is None


def test_the_first_rule_that_holds_is_followed() -> None:
    rules = parse_all(["- when in exit: trot_forward", "- when stuck: sit", "- when always: stand"])
    stuck = {"phase": "patrol", "motion": {"label": "stuck"}}
    chosen = first_match(rules, stuck)
    assert chosen is not None
    assert chosen.action == "sit"
    assert first_match(rules, stuck | {"phase": "exit"}) == rules[0]
    assert first_match(rules, {}) == rules[2]
    assert first_match([], stuck) is None


def test_a_condition_must_have_held_for_that_many_ticks_in_a_row() -> None:
    rule = read("- when in exit and stuck for 3 ticks: sit")
    stuck = {"phase": "exit", "motion": {"label": "stuck"}}
    moving = stuck | {"motion": {"label": "moving"}}
    before = stuck | {"phase": "patrol"}
    assert first_match([rule], stuck, [stuck, stuck]) is rule
    assert first_match([rule], stuck, [moving, stuck, stuck]) is rule
    assert first_match([rule], stuck, [stuck]) is None
    assert first_match([rule], stuck, [stuck, stuck, moving]) is None
    assert first_match([rule], moving, [stuck, stuck, stuck]) is None
    assert first_match([rule], stuck, [before, stuck]) is None
    assert first_match([rule], stuck, iter([stuck, stuck])) is rule


def test_each_of_two_conditions_has_ticks_of_its_own() -> None:
    rule = read("- when stuck for 2 ticks and blocked: sit")
    stuck, near = {"motion": {"label": "stuck"}}, {"obs": {"nearest_m": 0.1}}
    assert first_match([rule], stuck | near, [stuck]) is rule
    assert first_match([rule], stuck, [stuck | near]) is None
    assert first_match([rule], stuck | near, [near]) is None


def test_tries_are_those_of_the_present_phase_in_any_order() -> None:
    rule = read("- when in exit and after 2 tries of walk: sit")
    walk = {"phase": "exit", "action": "walk"}
    before = {"phase": "patrol", "action": "walk"}
    sat = {"phase": "exit", "action": "sit", "phase_tick": 3}
    assert first_match([rule], sat, [walk, walk]) is rule
    assert first_match([rule], sat, [before, walk, walk]) is rule
    assert first_match([rule], sat | {"phase_tick": 2}, [walk, before, walk]) is None
    # then what was done in the phase before does not count in the new one
    assert first_match([rule], walk | {"phase_tick": 0}, [walk, walk]) is None
