"""Exact bounds: against closed forms, published tables and counting by hand."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.lora.scorecard.statistics import (
    LEVEL,
    POWER,
    at_least,
    fewest_rows,
    hits_needed,
    interval,
    lower_bound,
    mcnemar,
    rows_needed,
    upper_bound,
)


def smallest_n(threshold: float, misses: int) -> int:
    n = misses + 1
    while lower_bound(n - misses, n) < threshold:
        n += 1
    return n


def power(n: int, rate: float, threshold: float) -> float:
    """The chance that n rows at a true rate show it to be over the threshold."""
    first = int(threshold * n)  # below it no bound can be over the threshold
    hits = next((k for k in range(first, n + 1) if lower_bound(k, n) >= threshold), n + 1)
    return at_least(hits, n, rate)


# -- Clopper-Pearson -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [(0.8, [14, 22, 30, 37, 50]), (0.9, [29, 46, 61, 76, 103]), (0.95, [59, 93, 124, 153, 208])],
)
def test_the_fewest_rows_that_pass_with_some_misses(threshold: float, expected: list[int]) -> None:
    assert [smallest_n(threshold, misses) for misses in (0, 1, 2, 3, 5)] == expected


@pytest.mark.parametrize("n", [1, 2, 11, 100, 2000])
def test_without_a_miss_the_bound_has_a_closed_form(n: int) -> None:
    assert lower_bound(n, n) == pytest.approx(0.05 ** (1 / n), abs=1e-12)
    assert upper_bound(0, n) == pytest.approx(1 - 0.05 ** (1 / n), abs=1e-12)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(5, 10, 0.2224, 0.7776), (9, 10, 0.6058, 0.9949), (1, 20, 0.0026, 0.2161)],
)
def test_bounds_of_the_published_tables(hits: int, n: int, low: float, high: float) -> None:
    assert lower_bound(hits, n) == pytest.approx(low, abs=5e-5)
    assert upper_bound(hits, n) == pytest.approx(high, abs=5e-5)


def test_eleven_of_eleven_is_not_enough_for_four_fifths() -> None:
    assert lower_bound(11, 11) < 0.8


def test_without_data_nothing_is_known() -> None:
    assert (lower_bound(0, 0), upper_bound(0, 0)) == (0.0, 1.0)


@settings(deadline=None)
@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_bounds_lie_around_the_share_and_are_where_the_tail_is_the_level(
    counts: tuple[int, int],
) -> None:
    hits, n = counts
    low, high = lower_bound(hits, n), upper_bound(hits, n)
    assert 0 <= low <= hits / n <= high <= 1
    if hits:
        assert at_least(hits, n, low) == pytest.approx(LEVEL, abs=1e-9)
    assert high == pytest.approx(1 - lower_bound(n - hits, n), abs=1e-12)


@settings(deadline=None)
@given(
    st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n + 1), st.just(n))),
    st.integers(0, 16),
)
def test_the_tail_is_that_of_counting(counts: tuple[int, int], sixteenths: int) -> None:
    hits, n = counts
    p = Fraction(sixteenths, 16)
    counted = sum((comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(hits, n + 1)), Fraction(0))
    assert at_least(hits, n, float(p)) == pytest.approx(float(counted), abs=1e-12)


@settings(deadline=None, max_examples=150)
@given(
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.sampled_from([0.1, 0.05, 0.01875, 0.0003]),
)
def test_one_sided_and_two_sided_bounds_are_scipys(counts: tuple[int, int], level: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    hits, n = counts
    for side, bound in (("greater", lower_bound), ("less", upper_bound)):
        theirs = stats.binomtest(hits, n, alternative=side).proportion_ci(1 - level, "exact")
        known = theirs.low if side == "greater" else theirs.high
        assert bound(hits, n, level) == pytest.approx(known, abs=1e-9)
    theirs = stats.binomtest(hits, n).proportion_ci(1 - level, "exact")
    assert interval(hits, n, level) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


# -- power -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "rows"), [(0.9, 94), (0.95, 37)])
def test_rows_for_four_fifths_with_80_percent_power(rate: float, rows: int) -> None:
    assert rows_needed(rate, 0.8) == rows
    # and no number of rows beyond it loses the power again, as it does before
    assert all(power(n, rate, 0.8) >= POWER for n in range(rows, rows + 15))
    assert power(rows - 1, rate, 0.8) < POWER


@pytest.mark.parametrize(
    ("rate", "threshold"), [(0.8, 0.8), (0.5, 0.8), (0.0, 0.0), (1.0, 1.0), (0.81, 0.8)]
)
def test_no_number_of_rows_shows_what_is_not_so_or_hardly(rate: float, threshold: float) -> None:
    assert rows_needed(rate, threshold) is None


@pytest.mark.parametrize(
    ("threshold", "level", "rows"),
    [(0.8, 0.05, 14), (0.8, 0.01875, 18), (0.9, 0.05, 29), (0.95, 0.05, 59), (0.0, 0.05, 1),
     (1.0, 0.05, None), (0.9999, 0.05, None)],
)  # fmt: skip
def test_the_fewest_rows_without_a_miss(threshold: float, level: float, rows: int | None) -> None:
    assert fewest_rows(threshold, level) == rows
    if rows is not None and threshold:
        assert hits_needed(rows, threshold, level) == rows
        assert hits_needed(rows - 1, threshold, level) is None


@pytest.mark.parametrize("level", [0.05, 0.01875, 0.0003])
def test_a_smaller_error_takes_more_rows(level: float) -> None:
    needed = rows_needed(0.9, 0.8, level)
    assert needed is not None
    hits = hits_needed(needed, 0.8, level)
    assert hits is not None
    assert at_least(hits, needed, 0.9) >= POWER
    assert needed >= 94


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 120), st.floats(0.02, 0.98), st.sampled_from([0.05, 0.01875, 0.0003]))
def test_the_hits_needed_are_those_whose_bound_reaches_the_threshold(
    n: int, threshold: float, level: float
) -> None:
    needed = hits_needed(n, threshold, level)
    if needed is None:
        assert lower_bound(n, n, level) < threshold + 1e-9
    else:
        assert lower_bound(needed, n, level) >= threshold - 1e-9
        assert needed == 0 or lower_bound(needed - 1, n, level) < threshold + 1e-9


def test_a_threshold_of_nothing_is_shown_by_any_row() -> None:
    assert rows_needed(0.5, 0.0) == 1


# -- McNemar ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lost", "won", "p"),
    [(0, 0, 1.0), (5, 0, 1 / 32), (4, 0, 1 / 16), (0, 5, 1.0), (3, 3, 42 / 64), (7, 1, 9 / 256)],
)
def test_the_p_value_is_that_of_fair_coins(lost: int, won: int, p: float) -> None:
    assert mcnemar(lost, won) == p


def test_fewer_than_five_losses_are_never_significant() -> None:
    assert all(mcnemar(lost, won) > 0.05 for lost in range(5) for won in range(30))
    assert mcnemar(5, 0) <= 0.05


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 300))
def test_more_losses_are_never_less_significant(lost: int, won: int) -> None:
    assert 0 <= mcnemar(lost + 1, won) <= mcnemar(lost, won) <= mcnemar(lost, won + 1) <= 1
