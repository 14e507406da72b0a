"""The sample project's own `decide` reads every rule that the judge can write as the judge does."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from importlib.resources import files
from itertools import product
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from handlers.judge.prompt.block import block_text
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
from handlers.judge.prompt.source import edited, parse_prompt

SAMPLE = files("handlers.project") / "sample" / "mission" / "main.py"
NAMES = ("exit", "enter_debris", "find.v-2", "for", "and", "in", "near", "always", "3", "_")
TAGS = ("victim", "a.b-c", "for")
ODD = (None, True, "0.1", [], {}, 3, float("nan"), float("inf"), -(10**400))

Observation = dict[str, Any]


@pytest.fixture(scope="module")
def brain(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The file as a project has it, imported without any package of ours."""
    path = Path(tmp_path_factory.mktemp("rescue")) / "main.py"
    path.write_bytes(SAMPLE.read_bytes())
    spec = importlib.util.spec_from_file_location("sample_brain", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["sample_brain"] = module
    spec.loader.exec_module(module)
    del sys.modules["sample_brain"]
    return module


def all_rules() -> list[Rule]:
    """Every condition in every kind of phase for every number of ticks."""
    conditions = [
        (name, tag) for name in CONDITIONS for tag in (TAGS if name in TAGGED else (None,))
    ]
    return [
        Rule(phase, condition, ticks, "walk_backward", tag, {"distance_m": 0.3, "speed": 12.345})
        for phase, (condition, tag), ticks in product(
            (None, *NAMES), conditions, range(1, MAX_TICKS + 1)
        )
        if phase is None or condition != "always" or ticks == 1  # that is not rendered
    ]


def an_observation(draw: Random, phase: object, mood: str) -> Observation:
    """What is seen in a tick: `mood` is the condition that mostly holds."""

    def value(holding: float, otherwise: float) -> object:
        if draw.random() < 0.01:
            return draw.choice(ODD)
        return holding if draw.random() < 0.98 else otherwise

    is_it = mood == "all"
    made: Observation = {
        "phase": phase,
        "obs": {
            "nearest_m": value(0.34, 0.35) if is_it or mood == "blocked" else value(-1, 0.2),
            "roll_deg": value(-45.5, 45) if is_it or mood == "fallen" else value(3.0, 46),
            "pitch_deg": value(0.0, -46),
        },
        "motion": {
            "label": value_of(draw, "stuck", "moving", is_it or mood == "stuck"),
        },
        "visible_tags": {
            tag: value(0.59, 0.6) if is_it or mood == "near" else value(0.6, 0.2)
            for tag in TAGS
            if draw.random() < (0.98 if is_it or mood in TAGGED else 0.4)
        },
    }
    if draw.random() < 0.01:
        made[draw.choice(sorted(made))] = draw.choice(ODD)
    if draw.random() < 0.01:
        del made[draw.choice(sorted(made))]
    return made


def value_of(draw: Random, holding: str, otherwise: str, holds: bool) -> str:
    return holding if holds == (draw.random() < 0.98) else otherwise


def histories(draw: Random, count: int) -> list[list[Observation]]:
    """Runs up to a moment: of all lengths, in one phase or from one into another."""
    made = []
    for _ in range(count):
        length = draw.choice((1, 2, 3, 5, 10, 20, 20))
        mood = draw.choice(("all", "all", *CONDITIONS))
        phases = draw.choices((*NAMES, None), k=2)
        entered = draw.choice((0, 0, 0, length // 2))
        made.append([an_observation(draw, phases[at >= entered], mood) for at in range(length)])
    return made


def decided(brain: ModuleType, prompt: str, history: Sequence[Observation]) -> Mapping[str, Any]:
    *recent, now = history
    action: Mapping[str, Any] = brain.decide({**now, "recent": recent}, prompt)
    return action


def wanted(rules: Sequence[Rule], history: Sequence[Observation]) -> Mapping[str, Any]:
    *recent, now = history
    rule = first_match(rules, now, recent)
    return {"action": "stand"} if rule is None else {"action": rule.action, **rule.parameters}


def test_every_rule_that_can_be_written_fires_exactly_when_the_judge_says(
    brain: ModuleType,
) -> None:
    # given every rule alone, under many observations of which a third and more fit it
    draw = Random(11)
    rules, seen = all_rules(), histories(draw, 400)
    fired: dict[tuple[str, int], int] = {}
    for rule in rules:
        line = render(rule)
        sample = draw.sample(seen, 60)
        if rule.phase is not None:
            sample += [[{**now, "phase": rule.phase} for now in past] for past in sample[:30]]
        for history in sample:
            action = wanted([rule], history)
            assert decided(brain, line, history) == action, (line, history)
            fired[rule.condition, rule.min_ticks] = fired.get(
                (rule.condition, rule.min_ticks), 0
            ) + (action["action"] != "stand")

    # then each of them fired, too, for every number of ticks
    assert len(rules) > 2000
    assert {at for at, count in fired.items() if count == 0} == set()


def test_of_many_rules_in_a_rewritten_prompt_the_same_one_is_followed(brain: ModuleType) -> None:
    # given the sample's file with blocks of many rules in it
    draw = Random(12)
    source = parse_prompt(SAMPLE.read_bytes(), Path("main.py"))
    rules = [rule for rule in all_rules() if rule.condition != "always"]
    seen = histories(draw, 300)
    chosen = set()
    for _ in range(60):
        block = [
            Rule(rule.phase, rule.condition, min(rule.min_ticks, 3), f"act_{at}", rule.tag)
            for at, rule in enumerate(draw.sample(rules, 12))
        ]
        prompt = parse_prompt(edited(source, block), source.path).value
        assert block_text(block) in prompt
        for history in draw.sample(seen, 60):
            action = wanted(parse_all(prompt.splitlines()), history)
            assert decided(brain, prompt, history) == action
            chosen.add(action["action"])
    assert chosen > {f"act_{at}" for at in range(12)} | {"stand_up", "signal_victim_found"}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "- when : stand_up",
        "- when stuck:stand_up",
        "- when stuck: ",
        "- when stuck for 0 ticks: stand_up",
        "- when stuck for 02 ticks: stand_up",
        "- when stuck for 21 ticks: stand_up",
        "- when stuck victim: stand_up",
        "- when near: stand_up",
        "- when hungry: stand_up",
        "- when in exit stuck: stand_up",
        "- when in exit for 2 ticks: stand_up",
        "- when and stuck: stand_up",
        "- when in exit and : stand_up",
        "- when in exit and in exit and stuck: stand_up",
        "- when stuck and blocked: stand_up",
        "- when in two words: stand_up",
        "- when stuck: stand_up now",
        "- when stuck: stand_up distance_m=-1",
        "- when stuck: stand_up distance_m=1e9",
        "- when stuck: stand_up distance_m=.5",
        "- when  stuck: stand_up",
        "-when stuck: stand_up",
        "* when stuck: stand_up",
        "- When stuck: stand_up",
    ],
)
def test_what_is_no_rule_to_the_judge_is_none_to_the_sample(brain: ModuleType, line: str) -> None:
    assert parse(line) is None
    everything = an_observation(Random(0), "exit", "all")
    assert decided(brain, line, [everything] * 20) == {"action": "stand"}


def test_a_rule_about_several_ticks_does_not_hold_without_what_came_before(
    brain: ModuleType,
) -> None:
    line = "- when in enter_debris and stuck for 2 ticks: walk_backward distance_m=0.4"
    stuck = {"phase": "enter_debris", "motion": {"label": "stuck"}}
    assert brain.decide(stuck, line) == {"action": "stand"}
    assert brain.decide({**stuck, "recent": None}, line) == {"action": "stand"}
    assert brain.decide({**stuck, "recent": [stuck]}, line) == {
        "action": "walk_backward",
        "distance_m": 0.4,
    }


def test_a_block_leaves_the_authors_safety_rules_in_charge(brain: ModuleType) -> None:
    """A rule that somebody is hurt by if it silences what the author says of falling."""
    source = parse_prompt(SAMPLE.read_bytes(), Path("main.py"))
    reckless = [Rule("find_victim", "seeing", 1, "walk_forward", "victim", {"distance_m": 1.0})]
    prompt = parse_prompt(edited(source, reckless), source.path).value
    victim = {"phase": "find_victim", "visible_tags": {"victim": 2.0}}
    assert brain.decide(victim, prompt) == {"action": "walk_forward", "distance_m": 1.0}
    near = victim | {"visible_tags": {"victim": 0.2}}
    assert brain.decide(near, prompt) == {"action": "signal_victim_found"}
    assert brain.decide(near | {"obs": {"roll_deg": 90}}, prompt) == {"action": "stand_up"}
