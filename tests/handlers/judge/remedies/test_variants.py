"""Prompts to try: a candidate's rules before those in force, and nothing dropped without a word."""

from __future__ import annotations

from pathlib import Path

from handlers.judge.candidates.candidate import Candidate
from handlers.judge.prompt.opened import Rewrite
from handlers.judge.prompt.rules.grammar import read, render
from handlers.judge.prompt.source import PromptSource, edited, parse_prompt
from handlers.judge.prompt.wording import Wording
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


OPENED = parse_prompt(
    b'SYSTEM_PROMPT = """Be good.\n[cadenzad open]\nHurry.\n[end of cadenzad open]\n"""\n',
    SOURCE.path,
)


def worded(*sentences: str, paragraph: str = "", mode: str = "stuck@go") -> Candidate:
    rewrites = (Rewrite("Hurry.", paragraph),) if paragraph else ()
    return Candidate((), "model", mode, wording=Wording(sentences, rewrites))


def test_free_text_comes_behind_the_rules_and_sentences_in_force() -> None:
    before = OPENED.again(edited(OPENED, [read(BACK)], ["Look up."]))
    variants = Variants(before)
    variants.add(worded("Look twice.", paragraph="Take your time."))
    (made,) = variants.made
    assert made.static.result == "pass"
    assert made.made.block is not None
    assert made.made.block.sentences == ("Look up.", "Look twice.")
    assert "\nTake your time.\n" in made.made.value
    assert made.lines == (BACK, "* Look up.", "* Look twice.", '~ "Take your time."')
    # a rule that is written later leaves both as they are
    later = Variants(made.made)
    later.add(candidate(ASIDE))
    assert later.made[0].lines == (BACK, ASIDE, "* Look up.", "* Look twice.")
    assert "\nTake your time.\n" in later.made[0].made.value
    # and a sentence is taken out as a rule is
    assert later.without("Look up.").lines == (BACK, "* Look twice.")


def test_two_that_rewrite_one_paragraph_are_not_merged() -> None:
    variants = Variants(OPENED)
    variants.add(worded(paragraph="Take your time."))
    variants.add(worded(paragraph="Wait.", mode="stuck@leave"))
    variants.add(worded("Look twice.", mode="stuck@leave"))
    assert variants.merge(0, 1) is None
    merged = variants.merge(0, 2)
    assert merged is not None
    assert "\nTake your time.\n" in merged.value
    assert "\n* Look twice.\n" in merged.value


def test_a_paragraph_that_cannot_be_written_where_it_is_costs_that_candidate_alone() -> None:
    raw = parse_prompt(
        b'SYSTEM_PROMPT = r"""Be good.\n[cadenzad open]\nHurry.\n[end of cadenzad open]\n"""\n',
        SOURCE.path,
    )
    variants = Variants(raw)
    variants.add(worded(paragraph='Say "go" first.'))
    variants.add(candidate(ASIDE))
    assert [item.code for item in variants.dropped] == ["unfit"]
    assert "cannot be edited safely" in variants.dropped[0].reason
    assert len(variants.made) == 1


def test_a_block_holds_six_sentences_and_says_so() -> None:
    variants = Variants(OPENED)
    variants.add(worded(*(f"Look {n} times." for n in range(7))))
    assert variants.dropped[0].reason == "the block would hold 7 sentences, more than 6"


def test_a_secret_does_not_get_into_a_block() -> None:
    variants = Variants(SOURCE, secrets=["side_step"])
    variants.add(candidate(ASIDE))
    assert variants.made == []
    assert "looks like a secret" in variants.dropped[0].reason


def test_what_has_no_room_is_named() -> None:
    rules, left_out = combined([], [read(ASIDE), read("- when in go: stand")])
    assert [render(rule) for rule in rules] == [ASIDE]
    assert "silence all below it" in left_out
