"""What an author forbids, as actions: in many words, and no more than is forbidden."""

from __future__ import annotations

import pytest

from handlers.judge.candidates.wishes import bans_of, contradicted
from handlers.judge.prompt.block import block_text
from handlers.judge.prompt.rules.grammar import read
from handlers.project.library import library_for

LIBRARY = library_for("go1", None, ["signal_victim_found"])
TURNS_LEFT = {"turn_left", "precision_turn_left"}
FORWARD = {"walk_forward", "trot_forward", "crawl_forward", "pace_forward", "bound_forward"}


@pytest.mark.parametrize(
    ("prompt", "actions"),
    [
        ("Never walk backward: there is a stair behind you.", {"walk_backward"}),
        ("You must not go back", {"walk_backward"}),
        ("You should never back up, and be quick.", {"walk_backward"}),
        ("Stop walking backward", {"walk_backward"}),
        ("Be careful not to walk backward", {"walk_backward"}),
        ("Walking backward is forbidden.", {"walk_backward"}),
        ("It is not allowed to reverse.", {"walk_backward"}),
        ("Do not turn left.", TURNS_LEFT),
        ("Don't turn left or right", TURNS_LEFT | {"turn_right", "precision_turn_right"}),
        ("Never go left", TURNS_LEFT | {"side_step_left"}),
        ("Never use side_step_left", {"side_step_left"}),
        ("Avoid jumping.", {"jump"}),
        ("Don’t run.", {"trot_forward"}),
        ("Do not move while a person is near.", FORWARD),
        ("Walk on without turning left.", TURNS_LEFT),
        ("Never step onto the person.", {"climb_step"}),
        ("Do not signal before the victim is in view.", {"signal_victim_found"}),
    ],
)
def test_what_a_sentence_forbids(prompt: str, actions: set[str]) -> None:
    (ban,) = bans_of(f"Be good.\n{prompt}\n", LIBRARY)
    assert ban.actions == actions
    assert ban.line == 2


@pytest.mark.parametrize(
    "prompt",
    [
        "Walk backward when stuck.",
        "Avoid the rubble.",
        "Short moves are better than long ones while rubble is close.",
        "Without hurry, walk backward.",
        "Stop near the victim, then turn left.",
        "Do not leave the hall.",
        "- when stuck: walk_backward",
        "It is not far. Turn left.",
    ],
)
def test_what_forbids_no_action(prompt: str) -> None:
    assert bans_of(prompt, LIBRARY) == []


def test_our_own_block_forbids_nothing() -> None:
    text = block_text([read('- when seeing "never walk backward": sit')], prose=True)
    assert bans_of(f"Never jump.\n{text}\nNever sit.", LIBRARY) == [
        *bans_of("Never jump.", LIBRARY),
        *bans_of(text.count("\n") * "\n" + "\n\nNever sit.", LIBRARY),
    ]


def test_a_rule_goes_against_the_lines_that_forbid_its_action() -> None:
    bans = bans_of("Never go back.\n\nDo not reverse!\nNever jump.", LIBRARY)
    back = read("- when stuck: walk_backward distance_m=0.3")
    assert contradicted([read("- when stuck: sit"), back], bans) == (1, 3)
    assert contradicted([read("- when stuck: sit")], bans) == ()


def test_what_a_sentence_makes_an_exception_of_is_allowed() -> None:
    bans = bans_of("Do not signal unless you see the victim.", LIBRARY)
    assert contradicted([read("- when seeing victim: signal_victim_found")], bans) == ()
    assert contradicted([read("- when within 1 m of victim: signal_victim_found")], bans) == ()
    assert contradicted([read("- when stuck: signal_victim_found")], bans) == (1,)
    assert contradicted([read("- when seeing rubble: signal_victim_found")], bans) == (1,)
