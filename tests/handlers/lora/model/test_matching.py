"""Ways to cut a goal, with likenesses that are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from handlers.lora.model.answers.answer import answer
from handlers.lora.model.answers.matching import Matcher
from handlers.lora.model.encoders.light import LightEncoder
from handlers.lora.model.lexicon import Action, Entry
from handlers.lora.model.text import read

torch = pytest.importorskip("torch")

DOOR, AWAKE = "smash that gate", "rouse yourself"
LIKE = {"bash it in": (0.86, 0.1), "open eyes": (0.1, 0.66)}


class Told(LightEncoder):
    """Vectors whose cosines to DOOR and AWAKE are LIKE; of two pieces at once `both`."""

    def __init__(self, both: tuple[float, float]) -> None:
        self.both = both

    def encode(self, texts: Sequence[str], images: Any = None) -> Any:
        likeness = torch.tensor([LIKE.get(text, self.both) for text in texts])
        rest = (1 - likeness.square().sum(1, keepdim=True)).clamp(min=0).sqrt()
        return torch.cat([likeness, rest], 1)


@pytest.mark.parametrize("goal", ["bash it in then open eyes", "open eyes after you bash it in"])
def test_a_goal_of_two_clauses_is_not_taken_for_what_one_of_them_says(goal: str) -> None:
    # given a goal that is a little liker to what half of it says than its halves are to theirs
    plans = (Action("rear_kick"),), (Action("stand_up"),)
    entries = [Entry(read(said), plan) for said, plan in zip((DOOR, AWAKE), plans, strict=True)]
    vectors = torch.eye(3)[:2]
    matcher = Matcher(Told((0.81, 0.2)), entries, vectors, False, ["rear_kick", "stand_up"])
    # then both are done
    steps = [step["action"] for step in answer(matcher, None, read(goal)).steps]
    assert steps == ["rear_kick", "stand_up"]
    # and where what is taught has as many clauses, it is taken as a whole
    whole = [Entry(read("smash that gate then rouse"), plans[0]), entries[1]]
    matcher = Matcher(Told((0.81, 0.2)), whole, vectors, False, ["rear_kick", "stand_up"])
    assert [step["action"] for step in answer(matcher, None, read(goal)).steps] == ["rear_kick"]


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
    assert [step["action"] for step in answer(matcher, None, read(goal)).steps] == steps
