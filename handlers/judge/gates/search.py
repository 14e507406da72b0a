"""Which of several candidate prompts is worth a trial, found with few missions.

In each round all that are left drive the same seeds as the prompt they would replace, fresh ones,
and half of them go on, with twice as many each: successive halving (Jamieson and Talwalkar,
"Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016). Those go
on first that no other beats in every phase and in falls at once, a Pareto front (Agrawal et al.,
"GEPA: Reflective prompt evolution can outperform reinforcement learning", 2025): what alone gets
the robot through one phase is not lost because it does nothing for another. The best for two
different phases are merged into a further candidate.

This chooses and proves nothing: the best of many looks better than it is, so the one that is left
is confirmed on seeds of its own. And it is confirmed only if it is ahead here, since a trial that
shows nothing uses up some of the error that all trials of a project share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import ceil, log2

from handlers.judge.gates.arena import Broken
from handlers.judge.gates.tally import Drive, gain

BEFORE = -1
"""The index of the prompt as it is."""
LEAD = 1.0
"""So far ahead, in gains added up (a success and a phase, or two phases), one may be confirmed."""
PILOT = 16
"""Seeds on which the last one may come to lead: at +20 points nine of ten do."""
MERGES = 3
"""Merged candidates a round at most."""

DriveAll = Callable[[Sequence[tuple[int, int]]], Sequence[Drive | Broken]]
"""(candidate's index, or BEFORE, and seed) of each mission -> what came of them, in that order."""
Merge = Callable[[int, int], int | None]
"""The index of a new candidate made of two; None where they do not go together."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a candidate did on the seeds it shared with the prompt as it is.

    `missions` it drove; `gain` of a mission over the old prompt's on average (tally.gain).
    """

    missions: int
    gain: float


@dataclass(frozen=True, slots=True)
class Found:
    """The candidate to be tried, by its index; None where none is ahead. `episodes`: missions."""

    best: int | None
    episodes: int
    standings: dict[int, Standing] = field(default_factory=dict)


def search(
    count: int,
    budget: int,
    first_seed: int,
    drive_all: DriveAll,
    merge: Merge = lambda _one, _other: None,
    is_over: Callable[[], bool] = lambda: False,
) -> Found:
    """The best of `count` candidates, with at most `budget` missions on `first_seed` and after it.

    By gain, then by falls per phase reached, then by their order. Where the budget does not give
    each a mission, those that come last are left out. `is_over`: whether the time is.
    """
    if count < 1:
        raise ValueError("there is no candidate")
    return _Search(budget, first_seed, drive_all, merge, is_over).run(count)


@dataclass
class _Search:
    budget: int
    seed: int
    drive_all: DriveAll
    merge: Merge
    is_over: Callable[[], bool]
    spent: int = 0
    before: dict[int, Drive | Broken] = field(default_factory=dict)
    results: dict[int, dict[int, Drive | Broken]] = field(default_factory=dict)

    def run(self, count: int) -> Found:
        left = list(range(min(count, max(1, self.budget - 1))))
        rounds = ceil(log2(len(left) + MERGES)) + 1
        share = self.budget // rounds
        while len(left) > 1 and not self.is_over():
            each = max(1, min(share, self.budget - self.spent) // (len(left) + 1))
            if not self._drive(left, each):
                break
            left = self._better_half(left)
        leader = min(left, key=self._rank)
        ahead = self._pilot(leader)
        standings = {index: self._standing(index) for index in self.results}
        return Found(leader if ahead else None, self.spent, standings)

    def _drive(self, indexes: Sequence[int], seeds: int) -> bool:
        """A round; False where the budget does not suffice."""
        tasks = [(index, self.seed + step) for step in range(seeds) for index in (BEFORE, *indexes)]
        if self.spent + len(tasks) > self.budget:
            return False
        for (index, seed), result in zip(tasks, self.drive_all(tasks), strict=True):
            into = self.before if index == BEFORE else self.results.setdefault(index, {})
            into[seed] = result
        self.spent, self.seed = self.spent + len(tasks), self.seed + seeds
        return True

    def _better_half(self, left: Sequence[int]) -> list[int]:
        ranked = sorted(left, key=self._rank)
        front = [one for one in ranked if not any(self._beats(other, one) for other in ranked)]
        kept = list(dict.fromkeys([*front, *ranked]))[: ceil(len(ranked) / 2)]
        return kept if len(kept) == 1 else [*kept, *self._merged(kept)]

    def _merged(self, kept: Sequence[int]) -> Iterator[int]:
        """New candidates, of those alone that both gained something."""
        gained = [index for index in kept if self._standing(index).gain > 0]
        made = 0
        for one, other in combinations(gained, 2):
            index = self.merge(one, other) if made < MERGES else None
            if index is not None:
                made += 1
                yield index

    def _pilot(self, leader: int) -> bool:
        """Whether the last one gets ahead of the old prompt; one that broke is for the trial."""
        while True:
            pairs = self._pairs(leader)
            gains = sum(gain(old, new) for old, new in pairs)
            broke = len(pairs) < len(self.results.get(leader, ()))
            if broke or abs(gains) >= LEAD or len(pairs) >= PILOT or self.is_over():
                return broke or gains > 0
            if not self._drive([leader], 1):
                return gains > 0 or not pairs  # without any mission nothing speaks against it

    # -- how they stand ----------------------------------------------------------------------------

    def _pairs(self, index: int) -> list[tuple[Drive, Drive]]:
        found = []
        for seed, new in self.results.get(index, {}).items():
            old = self.before[seed]
            if isinstance(old, Drive) and isinstance(new, Drive):
                found.append((old, new))
        return found

    def _standing(self, index: int) -> Standing:
        pairs = self._pairs(index)
        missions = len(self.results.get(index, ()))
        mean = sum(gain(old, new) for old, new in pairs) / len(pairs) if pairs else 0.0
        return Standing(missions, round(mean, 4))

    def _rank(self, index: int) -> tuple[int, float, float, int]:
        """The lower the better. One that broke comes after all that did not."""
        results = self.results.get(index, {})
        drives = [result for result in results.values() if isinstance(result, Drive)]
        falls = sum(drive.fall_rate for drive in drives) / max(1, len(drives))
        return len(results) - len(drives), -self._standing(index).gain, falls, index

    def _beats(self, one: int, other: int) -> bool:
        """Whether one is at least as good as another in everything, and better in something."""
        a, b = self._profile(one), self._profile(other)
        names = a.keys() | b.keys()
        differences = [a.get(name, 0.0) - b.get(name, 0.0) for name in names]
        return min(differences, default=0.0) >= 0 and max(differences, default=0.0) > 0

    def _profile(self, index: int) -> dict[str, float]:
        """How often each phase was done, the mission succeeded ("") and, negative, falls."""
        drives = [r for r in self.results.get(index, {}).values() if isinstance(r, Drive)]
        profile: dict[str, float] = {"": 0.0, "falls": 0.0}
        for drive in drives:
            profile[""] += drive.success / len(drives)
            profile["falls"] -= drive.fall_rate / len(drives)
            for name in drive.phases:
                key = f"phase {name}"
                profile[key] = profile.get(key, 0.0) + 1 / len(drives)
        return profile
