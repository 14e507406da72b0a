"""Which rules stand in the block, in which order, and what has no room."""

from __future__ import annotations

from itertools import permutations

from handlers.judge.prompt.block import block_text
from handlers.judge.prompt.check import MAX_BLOCK
from handlers.judge.prompt.rules.grammar import read, render
from handlers.judge.prompt.rules.placing import MOST_RULES, placed, precedence

ORDERED = [
    "- when fallen: stand_up",
    "- when in exit and near victim for 2 ticks: sit",
    "- when near victim: sit",
    "- when within 0.8 m of victim: sit",
    "- when within 1.2 m of victim: sit",
    "- when in exit and the target more than 40 degrees to the left: sit",
    "- when in exit and the target more than 20 degrees to the left: sit",
    "- when in exit and stuck and blocked: sit",
    "- when in exit and stuck for 5 ticks: sit",
    "- when in exit and stuck for 2 ticks: sit",
    "- when stuck for 3 ticks: sit",
    "- when after 12 ticks in phase: sit",
]


def test_the_urgent_and_the_specific_come_first_in_any_order() -> None:
    wanted = [read(line) for line in ORDERED]
    for order in list(permutations(wanted[:8]))[::997]:
        assert sorted([*reversed(wanted[8:]), *order], key=precedence) == wanted
    assert placed(wanted[::-1]).rules == tuple(wanted)


def test_the_best_twelve_stand_and_the_others_are_named() -> None:
    rules = [read(f"- when in phase_{at} and stuck: sit") for at in range(14)]
    found = placed(rules)
    assert sorted(map(render, found.rules)) == sorted(map(render, rules[:MOST_RULES]))
    assert found.left_out == tuple(
        (rule, "the block holds 12 rules at most") for rule in rules[12:]
    )


def test_what_could_never_be_followed_or_would_silence_all_is_left_out() -> None:
    stuck, other = read("- when stuck: sit"), read("- when stuck: stand")
    longer, always = read("- when stuck for 2 ticks: stand"), read("- when in exit: stand")
    found = placed([stuck, other, longer, always])
    assert found.rules == (longer, stuck)
    assert found.left_out == (
        (other, "'when stuck: sit' holds at the same times"),
        (always, "without a condition it would silence all below it"),
    )


def test_long_names_leave_room_for_less_and_the_block_is_never_too_long() -> None:
    rules = [read(f'- when seeing "{"long name " * 40}{at}": sit') for at in range(12)]
    found = placed(rules)
    assert 0 < len(found.rules) < 12
    assert len(found.rules) + len(found.left_out) == 12
    assert found.left_out[0][1] == "the block's rules have 3600 characters at most"
    for prose in (False, True):
        assert len(block_text(found.rules, prose=prose)) <= MAX_BLOCK
