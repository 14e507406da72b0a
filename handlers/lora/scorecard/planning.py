"""How many rows an exam still lacks, for the next look at it to be worth taking.

Planned with what rows will be worth, not with how many there are: rows that are written in the
shares in which things are taught come out unevenly, which costs some of them (handlers.lora.exam).
tests/benchmarks/bench_exam.py measures how
often an honest adapter is deployed with as many rows as this says.
"""

from __future__ import annotations

from handlers.lora.exam.questions import PRACTICE_ONE_IN
from handlers.lora.scorecard.results import Sealed
from handlers.lora.scorecard.statistics import MOST_ROWS, fewest_rows, interval, rows_needed

FEWEST_ASKED = 10
PLANNED = 0.1
"""Exams are planned for adapters that are so much better than they have to be."""
SEALED = 1 - 1 / PRACTICE_ONE_IN
"""The share of new rows that the hash seals, as a rule."""


def rows_to_decide(right: int, asked: int, sealed: Sealed, threshold: float) -> str:
    """How many more exam rows the next look needs, for adapters as good as practice shows."""
    rate = likely_share(right, asked, threshold)
    if rate <= threshold:
        return f"more rows do not help at a share of {rate:.2f}: teach more first"
    more = missing_rows(rate, sealed, threshold)
    if more is None:
        return f"more than {MOST_ROWS:,} rows would be needed at a share of {rate:.2f}"
    if more == 0:
        return "there are rows enough: teach more, or look again at another adapter"
    return f"about {more:,} more exam rows would show a share of {rate:.2f}"


def likely_share(right: int, asked: int, threshold: float) -> float:
    """What practice shows, but PLANNED over the threshold for as long as it may be that good."""
    planned = min(threshold + PLANNED, 1.0)
    if interval(right, asked)[1] < planned:
        return right / asked
    return max(planned, right / asked) if asked >= FEWEST_ASKED else planned


def missing_rows(rate: float, sealed: Sealed, threshold: float) -> int | None:
    """Exam rows to write, so that the next look shows such a share with 80% power; None: too many.

    So many that those of them that are sealed are worth enough as a rule.
    """
    needed = None
    if rate == 1.0 and not sealed.lost:
        needed = fewest_rows(threshold, sealed.next_level)
    if needed is None:
        likely = min(round(rate, 2), 0.98)
        needed = rows_needed(likely, threshold, sealed.next_level, lost=sealed.lost, weighed=True)
    if needed is None:
        return None
    if needed <= sealed.n:
        return 0
    low, high = 0, MOST_ROWS
    if sealed.stock.worth(int(high * SEALED)) < needed:
        return None
    while high - low > 1:  # what they are worth rises with their number
        middle = (low + high) // 2
        if sealed.stock.worth(int(middle * SEALED)) < needed:
            low = middle
        else:
            high = middle
    return high
