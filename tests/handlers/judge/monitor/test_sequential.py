"""The watch window: worse runs take a rewrite back, and chance alone seldom does."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from random import Random

import pytest

from handlers.judge.monitor.sequential import ALPHA, RunScore, decide, looks_for, p_worse


def runs(*phases: int, success: int = 5) -> list[RunScore]:
    return [RunScore(f"r{i}", done >= success, done) for i, done in enumerate(phases)]


def test_the_p_value_is_that_of_counting_every_split() -> None:
    before, after = [3, 1, 4, 1], [0, 1, 2]
    pool = [*before, *after]

    def midrank(value: int) -> float:
        return sum(v < value for v in pool) + (sum(v == value for v in pool) + 1) / 2

    seen = sum(map(midrank, after))
    splits = list(combinations(pool, len(after)))
    as_low = sum(sum(map(midrank, split)) <= seen for split in splits)
    assert p_worse(before, after) == Fraction(as_low, len(splits))


def test_clearly_worse_runs_are_found_at_the_first_look() -> None:
    watch = decide(runs(5, 5, 5, 5, 5, 5), runs(1, 0, 1, 1))
    assert watch.decision == "worse"
    assert watch.p == 1 / 210
    assert watch.evidence["before"] == {"runs": 6, "succeeded": 6, "phases_done_mean": 5.0}
    assert watch.evidence["after"]["succeeded"] == 0
    assert "permutation" in watch.test


def test_three_bad_runs_are_not_yet_evidence() -> None:
    assert decide(runs(5, 5, 5, 5, 5, 5), runs(1, 0, 1)).decision == "waiting"


def test_better_or_equal_runs_keep_it_after_the_window() -> None:
    assert decide(runs(2, 3, 2), runs(*[3] * 11)).decision == "waiting"
    assert decide(runs(2, 3, 2), runs(*[3] * 12)).decision == "kept"
    kept = decide(runs(2, 3, 2), runs(*[3] * 12))
    assert "were not found worse than the 3 before" in kept.reason
    assert kept.evidence["least_p"] == round(1 / 455, 6)


def test_what_could_not_have_been_found_is_not_said_to_be_well() -> None:
    # given nothing to compare with, or runs than which none is worse
    for before in ([], runs(*[0] * 20)):
        assert decide(before, runs(0, 0, 0)).decision == "waiting"
        watch = decide(before, runs(0, 0, 0, 0))
        assert watch.decision == "undecided"
        assert "cannot tell" in watch.reason
        assert watch.evidence["least_p"] == 1.0


@pytest.mark.parametrize(("count", "first", "last"), [(1, 19, 19), (2, 10, 20), (3, 6, 12)])
def test_with_few_runs_before_the_looks_come_as_soon_as_they_can_tell(
    count: int, first: int, last: int
) -> None:
    before = runs(*[5] * count)
    assert decide(before, runs(*[0] * (first - 1))).decision == "waiting"
    assert decide(before, runs(*[0] * first)).decision == "worse"
    assert decide(before, runs(*[5] * last)).decision == "kept"
    # one look earlier could not have told
    looks = looks_for(count)
    assert looks[0] == first
    assert p_worse([1] * count, [0] * (first - 1)) > ALPHA / len(looks)


def test_success_counts_above_phases() -> None:
    before = [RunScore("b", True, 2)] * 8
    assert decide(before, [RunScore("a", False, 2)] * 4).decision == "worse"


def test_a_look_does_not_change_with_the_runs_after_it() -> None:
    before, bad = runs(*[5] * 8), runs(*[0] * 4)
    assert decide(before, [*bad, *runs(*[5] * 20)]).decision == "worse"


@pytest.mark.parametrize(
    ("before", "windows"),
    [
        (3, 300),
        *(pytest.param(count, 1500, marks=pytest.mark.long) for count in (1, 2, 3, 4)),
        pytest.param(20, 500, marks=pytest.mark.long),
    ],
)
def test_a_prompt_that_makes_no_difference_is_seldom_taken_back(before: int, windows: int) -> None:
    # given many windows in which before and after are drawn alike
    draw = Random(7)
    taken = 0
    for _ in range(windows):
        made = [RunScore("r", (k := draw.choice((0, 1, 2, 3, 5))) == 5, k) for _ in range(40)]
        after = made[before : before + looks_for(before)[-1]]
        # the daemon looks after every run
        decisions = (decide(made[:before], after[:seen]).decision for seen in looks_for(before))
        taken += "worse" in decisions
    # then the promised level holds (three standard errors above it would be 6.7%)
    assert taken / windows <= 0.05
