"""Goals that are one goal in other letters, and goals that are not."""

from __future__ import annotations

import pytest

from handlers.lora.data.dataset import Dataset
from handlers.lora.exam.duplicates import Taught
from handlers.lora.exam.paper import set_paper
from handlers.lora.exam.questions import question_of
from handlers.lora.exam.variants import holds, is_slip, is_variant, words_of
from handlers.lora.model.rows import Row
from handlers.project.formats.examples import Step

CRAWL = (Step("crawl_forward", {}),)
WALK = (Step("walk_forward", {}),)
TAUGHT = "enter the debris field"


def row(goal: str, steps: tuple[Step, ...] = CRAWL) -> Row:
    return Row(goal, steps, "pattern", goal)


@pytest.mark.parametrize(
    "goal",
    [
        "entre the debris field",
        "enter the debrris filed",
        "the debris field: enter it",
        "enter the debris field, old friend",
        "hey rover: enter the debris field like yesterday",
        "enterthe debris field",
    ],
)
def test_what_is_taught_in_other_letters_is_no_question(goal: str) -> None:
    near = Taught([row(TAUGHT)]).near([question_of(row(goal))])
    assert [item.why for item in near.values()] == [f"says {TAUGHT} in nearly the same words"]


@pytest.mark.parametrize(
    "goal",
    ["go into the rubble", "head for the fallen stones", "crawl to where the debris lies",
     "the field of debris awaits you"],
)  # fmt: skip
def test_other_words_are_a_question(goal: str) -> None:
    assert not Taught([row(TAUGHT)]).near([question_of(row(goal))])


def test_the_same_words_with_another_plan_are_not_compared() -> None:
    taught = Taught([row(TAUGHT)])
    assert not taught.near([question_of(row("enter the debris field, old friend", WALK))])


def test_of_rows_that_are_one_question_one_counts() -> None:
    exam = [row(f"go into the rubble heap {tail}".strip())
            for tail in ("", "rover", "as we said", "my old friend", "hree")]  # fmt: skip
    other = row("climb through what fell down")
    paper = set_paper(Dataset((row(TAUGHT),), (*exam, other)))
    counted = {item.row.goal for item in (*paper.practice, *paper.sealed)}
    assert len(counted) == 2
    assert other.goal in counted
    assert [why.split()[0] for _, why in paper.left_out] == ["asks"] * 4


def test_what_stood_before_is_what_counts_of_them() -> None:
    first = row("go into the rubble heap")
    exam = [row("go into the rubble heap rover"), first]
    alone = set_paper(Dataset((row(TAUGHT),), (first,)))
    both = set_paper(Dataset((row(TAUGHT),), tuple(exam)))
    assert len((*alone.practice, *alone.sealed)) == len((*both.practice, *both.sealed)) == 1


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("debris", "debrris", True),
        ("debris", "derbis", True),
        ("debris", "debirs", True),
        ("left", "lift", True),  # of one plan: "turn left" and "lift" have two
        ("sit", "set", False),
        ("heap", "gate", False),
        ("victim", "visible", False),
    ],
)
def test_slips(first: str, second: str, same: bool) -> None:
    assert is_slip(first, second) == is_slip(second, first) == same


def test_short_goals_and_goals_with_numbers_are_left_alone() -> None:
    assert not is_variant(words_of("sit down"), words_of("sit down by the wall"))
    assert not holds(words_of("sit down over there"), words_of("sit down"))
    assert words_of("walk on for 2 m, good dog") == ()


def test_long_goals_about_one_scene_share_words_and_are_questions() -> None:
    said = [
        "walk ahead as far as the rubble and keep upright",
        "go as far as the rim of the debris and stand",
        "get to the far side of the hall, leaving the person in peace",
        "clear out to the far side of the hall and leave the person resting",
    ]
    paper = set_paper(Dataset((row(TAUGHT),), tuple(row(goal) for goal in said)))
    assert len((*paper.practice, *paper.sealed)) == len(said)
