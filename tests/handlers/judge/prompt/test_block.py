"""The managed block: where it goes, what is in it, and whether somebody edited it."""

from __future__ import annotations

import pytest

from handlers.judge.prompt.block import (
    ABOUT,
    END,
    block_text,
    find_block,
    place_for,
    silenced,
    without_block,
)
from handlers.judge.prompt.rules.grammar import read

STUCK = read("- when in enter and stuck for 3 ticks: walk_backward distance_m=0.3")
FALLEN = read("- when fallen: stand_up")
TEXT = block_text([STUCK, FALLEN])


def test_the_block_is_these_lines() -> None:
    """Its hash too: a release that counted otherwise would take every block for an edited one."""
    assert TEXT.splitlines() == [
        "[cadenzad rules 820567ab7b8a]",
        *ABOUT,
        "- when in enter and stuck for 3 ticks: walk_backward distance_m=0.3",
        "- when fallen: stand_up",
        END,
    ]
    assert block_text([]) == ""


def test_a_block_in_prose_holds_the_same_rules_as_sentences() -> None:
    text = block_text([STUCK, FALLEN], prose=True)
    assert text.splitlines()[1:-1] == [
        *ABOUT,
        "- If you are in phase enter and you are stuck for 3 ticks, do walk_backward with"
        " distance_m=0.3.",
        "- If you have fallen, do stand_up.",
    ]
    block = find_block(f"Be good.\n{text}\n")
    assert block is not None
    assert block.intact
    assert block.rules == [STUCK, FALLEN]


def test_a_block_of_an_earlier_release_is_nobody_elses() -> None:
    about = "Found in run logs and kept up to date by cadenzad; a rule here comes before "
    lines = [
        "[cadenzad rules 966f6208e0fc]",
        f"{about}those below.",
        "- when in enter and stuck for 3 ticks: walk_backward distance_m=0.3",
        "- when fallen: stand_up",
        END,
    ]
    block = find_block("\n".join(lines))
    assert block is not None
    assert block.intact
    assert block.rules == [STUCK, FALLEN]


def test_what_the_block_says_of_itself_says_what_its_words_mean() -> None:
    assert len(ABOUT) == 2
    assert "nearer than 0.35 m; on a side or ahead, than 0.5 m. near: nearer than 0.6" in ABOUT[1]
    assert "fallen: tilted over 45 degrees" in ABOUT[1]
    assert all(len(line) < 220 for line in ABOUT)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("", "\n"),
        ("Be good.\n", "\n- when always: sit\n"),
        ("Be good.\n", ""),
    ],
)
def test_a_block_is_found_with_the_newline_that_is_its_own(before: str, after: str) -> None:
    block = find_block(before + TEXT + after)
    assert block is not None
    assert block.intact
    assert block.problem == ""
    assert block.rules == [STUCK, FALLEN]
    assert block.lines[: len(ABOUT)] == ABOUT
    left = before + after[1:] if after else before[:-1]
    assert without_block(before + TEXT + after) == left


def test_a_prompt_without_a_block_has_none() -> None:
    for value in ("", "Be good.\n", "[rules]", "- when always: sit\n"):
        assert find_block(value) is None
        assert without_block(value) == value


EDITS = {
    "a number": (b"distance_m=0.3", b"distance_m=0.4"),
    "a rule less": (b"- when fallen: stand_up\n", b""),
    "a rule more": (b"- when fallen", b"- when stuck: sit\n- when fallen"),
    "the order": (
        b"- when in enter and stuck for 3 ticks: walk_backward distance_m=0.3\n- when fallen: "
        b"stand_up",
        b"- when fallen: stand_up\n- when in enter and stuck for 3 ticks: walk_backward "
        b"distance_m=0.3",
    ),
    "the words": (b"Found in", b"Mined from"),
    "a space": (b"stand_up\n", b"stand_up \n"),
    "an empty line": (b"stand_up\n", b"stand_up\n\n"),
    "an empty first line": (b"]\nFound", b"]\n\nFound"),
    "the hash": (b"[cadenzad rules ", b"[cadenzad rules 0"),
    "another hash": (b"[cadenzad rules 8", b"[cadenzad rules 2"),
    "the first line": (b"[cadenzad rules ", b"[my rules "),
    "the first line indented": (b"[cadenzad rules ", b" [cadenzad rules "),
    "the last line": (END.encode(), b""),
    "the last line indented": (END.encode(), b" " + END.encode()),
    "two last lines": (END.encode(), END.encode() + b"\n" + END.encode()),
    "a form feed for a newline": (b"\n- when fallen", b"\x0c- when fallen"),
    "a separator for a newline": (b"\n- when fallen", "\u2028- when fallen".encode()),
    "a carriage return": (b"\n- when fallen", b"\r- when fallen"),
}


@pytest.mark.parametrize(("old", "new"), EDITS.values(), ids=EDITS)
def test_whatever_somebody_edits_the_block_is_theirs(old: bytes, new: bytes) -> None:
    # given
    value = f"Be good.\n{TEXT}\n- when always: sit\n".encode()
    assert value.count(old) == 1
    edited = value.replace(old, new).decode()

    # then
    block = find_block(edited)
    assert block is not None
    assert not block.intact
    assert "block" in block.problem


def test_the_last_line_before_the_first_is_no_block() -> None:
    first, *middle, last = TEXT.splitlines()
    block = find_block("\n".join([last, *middle, first]))
    assert block is not None
    assert not block.intact


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("", (0, False)),
        ("Be good.", (8, True)),
        ("Be good.\n", (9, False)),
        ("Be good.\n- when always: sit\n", (9, False)),
        ("- when always: sit\n", (0, False)),
        ("Be good.\n  - when stuck: sit\n- when always: sit\n", (9, False)),
        # below what the author says about falling and nearness, in whatever words
        ("- when fallen: sit\n- when stuck: sit\n", (19, False)),
        ("- when stuck: sit\n- when near a for 2 ticks: sit\n- when always: sit\n", (49, False)),
        ("- when it fell over: sit\n- when always: sit\n", (25, False)),
        ("- when too close to a wall: back\n- when always: sit\n", (33, False)),
        ("Good.\n- when in exit and fallen: sit", (36, True)),
        ("Good.\n- when fallen: sit\n", (25, False)),
        ("- when in near_door and stuck: sit\n", (0, False)),
        ("Say - when asked - hello.\n", (26, False)),
    ],
)
def test_a_new_block_goes_before_the_first_rule_that_may_wait(
    value: str, place: tuple[int, bool]
) -> None:
    assert place_for(value) == place


def test_a_safety_rule_below_the_block_is_named() -> None:
    above = f"- when fallen: stand_up\n{TEXT}\n- when stuck: sit\n- when always: sit\n"
    assert silenced(above) is None
    assert silenced("- when fallen: sit\n") is None
    assert silenced(f"{above}  - when near edge: stand \n") == "- when near edge: stand"
    assert silenced(f"{TEXT}\n- when it is tilted: lie_down") == "- when it is tilted: lie_down"
