"""What training added: a paired difference with its interval, and a warning where it is none."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from handlers.lora.model.interface import Decoded
from handlers.lora.model.rows import Row
from handlers.lora.scorecard.gain import gain, nearest_alone, paired_bounds, warning
from handlers.lora.scorecard.results import examined
from handlers.project.formats.examples import Step

SIT = (Step("sit", {}),)
ROWS = [Row(f"goal {number}", SIT, "pattern", f"x:{number}") for number in range(10)]


class Knows:
    """Sits at the first so many goals."""

    def __init__(self, count: int) -> None:
        self.goals = {row.goal for row in ROWS[:count]}

    def decode(self, goal: str, image: Path | None = None) -> Decoded:
        known = goal in self.goals
        return Decoded(goal, SIT if known else (), not known, False, (), 1.0, 1.0)


@pytest.mark.parametrize(("trained", "plain", "value"), [(9, 4, 0.5), (4, 4, 0.0), (3, 6, -0.3)])
def test_it_is_the_difference_on_the_same_goals(trained: int, plain: int, value: float) -> None:
    results = [examined(Knows(trained), row) for row in ROWS]
    check = gain(results, ROWS, Knows(plain), held_out=True)
    assert (check.axis, check.value, check.result, check.n) == ("training", value, "pass", 10)
    assert check.lower is not None and check.upper is not None  # noqa: PT018
    assert check.lower < value < check.upper
    assert bool(warning(check, held_out=True)) == (value <= 0)
    assert not warning(check, held_out=False)  # words that are known say nothing of training


def test_what_the_adapter_adds_by_itself_stands_beside_it() -> None:
    # given examples that sit and that jump, and adapters that find some of them near
    jump = (Step("jump", {}),)
    taught = [Row("take a seat", SIT, "pattern", "t:1"), Row("hop", jump, "pattern", "t:2")]

    class Finds(Knows):
        def decode(self, goal: str, image: Path | None = None) -> Decoded:
            near = "take a seat" if goal in self.goals else "hop"
            return replace(super().decode(goal, image), nearest=(near,))

    said = nearest_alone(Finds(7), Finds(3), ROWS, taught)
    assert said == "; the nearest example alone is right for 7 with it, 3 without"
    assert nearest_alone(Finds(7), None, ROWS, taught) == ""
    results = [examined(Knows(9), row) for row in ROWS]
    assert gain(results, ROWS, Knows(9), held_out=True, alone=said).detail.endswith(said)


def test_without_anything_to_compare_nothing_is_claimed() -> None:
    assert gain([], [], Knows(1), held_out=True).value is None
    assert gain([], ROWS, None, held_out=True).value is None


def test_the_interval_holds_the_true_difference_as_often_as_it_says() -> None:
    draw, covered = random.Random(5), 0
    for _ in range(2000):  # 70 pairs, of which 20% are won and 8% lost
        cells = draw.choices("wls", weights=(20, 8, 72), k=70)
        low, high = paired_bounds(cells.count("w"), cells.count("l"), 70)
        covered += low <= 0.12 <= high
    assert covered / 2000 >= 0.94
