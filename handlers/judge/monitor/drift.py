"""Had the runs grown worse already before the rewrite? An exact permutation test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from math import comb

Stratum = tuple[tuple[int, ...], tuple[int, ...]]
"""Values of the runs before, and of those after."""
SLOT = 64
"""Bits for a number of ways: C(40, 20) and products of strata within the same runs need 38."""


@cache
def p_worse(*strata: Stratum) -> Fraction:
    """P[the rank sums of those after are as low as seen, or lower] if order made no difference.

    Exact. The ways to reach each sum are the digits of one large number, in base 2**SLOT: shifting
    it adds a rank, multiplying two of them adds up strata.
    """
    ways, seen, total = 1, 0, 1
    for before, after in strata:
        ranks = _doubled_ranks((*before, *after))
        seen += sum(ranks[len(before) :])
        total *= comb(len(ranks), len(after))
        sized = [1, *[0] * len(after)]  # by how many of the ranks are taken
        for rank in ranks:
            for size in range(len(after), 0, -1):
                sized[size] += sized[size - 1] << SLOT * rank
        ways *= sized[-1]
    low = ways & ((1 << SLOT * (seen + 1)) - 1)
    return Fraction(low % ((1 << SLOT) - 1) if low else 0, total)  # the sum of its digits


def _doubled_ranks(values: Sequence[int]) -> list[int]:
    """Twice the midrank of each value: whole numbers, ties shared."""
    counts = Counter(values)
    below, doubled = 0, {}
    for value in sorted(counts):
        doubled[value] = 2 * below + counts[value] + 1
        below += counts[value]
    return [doubled[value] for value in values]
