"""Successive halving: the best candidate by few missions, on seeds that all of them share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pytest

from handlers.judge.gates.arena import Broken
from handlers.judge.gates.search import halve
from handlers.judge.gates.tally import Drive

BROKEN = Broken("it broke", "", ({}, ()))


class Course:
    """Missions of candidates that do so many phases and fall so often."""

    def __init__(self, *candidates: tuple[int, int] | None) -> None:
        self.candidates = candidates
        self.seeds: dict[int, list[int]] = defaultdict(list)

    def __call__(self, tasks: Sequence[tuple[int, int]]) -> list[Drive | Broken]:
        results: list[Drive | Broken] = []
        for index, seed in tasks:
            self.seeds[index].append(seed)
            made = self.candidates[index]
            if made is None:
                results.append(BROKEN)
            else:
                results.append(Drive(seed, False, ("p",) * made[0], made[1], 5))
        return results


def test_the_best_is_found_and_the_worse_half_goes_each_round() -> None:
    course = Course((1, 0), (0, 0), (3, 0), (2, 0))
    found = halve(4, 24, 1000, course)
    assert found.best == 2
    assert found.episodes == 24
    # then each round has fresh seeds, the same for all, and the last two had more
    assert course.seeds[1] == course.seeds[0] == [1000, 1001, 1002]
    assert course.seeds[2] == course.seeds[3] == [*range(1000, 1009)]


def test_a_single_candidate_is_not_driven() -> None:
    found = halve(1, 24, 0, Course((1, 0)))
    assert (found.best, found.episodes) == (0, 0)


def test_of_equals_the_one_that_falls_less_and_then_the_first() -> None:
    assert halve(3, 12, 0, Course((1, 2), (1, 1), (1, 1))).best == 1


def test_one_that_broke_comes_last() -> None:
    assert halve(3, 12, 0, Course(None, (0, 9), None)).best == 1


@pytest.mark.parametrize("budget", [0, 1, 2, 5, 7, 40])
def test_the_budget_is_kept(budget: int) -> None:
    course = Course(*[(index, 0) for index in range(7)])
    found = halve(7, budget, 0, course)
    assert sum(map(len, course.seeds.values())) == found.episodes <= budget
