"""The best of several candidate prompts, found with few missions: successive halving.

In each round all that are left drive the same seeds, fresh ones, and the better half goes on, with
twice as many each (Jamieson and Talwalkar, "Non-stochastic best arm identification and
hyperparameter optimization", AISTATS 2016). This chooses and proves nothing: the best of many looks
better than it is, so the one that is left is confirmed on seeds of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, log2

from handlers.judge.gates.arena import Broken
from handlers.judge.gates.tally import Drive

DriveAll = Callable[[Sequence[tuple[int, int]]], Sequence[Drive | Broken]]
"""(candidate's index, seed) for each mission -> what came of them, in that order."""


@dataclass(frozen=True, slots=True)
class Found:
    """The candidate that is left, by its index, and how many missions that took."""

    best: int
    episodes: int


def halve(count: int, budget: int, first_seed: int, drive_all: DriveAll) -> Found:
    """The best of `count` candidates, with at most `budget` missions; a single one costs none.

    By score (phases done, and success), then by falls per phase reached, then by their order. One
    that broke comes after all that did not. Seeds are `first_seed` and those after it. Where the
    budget does not give each candidate a mission, those that come last are left out.
    """
    if count < 1:
        raise ValueError("there is no candidate")
    left = list(range(min(count, max(1, budget))))
    results: dict[int, list[Drive | Broken]] = {index: [] for index in left}
    share = budget // max(1, ceil(log2(len(left))))
    spent, seed = 0, first_seed
    while len(left) > 1:
        each = max(1, min(share, budget - spent) // len(left))
        if spent + each * len(left) > budget:
            break
        tasks = [(index, seed + step) for step in range(each) for index in left]
        for (index, _), result in zip(tasks, drive_all(tasks), strict=True):
            results[index].append(result)
        spent, seed = spent + len(tasks), seed + each
        left.sort(key=lambda index: _rank(results[index], index))
        del left[ceil(len(left) / 2) :]
    return Found(left[0], spent)


def _rank(results: Sequence[Drive | Broken], index: int) -> tuple[int, float, float, int]:
    """The lower the better."""
    drives = [result for result in results if isinstance(result, Drive)]
    if not drives:
        return len(results), 0.0, 0.0, index
    score = sum(drive.score for drive in drives) / len(drives)
    falls = sum(drive.fall_rate for drive in drives) / len(drives)
    return len(results) - len(drives), -score, falls, index
