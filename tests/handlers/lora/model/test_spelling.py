"""Which words are slips of taught ones."""

from __future__ import annotations

import pytest

from handlers.lora.model.answers.spelling import spelled

TAUGHT = ("walk", "over", "right", "wait", "stairs", "corridor", "forward", "left")
ENGLISH = frozenset({"stars", "warm"})


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("wlak", "walk"),  # letters that changed places
        ("walkk", "walk"),  # one too many
        ("corrdor", "corridor"),  # one too few
        ("foreard", "forward"),  # a wrong one
        ("coridorr", "corridor"),  # two, in a long word
    ],
)
def test_a_slip_is_taken_for_the_taught_word(said: str, meant: str) -> None:
    assert spelled(said, TAUGHT, ENGLISH) == meant


@pytest.mark.parametrize(
    "said",
    [
        "frighten",  # holds "right"
        "hover",  # "over", but for its first letter
        "gait",  # "wait", but for its first letter
        "stars",  # a word of its own
        "lfet2",
        "wat",  # too short to tell
    ],
)
def test_another_word_is_no_slip(said: str) -> None:
    assert spelled(said, TAUGHT, ENGLISH) == said


def test_where_two_taught_words_are_as_near_nothing_is_guessed() -> None:
    assert spelled("stert", ("start", "stern"), ENGLISH) == "stert"


def test_without_a_dictionary_only_letters_that_changed_places_are_a_slip() -> None:
    assert spelled("wlak", TAUGHT, None) == "walk"
    assert spelled("walkk", TAUGHT, None) == "walkk"
