"""Nothing goes the other way: left for right, back for forward, down for up, out for in."""

from __future__ import annotations

import pytest

from handlers.lora.model.answers.directions import (
    as_tensor,
    done,
    habit,
    known_ways,
    opposed,
    said,
)
from handlers.lora.model.decoding import ActionDecoder, load_decoder
from handlers.lora.model.lexicon import Action, plan_of
from handlers.lora.model.rows import Row
from handlers.lora.model.text import read
from handlers.lora.model.training import TrainOptions, train
from handlers.project.formats.examples import Step
from handlers.project.library import library_for

pytest.importorskip("peft")

GO1 = library_for("go1", None)


def step(name: str, **values: float) -> Step:
    return Step(name, values)


TAUGHT = {
    "dodge the ball to the left": (step("side_step_left", distance_m=0.3),),
    "get round the crate by its left side": (
        step("side_step_left", distance_m=0.5), step("walk_forward", distance_m=1.0),
    ),
    "mount the stairs in the hall": (step("climb_step", repeat=4),),
    "go into the rubble": (step("crawl_forward", distance_m=1.0),),
    "retreat from the fire": (step("walk_backward", distance_m=1.0),),
    "return to base": (step("turn_left", rotation_rad=3.14159), step("trot_forward")),
    "make way for people": (step("side_step_right", distance_m=0.6),),
}  # fmt: skip


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> ActionDecoder:
    folder = tmp_path_factory.mktemp("directions")
    rows = [Row(goal, steps, "pattern", "x:1") for goal, steps in TAUGHT.items()]
    train(rows, GO1, folder, TrainOptions(epochs=2, rank=2, encoder="light"))
    return load_decoder(folder, GO1)


@pytest.mark.parametrize(
    ("goal", "never"),
    [
        ("dodge the ball to the right", "side_step_left"),
        ("get round the crate by its right side", "side_step_left"),
        ("go down the stairs in the hall", "climb_step"),
        ("get out of the rubble", "crawl_forward"),
        ("go forward from the fire", "walk_backward"),
        ("make way to the left for people", "side_step_right"),
    ],
)
def test_no_goal_is_served_with_the_opposite(goal: str, never: str, decoder: ActionDecoder) -> None:
    got = decoder.decode(goal)
    assert got.refused or got.doubtful or never not in [step.action for step in got.actions]


@pytest.mark.parametrize("goal", TAUGHT)
def test_what_was_taught_is_not_its_own_opposite(goal: str, decoder: ActionDecoder) -> None:
    text = read(goal)
    ways = as_tensor([said(text), known_ways(text, plan_of(TAUGHT[goal], text))])
    assert not bool(opposed(ways[0], ways[1]))
    assert decoder.decode(goal).actions == TAUGHT[goal]


def test_ways_come_from_words_and_where_these_are_silent_from_the_plan() -> None:
    left = (Action("turn_left", (("rotation_rad", 1.57),)),)
    assert said(read("go around it on your left-hand side")) == {"side": {1}}
    assert done(left) == {"side": frozenset({1})}
    assert done((Action("turn_left", (("rotation_rad", 3.1416),)),)) == {}
    assert known_ways(read("turn to the right"), left)["side"] == {-1}


def turn(side: str, angle: float) -> tuple[Action, ...]:
    return (Action(f"turn_{side}", (("rotation_rad", angle),)),)


def test_who_turns_round_to_one_side_does_so_by_habit() -> None:
    left, right = turn("left", 3.141593), turn("right", 3.141593)
    assert habit([right, turn("left", 1.5708)]) == "right"
    assert habit([left, right]) == ""
    assert habit([(*left, Action("sit"))]) == ""
    # who looks all around comes back to where they were
    assert habit([right, turn("left", 6.283185)]) == "right"


def test_what_the_words_leave_open_is_done_as_it_was_taught(tmp_path) -> None:
    # given a project that turns round to the right
    rows = [Row("do an about-face", (step("turn_right", rotation_rad=3.14159),), "pattern", "x:1")]
    rows += [Row("sit down", (step("sit"),), "pattern", "x:2")]
    train(rows, GO1, tmp_path, TrainOptions(encoder="light"))
    made = load_decoder(tmp_path, GO1)
    # then so is what the reader of goals understands, unless a side is said
    for goal, action in (("turn around", "turn_right"), ("turn around to the left", "turn_left")):
        assert [item.action for item in made.decode(goal).actions] == [action]


def test_back_to_a_place_is_a_return_and_no_way() -> None:
    assert said(read("trot back to your beat")) == said(read("head back home")) == {}
    assert said(read("back up half a meter"))["way"] == said(read("go back"))["way"] == {-1}


@pytest.mark.parametrize(
    "goal",
    ["cross the hall, the person left alone", "walk on with the heap left as it is"],
)
def test_what_is_left_alone_is_on_no_side(goal: str) -> None:
    assert "side" not in said(read(goal))
    assert "side" in said(read(f"{goal}, then turn left"))
