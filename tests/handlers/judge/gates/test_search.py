"""The best of several candidates by few missions, on seeds that all of them share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest

from handlers.judge.gates.arena import Broken
from handlers.judge.gates.search import BEFORE, PILOT, Found, search
from handlers.judge.gates.tally import Drive

BROKEN = Broken("it broke", "", ({}, ()))
PLAIN = (("a",), 0)


class Course:
    """Missions of candidates that do some phases and fall so often. `PLAIN` is the old prompt's."""

    def __init__(self, *candidates: tuple[Sequence[str], int] | None) -> None:
        self.candidates = [*candidates]
        self.seeds: dict[int, list[int]] = defaultdict(list)

    def __call__(self, tasks: Sequence[tuple[int, int]]) -> list[Drive | Broken]:
        results: list[Drive | Broken] = []
        for index, seed in tasks:
            self.seeds[index].append(seed)
            made = PLAIN if index == BEFORE else self.candidates[index]
            results.append(
                BROKEN if made is None else Drive(seed, False, tuple(made[0]), made[1], 5)
            )
        return results

    def search(self, budget: int = 96, **more: Any) -> Found:
        return search(len(self.candidates), budget, 1000, self, **more)


def test_the_best_is_found_on_seeds_that_the_old_prompt_drives_too() -> None:
    course = Course(PLAIN, ((), 0), ("abc", 0), ("ab", 0))
    found = course.search()
    assert found.best == 2
    assert found.episodes == sum(map(len, course.seeds.values())) <= 96
    assert found.standings[2].gain == 1.0
    assert found.standings[0].gain == 0.0
    # then no seed is driven twice, each is by the old prompt, and the best had more than the worst
    for seeds in course.seeds.values():
        assert len(set(seeds)) == len(seeds)
        assert set(seeds) <= set(course.seeds[BEFORE])
    assert len(course.seeds[2]) > len(course.seeds[1])


def test_where_none_is_ahead_none_is_worth_a_trial() -> None:
    course = Course(PLAIN, ((), 0))
    assert course.search().best is None
    # nor is a single one, which is given up after as many seeds as a helpful one needs to lead
    alone = Course(PLAIN)
    assert alone.search().best is None
    assert len(alone.seeds[0]) == PILOT
    harmful = Course(((), 0))
    assert harmful.search().best is None
    assert len(harmful.seeds[0]) == 2


def test_a_single_one_that_helps_at_once_costs_few_missions() -> None:
    found = Course(("abc", 0)).search()
    assert (found.best, found.episodes) == (0, 2)


def test_of_equals_the_one_that_falls_less_and_then_the_first() -> None:
    assert Course(("abc", 2), ("abc", 1), ("abc", 1)).search().best == 1


def test_one_that_broke_comes_last_and_is_left_to_the_trial_where_all_do() -> None:
    assert Course(None, ("abc", 9), None).search().best == 1
    assert Course(None, None).search().best == 0


def test_what_alone_does_a_phase_stays_and_the_best_for_two_phases_are_merged() -> None:
    # given one that is best for b and one that is best for c, and others that are better on average
    course = Course(("ab", 0), ("ac", 0), ("a", 0), ("a", 0))
    asked = []

    def merge(one: int, other: int) -> int | None:
        asked.append({one, other})
        course.candidates.append(("abcd", 0))
        return len(course.candidates) - 1

    found = course.search(merge=merge)

    # then the two together are tried, and found best
    assert asked[0] == {0, 1}
    assert found.best is not None
    assert found.best >= 4


def test_merges_are_not_made_of_what_gained_nothing() -> None:
    course = Course(PLAIN, ("ab", 0), PLAIN, PLAIN)
    assert course.search(merge=lambda _one, _other: pytest.fail("merged")).best == 1


def test_when_the_time_is_over_the_best_so_far_is_it() -> None:
    looks = iter([False, True, True, True])
    course = Course(PLAIN, ("ab", 0), ("abc", 0))
    found = course.search(is_over=lambda: next(looks))
    assert found.best == 2
    assert course.search(is_over=lambda: True).episodes == 0


@pytest.mark.parametrize("budget", [0, 1, 2, 5, 7, 40])
def test_the_budget_is_kept(budget: int) -> None:
    course = Course(*[(("ab"), 0) for _ in range(7)])
    found = course.search(budget)
    assert sum(map(len, course.seeds.values())) == found.episodes <= budget
