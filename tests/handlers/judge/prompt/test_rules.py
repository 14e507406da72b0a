"""Rules: what code writes it reads back, and a rule holds only on what is known."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest

from handlers.judge.prompt.rules import (
    CONDITIONS,
    MAX_TICKS,
    TAGGED,
    Rule,
    first_match,
    parse,
    parse_all,
    render,
)

LINES = {
    "- when in enter_debris and stuck for 3 ticks: walk_backward distance_m=0.3": Rule(
        "enter_debris", "stuck", 3, "walk_backward", parameters={"distance_m": 0.3}
    ),
    "- when fallen: stand_up": Rule(None, "fallen", 1, "stand_up"),
    "- when in exit: trot_forward distance_m=1": Rule(
        "exit", "always", 1, "trot_forward", parameters={"distance_m": 1.0}
    ),
    "- when near victim: signal_victim_found": Rule(
        None, "near", 1, "signal_victim_found", tag="victim"
    ),
    "- when in find.v-2 and seeing a.b-c for 20 ticks: turn_left rotation_rad=0.785": Rule(
        "find.v-2", "seeing", 20, "turn_left", tag="a.b-c", parameters={"rotation_rad": 0.785}
    ),
    "- when always: stand": Rule(None, "always", 1, "stand"),
}


@pytest.mark.parametrize(("line", "rule"), LINES.items())
def test_a_rule_is_a_line_and_a_line_is_a_rule(line: str, rule: Rule) -> None:
    assert render(rule) == line
    assert parse(line) == rule
    assert parse(f"  {line}\r\n") == rule


def test_every_rule_reads_back_as_itself() -> None:
    # given rules with names that look like parts of the grammar
    draw = Random(1)
    names = ["for", "and", "in", "near", "always", "3", "ticks", "_", "a-b", "x.y", "when"]
    tried = 0
    for condition, phase, ticks in product(CONDITIONS, [None, *names], (1, 2, MAX_TICKS)):
        tag = draw.choice(names) if condition in TAGGED else None
        if condition == "always" and phase is not None:
            ticks = 1
        metres = draw.choice((0.001, 0.3, 1.0, 12.345, 20.0))
        rule = Rule(phase, condition, ticks, "walk_forward", tag, {"distance_m": metres})
        tried += 1
        assert parse(render(rule)) == rule
    assert tried == len(CONDITIONS) * (len(names) + 1) * 3


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
        ({"phase": "two words"}, "cannot stand in a rule"),
        ({"phase": "a\nb"}, "cannot stand in a rule"),
        ({"phase": "a: sit"}, "cannot stand in a rule"),
        ({"phase": ""}, "cannot stand in a rule"),
        ({"phase": "-x"}, "cannot stand in a rule"),
        ({"phase": "exit\n"}, "cannot stand in a rule"),
        ({"condition": "near", "tag": 'victim"""'}, "cannot stand in a rule"),
        ({"condition": "near", "tag": "café"}, "cannot stand in a rule"),
        ({"condition": "hungry"}, "unknown condition 'hungry'"),
        ({"condition": "near"}, "do not go together"),
        ({"tag": "victim"}, "do not go together"),
        ({"min_ticks": 0}, "min_ticks must be 1 to 20, not 0"),
        ({"min_ticks": MAX_TICKS + 1}, "min_ticks must be 1 to 20, not 21"),
    ],
)
def test_a_rule_that_could_not_be_read_back_cannot_be_made(
    fields: dict[str, Any], says: str
) -> None:
    given: dict[str, Any] = {"phase": None, "condition": "stuck", "min_ticks": 1, "action": "sit"}
    with pytest.raises(ValueError, match=says):
        Rule(**given | fields)


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
]


@pytest.mark.parametrize(("said", "observation", "holds"), HOLDS)
def test_when_a_condition_holds(said: str, observation: dict[str, Any], holds: bool) -> None:
    rule = parse(f"- when {said}: sit")
    assert rule is not None
    assert (first_match([rule], observation) is rule) is holds


@pytest.mark.parametrize("value", [None, "0.1", [], True, float("nan"), 10**400, -(10**400)])
def test_what_is_unknown_does_not_hold(value: Any) -> None:
    rules = parse_all(f"- when {said}: sit" for said, _, _ in HOLDS if said != "always")
    observation = {
        "motion": {"label": value},
        "obs": {"nearest_m": value, "roll_deg": value, "pitch_deg": value},
        "visible_tags": {"rubble": value},
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
    rule = Rule("exit", "stuck", 3, "sit")
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
