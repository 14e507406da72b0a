"""Rows whose steps go where their words do not."""

from __future__ import annotations

import pytest

from handlers.lora.data.opposites import against_words, mirrored
from handlers.project.formats.examples import Step


def steps(*names: str) -> list[Step]:
    return [Step(name, {}) for name in names]


@pytest.mark.parametrize(
    ("goal", "actions", "says"),
    [
        ("turn left 90 degrees", ["turn_right"], "say turn_left, and the steps turn_right"),
        ("walk backward two meters", ["walk_forward"], "say walk_backward"),
        ("walk 1 m, then turn right", ["walk_forward", "turn_left"], "say turn_right"),
        ("do not sit down", ["sit"], "say what is not to be done"),
    ],
)
def test_steps_against_the_words_are_named(goal: str, actions: list[str], says: str) -> None:
    assert says in against_words(goal, steps(*actions))


@pytest.mark.parametrize(
    ("goal", "actions"),
    [
        ("turn left 90 degrees", ["turn_left"]),
        ("turn left 90 degrees", ["precision_turn_left"]),
        ("do an about-face", ["turn_right"]),
        ("look left and right", ["turn_left", "turn_right"]),
        ("leave the person left alone", ["walk_forward"]),
        ("go round the heap on its left", ["side_step_right", "walk_forward"]),
        ("back to the door", ["walk_forward"]),
        ("walk to the left heap", ["turn_right", "walk_forward"]),
    ],
)
def test_what_is_not_known_to_contradict_is_left_alone(goal: str, actions: list[str]) -> None:
    assert against_words(goal, steps(*actions)) == ""


def test_the_mirror_of_an_action() -> None:
    assert mirrored("side_step_left") == "side_step_right"
    assert mirrored("walk_backward") == "walk_forward"
    assert mirrored("sit") == ""
