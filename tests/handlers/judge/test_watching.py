"""The watch window: worse runs take a rewrite back, and chance alone seldom does."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from random import Random

from handlers.judge.watching import LOOKS, RunScore, p_worse, verdict


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
    watch = verdict(runs(5, 5, 5, 5, 5, 5), runs(1, 0, 1, 1))
    assert watch.decision == "worse"
    assert watch.p == 1 / 210
    assert watch.evidence["before"] == {"runs": 6, "succeeded": 6, "phases_done_mean": 5.0}
    assert watch.evidence["after"]["succeeded"] == 0
    assert "permutation" in watch.test


def test_three_bad_runs_are_not_yet_evidence() -> None:
    assert verdict(runs(5, 5, 5, 5, 5, 5), runs(1, 0, 1)).decision == "waiting"


def test_better_or_equal_runs_keep_it_after_the_window() -> None:
    assert verdict(runs(2, 3, 2), runs(*[3] * 11)).decision == "waiting"
    assert verdict(runs(2, 3, 2), runs(*[3] * 12)).decision == "kept"
    assert verdict([], runs(*[0] * 12)).decision == "kept"


def test_success_counts_above_phases() -> None:
    before = [RunScore("b", True, 2)] * 8
    assert verdict(before, [RunScore("a", False, 2)] * 4).decision == "worse"


def test_a_look_does_not_change_with_the_runs_after_it() -> None:
    before, bad = runs(*[5] * 8), runs(*[0] * 4)
    assert verdict(before, [*bad, *runs(*[5] * 20)]).decision == "worse"


def test_a_prompt_that_makes_no_difference_is_seldom_taken_back() -> None:
    # given many windows in which before and after are drawn alike
    draw, windows = Random(7), 1500
    taken = 0
    for _ in range(windows):
        made = [RunScore("r", (k := draw.choice((0, 1, 2, 3, 5))) == 5, k) for _ in range(32)]
        taken += verdict(made[:20], made[20 : 20 + LOOKS[-1]]).decision == "worse"
    # then the promised level holds (three standard errors above it would be 6.7%)
    assert taken / windows <= 0.05
