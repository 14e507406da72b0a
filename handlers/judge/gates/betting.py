"""Evidence that paired differences are above zero on average, valid whenever one looks.

A gambler starts with 1 and stakes a fraction of the capital on each difference d, which lies in
[-1, 1]: the capital is multiplied by 1 + stake * d. While the mean of d, given all that came
before, is not above 0, no gambler can expect to win. So the capital is an e-value after every
difference, and the chance that it ever reaches 1 / level is at most `level` (Ville's inequality):
one may look after every pair, and stop when one likes. As nobody knows the best stake, the capital
is spread evenly over a grid of stakes; the sum is as fair as each part of it.

Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", Journal
of the Royal Statistical Society B 86 (2024), sections 4 and B.3 (mixtures over a grid of stakes).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

STAKES = tuple((index + 0.5) / 32 for index in range(32))
"""The stakes there are. Below 1: a single loss never takes everything."""


class Bets:
    """The capital of such a gambler. `value` is the e-value now, `peak` the highest it was.

    The only assumption: the differences lie in [-1, 1], and under the hypothesis that is tested the
    mean of each, given those before it, is at most 0. Seeds that are drawn afresh for each pair and
    a policy that keeps nothing between runs see to that.
    """

    __slots__ = ("_parts", "peak")

    def __init__(self) -> None:
        self._parts = [1.0 / len(STAKES)] * len(STAKES)
        self.peak = 1.0

    @property
    def value(self) -> float:
        return sum(self._parts)

    def add(self, difference: float) -> None:
        """Take in a difference, which must lie in [-1, 1]."""
        if not -1.0 <= difference <= 1.0:
            raise ValueError(f"a difference of {difference} is not in [-1, 1]")
        if difference:
            stakes = zip(self._parts, STAKES, strict=True)
            self._parts = [part * (1.0 + stake * difference) for part, stake in stakes]
            self.peak = max(self.peak, self.value)

    def shows(self, level: float) -> bool:
        """Whether the hypothesis was ever refuted at a level."""
        return self.peak >= 1.0 / level


def capital(differences: Mapping[float, int]) -> float:
    """The e-value after differences in [-1, 1], of which each came so often, in whatever order."""
    if any(not -1.0 <= difference <= 1.0 for difference in differences):
        raise ValueError("a difference that is not in [-1, 1]")
    won = (
        prod((1.0 + stake * difference) ** count for difference, count in differences.items())
        for stake in STAKES
    )
    return sum(won) / len(STAKES)


def least_pairs(level: float) -> int:
    """How many pairs it takes at least, when each is won as clearly as can be."""
    bets, pairs = Bets(), 0
    while not bets.shows(level):
        bets.add(1.0)
        pairs += 1
    return pairs
