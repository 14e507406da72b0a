"""The sample project's own `decide` reads every rule that the judge can write as the judge does."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from anyrules import NAMES, OBSERVATIONS, RULES, TAGS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.judge.prompt.block import block_text
from handlers.judge.prompt.rules.forms import FORMS, MAX_TICKS
from handlers.judge.prompt.rules.grammar import parse, parse_all, read, render
from handlers.judge.prompt.rules.holding import first_match
from handlers.judge.prompt.rules.rule import Condition, Rule
from handlers.judge.prompt.source import edited, parse_prompt

SAMPLE = files("handlers.project") / "sample" / "mission" / "main.py"
Observation = dict[str, Any]

EVERYTHING: Observation = {
    "phase": "exit",
    "action": "sit",
    "obs": {"nearest_m": 0.1, "roll_deg": 80.0, "pitch_deg": 0.0},
    "motion": {"label": "stuck"},
    "visible_tags": dict.fromkeys((*TAGS[:2], *NAMES), 0.2),
    "tag_bearings": dict.fromkeys((*TAGS[:2], *NAMES), 0.0),
    "clear_m": {"left": 0.1, "right": 0.1, "ahead": 0.1},
    "target": {"distance_m": 0.2, "bearing_deg": 0.0},
    "phase_tick": 30,
}
"""Much holds of it."""


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


def decided(brain: ModuleType, prompt: str, history: Sequence[Observation]) -> Mapping[str, Any]:
    *recent, now = history
    action: Mapping[str, Any] = brain.decide({**now, "recent": recent}, prompt)
    return action


def wanted(rules: Sequence[Rule], history: Sequence[Observation]) -> Mapping[str, Any]:
    *recent, now = history
    rule = first_match(rules, now, recent)
    return {"action": "stand"} if rule is None else {"action": rule.action, **rule.parameters}


def same(brain: ModuleType, lines: Sequence[str], history: Sequence[Observation]) -> Any:
    """What both readings make of a prompt, which is the same; the action."""
    action = wanted(parse_all(lines), history)
    assert decided(brain, "\n".join(lines), history) == action, (lines, history)
    return action["action"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(RULES, min_size=1, max_size=4), st.lists(OBSERVATIONS, min_size=1, max_size=4))
def test_both_readings_of_any_rules_under_any_observations_are_one(
    brain: ModuleType, rules: list[Rule], history: list[Observation]
) -> None:
    same(brain, [render(rule) for rule in rules], history)
    # a held observation, too, so that rules for many ticks come to hold
    same(brain, [render(rules[0])], history[-1:] * MAX_TICKS)


def test_every_condition_fires_and_is_silent_in_both_for_every_number_of_ticks(
    brain: ModuleType,
) -> None:
    # given an observation that each form of a condition holds of, and one that says nothing
    fired: Counter[object] = Counter()
    for form in FORMS:
        angle = {"left": 50.0, "right": -50.0}.get(form.side or "", 0.0)
        tags = {"victim": 0.3} if form.kind != "not_seeing" else {}
        holding = EVERYTHING | {
            "visible_tags": tags,
            "tag_bearings": {"victim": angle},
            "target": {"distance_m": 0.3, "bearing_deg": angle},
        }
        name = "sit" if form.kind == "tried" else "victim"
        number = 0.1 if form.kind == "farther" else 2.0 if form.has_number else None
        for ticks in range(1, MAX_TICKS + 1):
            said = Condition(form.kind, name if form.has_name else None, number, form.side, ticks)
            line = render(Rule("exit", (said,), "fires"))
            long = MAX_TICKS + 3
            at = same(brain, [line], [holding] * long)
            fired[form.line, ticks] += at == "fires"
            assert same(brain, [line], [{"phase": "exit"}] * long) == (
                "fires" if form.kind == "always" else "stand"
            )
            short = [{"phase": "exit"}] * long + [holding] * (ticks - 1)
            if form.kind not in ("always", "tried"):
                assert same(brain, [line], short) == "stand"
    assert {at for at, count in fired.items() if not count} == set()
    assert len(fired) == len(FORMS) * MAX_TICKS


def test_of_many_rules_in_a_rewritten_prompt_the_same_one_is_followed(brain: ModuleType) -> None:
    source = parse_prompt(SAMPLE.read_bytes(), Path("main.py"))
    lines = [
        '- when in exit and seeing "two words": act_0',
        "- when in exit and the target more than 20 degrees to the left: act_1 rotation_rad=0.7",
        "- when blocked on the left and blocked ahead: act_2",
        "- when stuck for 2 ticks and not seeing victim: act_3",
        "- when within 1.2 m of victim and after 2 tries of sit: act_4",
    ]
    prompt = parse_prompt(edited(source, [read(line) for line in lines]), source.path).value
    assert block_text([read(line) for line in lines]) in prompt
    left = {"phase": "exit", "target": {"bearing_deg": 21}}
    for history, action in (
        ([{"phase": "exit", "visible_tags": {"two words": 3}}], "act_0"),
        ([left], "act_1"),
        ([left | {"phase": "patrol"}], "trot_forward"),
        ([{"clear_m": {"left": 0.4, "ahead": 0.4}}], "act_2"),
        ([{"motion": {"label": "stuck"}, "visible_tags": {}}] * 2, "act_3"),
        ([{"action": "sit"}, {"action": "sit", "phase_tick": 2, "visible_tags": {"victim": 1}}],
         "act_4"),
        ([{"obs": {"roll_deg": 90}, "phase": "exit", "visible_tags": {"two words": 3}}],
         "stand_up"),
        ([{}], "walk_forward"),
    ):  # fmt: skip
        assert same(brain, prompt.splitlines(), history) == action


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
        "- when stuck and blocked and fallen: stand_up",
        "- when in exit and stuck and: stand_up",
        "- when stuck and in exit: stand_up",
        "- when blocked left: stand_up",
        "- when within 1 of victim: stand_up",
        "- when the target: stand_up",
        '- when seeing "": stand_up',
        '- when seeing "a\\x": stand_up',
        "- If you are stuck, do stand_up.",
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
    assert parse(line) is None or not line.startswith("- when")
    assert decided(brain, line, [EVERYTHING] * 20) == {"action": "stand"}


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
    reckless = [read("- when in find_victim and seeing victim: walk_forward distance_m=1")]
    prompt = parse_prompt(edited(source, reckless), source.path).value
    victim = {"phase": "find_victim", "visible_tags": {"victim": 2.0}}
    assert brain.decide(victim, prompt) == {"action": "walk_forward", "distance_m": 1.0}
    near = victim | {"visible_tags": {"victim": 0.2}}
    assert brain.decide(near, prompt) == {"action": "signal_victim_found"}
    assert brain.decide(near | {"obs": {"roll_deg": 90}}, prompt) == {"action": "stand_up"}
