"""How often plans of such a score were right: an isotonic curve, fitted out of fold.

Pool adjacent violators (Zadrozny and Elkan 2002). Each pool is answered for with one miss more than
it had, so that three hits of three are no certainty.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

Curve = list[tuple[float, float]]
"""Scores in rising order, and from each on the share that was right, which never falls."""


def fit_curve(scores: Sequence[float], right: Sequence[bool]) -> Curve:
    """The curve of scores and of whether their plans were right; empty without any."""
    pools: list[tuple[float, int, int]] = []  # least score, hits, all
    for score, hit in sorted(zip(scores, right, strict=True)):
        pools.append((score, int(hit), 1))
        while len(pools) > 1 and _share(pools[-2]) >= _share(pools[-1]):
            low, hits, count = pools[-2]
            pools[-2:] = [(low, hits + pools[-1][1], count + pools[-1][2])]
    curve: Curve = []
    for low, hits, count in pools:
        careful = round(hits / (count + 1), 4)
        curve.append((round(low, 4), max(careful, curve[-1][1] if curve else 0.0)))
    return curve


def confidence(score: float, curve: Curve) -> float:
    """The probability that a plan of this score is right; the score itself without a curve."""
    if not curve:
        return min(max(score, 0.0), 1.0)
    at = bisect_right([low for low, _ in curve], score)
    return curve[at - 1][1] if at else curve[0][1] / 2


def _share(pool: tuple[float, int, int]) -> float:
    return pool[1] / pool[2]
