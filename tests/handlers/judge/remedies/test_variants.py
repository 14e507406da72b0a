"""Prompts to try: a candidate's rules before those in force, and nothing dropped without a word."""

from __future__ import annotations

from pathlib import Path

from handlers.judge.candidates.candidate import Candidate
from handlers.judge.prompt.rules.grammar import read, render
from handlers.judge.prompt.source import PromptSource, edited, parse_prompt
from handlers.judge.remedies.variants import Variants, combined

SOURCE = parse_prompt(
    b'SYSTEM_PROMPT = """Be good.\n- when always: walk_forward distance_m=0.3\n"""\n',
    Path("/robots/short/main.py"),
)
ASIDE = "- when in go and blocked: side_step_left distance_m=0.3"
BACK = "- when in go and stuck for 2 ticks: walk_backward distance_m=0.3"
LEAVE = "- when in leave and stuck: turn_left rotation_rad=0.5"


def candidate(*lines: str, mode: str = "stuck@go") -> Candidate:
    return Candidate(tuple(read(line) for line in lines), "code", mode)


def with_rules(*lines: str) -> PromptSource:
    return parse_prompt(edited(SOURCE, [read(line) for line in lines]), SOURCE.path)


def rules_in(source: PromptSource) -> list[str]:
    assert source.block is not None
    return [render(rule) for rule in source.block.rules]


def test_a_candidate_comes_beside_the_rules_in_force_and_replaces_its_like() -> None:
    variants = Variants(with_rules(ASIDE, BACK))
    variants.add(candidate("- when in go and blocked: side_step_right distance_m=0.5"))
    (made,) = variants.made
    assert rules_in(made.made) == [BACK, "- when in go and blocked: side_step_right distance_m=0.5"]
    assert made.static.result == "pass"


def test_what_is_there_already_or_had_its_trial_is_dropped_with_the_reason() -> None:
    before = with_rules(ASIDE)
    variants = Variants(before)
    variants.add(candidate(ASIDE))
    variants.add(candidate(BACK))
    (made,) = variants.made
    again = Variants(before, tried=frozenset({(before.sha256, made.made.sha256)}))
    again.add(candidate(BACK))
    assert [item.code for item in (*variants.dropped, *again.dropped)] == ["same", "rejected"]
    assert again.dropped[0].reason == "it was tried for this very prompt, and showed no gain"
    assert again.made == []


def test_a_full_block_takes_none_and_says_which_rule_has_no_room() -> None:
    full = [f"- when in go and after {n} ticks in phase: sit" for n in range(1, 13)]
    variants = Variants(with_rules(*full))
    variants.add(candidate(BACK))
    (dropped,) = variants.dropped
    assert dropped.code == "too_many"
    assert "the block holds 12 rules at most" in dropped.reason

    # but one that replaces another fits
    variants.add(candidate("- when in go and after 3 ticks in phase: stand"))
    assert len(variants.made) == 1


def test_two_for_different_phases_are_merged_once_and_two_for_one_are_not() -> None:
    variants = Variants(SOURCE)
    for one in (candidate(ASIDE), candidate(BACK), candidate(LEAVE, mode="stuck@leave")):
        variants.add(one)
    assert variants.merge(0, 1) is None
    merged = variants.merge(0, 2)
    assert merged is not None
    assert {*rules_in(merged)} == {ASIDE, LEAVE}
    assert variants.merge(2, 0) is None
    assert len(variants.made) == 4
    assert [part.lines for part in variants.made[3].parts] == [(ASIDE,), (LEAVE,)]


def test_without_a_rule_all_others_stay() -> None:
    variants = Variants(with_rules(ASIDE, BACK))
    assert rules_in(variants.without(read(ASIDE)).made) == [BACK]
    bare = variants.without(read(ASIDE)).made
    assert Variants(bare).without(read(BACK)).made.value == SOURCE.value


def test_a_secret_does_not_get_into_a_block() -> None:
    variants = Variants(SOURCE, secrets=["side_step"])
    variants.add(candidate(ASIDE))
    assert variants.made == []
    assert "looks like a secret" in variants.dropped[0].reason


def test_what_has_no_room_is_named() -> None:
    rules, left_out = combined([], [read(ASIDE), read("- when in go: stand")])
    assert [render(rule) for rule in rules] == [ASIDE]
    assert "silence all below it" in left_out
