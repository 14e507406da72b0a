"""Ways to cut a goal, with likenesses that are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from handlers.goals.reading import read_goal
from handlers.lora.model.answers.answer import ANY, look
from handlers.lora.model.answers.doubts import forbidding
from handlers.lora.model.answers.ends import ends_as_taught
from handlers.lora.model.answers.matching import Matcher
from handlers.lora.model.encoders.light import LightEncoder
from handlers.lora.model.lexicon import Action, Entry
from handlers.lora.model.text import read

torch = pytest.importorskip("torch")

DOOR, AWAKE = "smash that gate", "rouse yourself"
WALKS = ("walk_forward",)
LIKE = {"bash it in": (0.86, 0.1), "open eyes": (0.1, 0.66)}


class Told(LightEncoder):
    """Vectors whose cosines to DOOR and AWAKE are LIKE; of two pieces at once `both`."""

    def __init__(self, both: tuple[float, float]) -> None:
        self.both = both

    def encode(self, texts: Sequence[str], images: Any = None) -> Any:
        likeness = torch.tensor([LIKE.get(text, self.both) for text in texts])
        rest = (1 - likeness.square().sum(1, keepdim=True)).clamp(min=0).sqrt()
        return torch.cat([likeness, rest], 1)


def done(matcher: Matcher, goal: str, familiar: float = ANY) -> list[str]:
    """The actions that a goal is taken for."""
    return [step["action"] for step in look(matcher, None, read(goal)).answer(familiar).steps]


@pytest.mark.parametrize("goal", ["bash it in then open eyes", "open eyes after you bash it in"])
def test_a_goal_of_two_clauses_is_not_taken_for_what_one_of_them_says(goal: str) -> None:
    # given a goal that is a little liker to what half of it says than its halves are to theirs
    plans = (Action("rear_kick"),), (Action("stand_up"),)
    entries = [Entry(read(said), plan) for said, plan in zip((DOOR, AWAKE), plans, strict=True)]
    vectors = torch.eye(3)[:2]
    matcher = Matcher(Told((0.81, 0.2)), entries, vectors, False, ["rear_kick", "stand_up"])
    # then both are done
    assert done(matcher, goal) == ["rear_kick", "stand_up"]
    # and where what is taught has as many clauses, it is taken as a whole
    whole = [Entry(read("smash that gate then rouse"), plans[0]), entries[1]]
    matcher = Matcher(Told((0.81, 0.2)), whole, vectors, False, ["rear_kick", "stand_up"])
    assert done(matcher, goal) == ["rear_kick"]


@pytest.mark.parametrize(
    ("goal", "steps"),
    [
        ("walk 2 m", ["rear_kick"]),
        ("walk 2 m and sit down", ["walk_forward", "sit"]),
    ],
)
def test_several_steps_that_are_understood_take_more_to_be_something_taught(
    goal: str, steps: list[str]
) -> None:
    # given a goal that is as near to something taught as wordings of one plan are to each other
    entries = [Entry(read(DOOR), (Action("rear_kick"),))]
    actions = ["rear_kick", "walk_forward", "sit"]
    matcher = Matcher(Told((0.99, 0.0)), entries, torch.eye(3)[:1], False, actions)
    # then a single step is taken for that; of several, which are alike in any order, none is
    assert done(matcher, goal) == steps


def test_a_piece_that_is_like_nothing_taught_is_one_with_its_neighbour() -> None:
    # given a goal of which one half is like an example, and the other a little like a mere part
    plans = (Action("rear_kick"),), (Action("stand_up"),)
    entries = [Entry(read(DOOR), plans[0], goal=DOOR), Entry(read(AWAKE), plans[1])]
    actions = ["rear_kick", "stand_up", "sit"]
    matcher = Matcher(Told((0.6, 0.1)), entries, torch.eye(3)[:2], False, actions)
    goal = "bash it in then open eyes"
    # then it is cut where both are familiar enough, and else the example answers both
    assert done(matcher, goal, familiar=0.3) == ["rear_kick", "stand_up"]
    got = look(matcher, None, read(goal)).answer(0.45)
    assert [step["action"] for step in got.steps] == ["rear_kick"]
    assert [text.key for text in got.strange] == ["open eyes"]
    # and not where a part of it is understood to the word: that part alone is not all that was said
    assert done(matcher, "sit down then open eyes", 0.45) == ["sit", "stand_up"]
    # nor where the other was taught as a goal
    entries[1] = Entry(read(AWAKE), plans[1], goal=AWAKE)
    matcher = Matcher(Told((0.6, 0.1)), entries, torch.eye(3)[:2], False, actions)
    assert done(matcher, goal, 0.45) == ["rear_kick", "stand_up"]


@pytest.mark.parametrize(
    ("goal", "steps"),
    [
        ("bash it in and stop there", ["rear_kick"]),
        ("bash it in and wait 5 seconds", ["rear_kick", "stand"]),
        ("bash it in and sit down", ["rear_kick", "sit"]),
    ],
)
def test_what_the_example_says_too_and_was_taught_to_need_no_step_gets_none(
    goal: str, steps: list[str]
) -> None:
    entries = [Entry(read(f"{DOOR} and stop"), (Action("rear_kick"),), goal="x")]
    told = Told((0.5, 0.0))
    matcher = Matcher(told, entries, torch.eye(3)[:1], False, ["rear_kick", "stand", "sit"])
    assert done(matcher, goal) == steps


@pytest.mark.parametrize(
    ("likeness", "is_end"), [((0.6, 0.2), True), ((0.3, 0.2), False), ((0.6, 0.7), False)]
)
def test_an_until_ends_what_was_taught_where_what_follows_is_like_it(
    likeness: tuple[float, float], is_end: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a goal with an "until", and how like what follows it is to two examples
    monkeypatch.setitem(LIKE, "it gives way", likeness)
    plans = (Action("rear_kick"),), (Action("stand_up"),)
    known = zip((DOOR, AWAKE), plans, strict=True)
    entries = [Entry(read(said), plan, goal=said) for said, plan in known]
    matcher = Matcher(Told((0.7, 0.0)), entries, torch.eye(3)[:2], False, ["rear_kick", "stand_up"])
    goal = "bash on until it gives way"
    (match,) = look(matcher, None, read(goal)).answer().path
    assert ends_as_taught(matcher, match) == is_end
    # and only then is it no condition
    ended = [match.text] if is_end else []
    assert bool(forbidding(read_goal(goal), [], ended=ended)) != is_end
    # and never where something else is a condition as well
    (match,) = look(matcher, None, read(f"{goal} if it holds")).answer().path
    assert not ends_as_taught(matcher, match)


@pytest.mark.parametrize(
    ("goal", "steps"),
    [
        ("bash it in and break it down", ["rear_kick"]),
        ("bash it in then rouse yourself", ["rear_kick", "stand_up"]),
        ("rouse yourself and get up", ["stand_up"]),  # one of them is taught, the other read
        ("get up and get up", ["stand_up", "stand_up"]),  # said twice
    ],
)
def test_two_wordings_of_one_plan_are_not_done_twice(
    goal: str, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIKE, "break it down", (0.84, 0.1))
    plans = (Action("rear_kick"),), (Action("stand_up"),)
    known = zip((DOOR, AWAKE), plans, strict=True)
    entries = [Entry(read(said), plan, goal=said) for said, plan in known]
    actions = ["rear_kick", "stand_up"]
    assert done(Matcher(Told((0.5, 0.1)), entries, torch.eye(3)[:2], False, actions), goal) == steps


@pytest.mark.parametrize(
    ("taught", "goal", "distance"),
    [
        ({"go ahead": 1.0}, "walk forward", 1.0),
        ({"go ahead": 1.0}, "walk forward and sit down", 1.0),
        ({"go ahead": 1.0}, "walk forward 2 m", 2.0),
        ({"go ahead": 1.0, "walk on": 1.0}, "walk forward", 1.0),
        ({"go ahead": 1.0, "walk on": 0.5}, "walk forward", None),  # which of them?
        ({"go to the door": 3.0}, "walk forward", None),  # that is no walk of any length
    ],
)
def test_what_does_not_say_by_how_much_is_done_as_the_examples_that_do_not(
    taught: dict[str, float], goal: str, distance: float | None
) -> None:
    entries = [
        Entry(read(said), (Action("walk_forward", (("distance_m", far),)),), goal=said)
        for said, far in taught.items()
    ]
    vectors = torch.eye(3)[: len(entries)]
    matcher = Matcher(Told((0.1, 0.1)), entries, vectors, False, ["walk_forward", "sit"])
    step, *_ = look(matcher, None, read(goal)).answer(ANY).steps
    assert (step["action"], step.get("distance_m")) == ("walk_forward", distance)


def test_what_an_example_of_several_steps_does_not_say_is_told_by_it_too() -> None:
    # given an amount that stands in an example of two steps, neither of which says by how much
    plan = (Action("stand_up"), Action("walk_forward", (("distance_m", 1.5),)))
    taught = "stand up and walk ahead"
    entries = [Entry(read(taught), plan, goal=taught)]
    matcher = Matcher(Told((0.1, 0.1)), entries, torch.eye(3)[:1], False, ["stand_up", *WALKS])
    # then who walks by nothing in particular walks as far
    (step,) = look(matcher, None, read("walk forward")).answer(ANY).steps
    assert step == {"action": "walk_forward", "distance_m": 1.5}


def test_a_goal_that_begins_with_after_is_read_as_a_whole() -> None:
    entries = [Entry(read(DOOR), (Action("rear_kick"),))]
    matcher = Matcher(Told((0.6, 0.1)), entries, torch.eye(3)[:1], False, ["turn_left", *WALKS])
    assert done(matcher, "after a left turn of 60 degrees walk 2 m") == ["turn_left", *WALKS]


@pytest.mark.parametrize(
    ("piece", "is_done"),
    [("calm down and settle", True), ("calm down", True), ("settle", False), ("down", False)],
)
def test_the_first_words_of_a_piece_that_is_done_are_no_condition(
    piece: str, is_done: bool
) -> None:
    reading = read_goal("before you calm down and settle, walk 2 m")
    assert [doubt.words for doubt in reading.doubts if doubt.kind == "conditional"]
    assert bool(forbidding(reading, [], done=[read(piece)])) != is_done
