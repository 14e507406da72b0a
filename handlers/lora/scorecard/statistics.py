"""Exact bounds for counts: Clopper-Pearson, McNemar, and how many rows would decide."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import comb, exp, lgamma, log
from typing import Literal

LEVEL = 0.05
POWER = 0.8
MOST_ROWS = 2000
Side = Literal["above", "below"]


def lower_bound(hits: int, n: int, level: float = LEVEL) -> float:
    """The one-sided 95% Clopper-Pearson lower bound of a share; 0 without data."""
    if n == 0 or hits == 0:
        return 0.0
    return _bisect(lambda p: at_least(hits, n, p) - level)


def upper_bound(hits: int, n: int, level: float = LEVEL) -> float:
    """The one-sided 95% Clopper-Pearson upper bound of a share; 1 without data."""
    if n == 0 or hits == n:
        return 1.0
    return 1.0 - lower_bound(n - hits, n, level)


def at_least(hits: int, n: int, p: float) -> float:
    """P[Bin(n, p) >= hits]."""
    if hits <= 0:
        return 1.0
    if p <= 0.0 or hits > n:
        return 0.0
    if p >= 1.0:
        return 1.0
    total, expected = 0.0, n * p
    for k in range(hits, n + 1):
        mass = _mass(k, n, p)
        total += mass
        if k > expected and mass < total * 1e-17:
            break  # what follows is smaller still, and changes no digit
    return min(1.0, total)


def _mass(k: int, n: int, p: float) -> float:
    ways = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
    return exp(ways + k * log(p) + (n - k) * log(1.0 - p))


def _bisect(function: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if function(middle) > 0:
            high = middle
        else:
            low = middle
    return low


def mcnemar(lost: int, won: int) -> float:
    """One-sided exact P[Bin(lost + won, 1/2) >= lost]: are more goals lost than chance would?"""
    pairs = lost + won
    return sum(comb(pairs, k) for k in range(lost, pairs + 1)) / 2**pairs if pairs else 1.0


@lru_cache(maxsize=256)
def rows_needed(rate: float, threshold: float) -> int | None:
    """Rows with which a true rate over the threshold is shown to be so, with 80% power.

    Power rises with the rows in saw teeth: this is the number from which on it stays up. None when
    the rate is not over the threshold, or more than 2,000 rows would be needed.
    """
    if rate <= threshold:
        return None
    fewest = too_few = 0
    for n in range(1, MOST_ROWS + 1):
        # as lower_bound(fewest, n) >= threshold, without looking for the bound
        while fewest <= n and at_least(fewest, n, threshold) > LEVEL and threshold > 0:
            fewest += 1
        if fewest > n or at_least(fewest, n, rate) < POWER:
            too_few = n
    return too_few + 1 if too_few < MOST_ROWS else None


def more_rows(hits: int, n: int, threshold: float) -> tuple[Side, int | None]:
    """Which side of the threshold a share seems to lie on, and how many more rows would show it.

    With 80% power if the true rate is the one seen so far. None: more than 2,000, or the share is
    the threshold itself.
    """
    rate = hits / n if n else 1.0
    above = rate >= threshold
    side: Side = "above" if above else "below"
    good, bar = (hits, threshold) if above else (n - hits, 1.0 - threshold)
    seen = round(good / n, 2) if n else 1.0
    needed = rows_needed(min(seen, 0.98), bar)
    if seen == 1.0:  # without a single miss so far: as few as may do
        needed = _without_a_miss(bar)
    if needed is None:
        return side, None
    while needed <= n or lower_bound(good + round((needed - n) * seen), needed) < bar:
        needed += 1  # enough rows for this rate, and too few for the hits there are
        if needed - n > MOST_ROWS:
            return side, None
    return side, needed - n


def _without_a_miss(threshold: float) -> int | None:
    for n in range(1, MOST_ROWS + 1):
        if LEVEL ** (1.0 / n) >= threshold:
            return n
    return None
