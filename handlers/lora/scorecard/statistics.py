"""Exact bounds for counts: Clopper-Pearson, McNemar, and how many rows would show something."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import ceil, comb, exp, lgamma, log

LEVEL = 0.05
POWER = 0.8
NO_TOOTH_LEADS_BACK = 0.97
MOST_ROWS = 2000


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


def interval(hits: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """The two-sided 95% Clopper-Pearson interval of a share; everything without data."""
    return lower_bound(hits, n, level / 2), upper_bound(hits, n, level / 2)


def hits_needed(n: int, threshold: float, level: float = LEVEL) -> int | None:
    """The fewest hits of n that show a share to be at least the threshold; None where none do.

    Exactly those whose lower bound at this level is not under the threshold.
    """
    if threshold <= 0.0:
        return 0
    fewest = min(n, int(threshold * n))  # below the mean no tail is small
    while fewest <= n and at_least(fewest, n, threshold) > level:
        fewest += 1
    return fewest if fewest <= n else None


def at_least(hits: int, n: int, p: float) -> float:
    """P[Bin(n, p) >= hits]."""
    if hits <= 0:
        return 1.0
    if p <= 0.0 or hits > n:
        return 0.0
    if p >= 1.0:
        return 1.0
    start = min(n, max(hits, int(n * p)))  # where the mass is largest, and never rounds to nothing
    first = _mass(start, n, p)
    odds = p / (1.0 - p)
    total = mass = first
    for k in range(start, n):
        mass *= odds * (n - k) / (k + 1)
        total += mass
        if mass < total * 1e-17:
            break  # what follows is smaller still, and changes no digit
    mass = first
    for k in range(start, hits, -1):
        mass *= k / ((n - k + 1) * odds)
        total += mass
        if mass < total * 1e-17:
            break
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


@lru_cache(maxsize=4096)
def rows_needed(
    rate: float, threshold: float, level: float = LEVEL, *, lost: int = 0, weighed: bool = False
) -> int | None:
    """Rows with which a true rate over the threshold is shown to be so, with 80% power.

    `lost`: so many of them are wrong whatever comes; `weighed`: rows of unequal weights, whose
    share falls between two counts and is rounded down.
    Power rises with the rows in saw teeth: this is the number from which on it stays up. None when
    the rate is not over the threshold, or more than 2,000 rows would be needed.
    """
    if rate <= threshold:
        return None
    fewest = too_few = 0
    for n in range(1 + lost, MOST_ROWS + 1):
        # as hits_needed(n, threshold, level), going on from the hits that n - 1 rows need
        while fewest <= n and at_least(fewest, n, threshold) > level and threshold > 0:
            fewest += 1
        power = at_least(fewest, n - lost, rate)
        if weighed:
            power = (power + at_least(fewest + 1, n - lost, rate)) / 2
        if power < POWER:
            too_few = n
        elif power > NO_TOOTH_LEADS_BACK:
            break
    return too_few + 1 if too_few < MOST_ROWS else None


def fewest_rows(threshold: float, level: float = LEVEL) -> int | None:
    """The fewest rows that, all right, show a share of at least the threshold."""
    if threshold <= 0.0:
        return 1
    if threshold >= 1.0:
        return None
    rows = ceil(log(level) / log(threshold) - 1e-9)
    return rows if rows <= MOST_ROWS else None
