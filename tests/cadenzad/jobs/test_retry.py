"""When another attempt comes, and when none does."""

from __future__ import annotations

import pytest

from cadenzad.jobs.retry import LONGEST_S, RetryPolicy


def policy(jitter: float = 0.5) -> RetryPolicy:
    return RetryPolicy(attempts=3, backoff_s=10.0, later_attempts=5, jitter=lambda: jitter)


def test_each_wait_is_twice_the_one_before() -> None:
    assert [policy().delay_s(attempt) for attempt in (1, 2)] == [10.0, 20.0]


@pytest.mark.parametrize(("jitter", "delay"), [(0.0, 5.0), (1.0, 15.0)])
def test_jitter_spreads_them_by_half(jitter: float, delay: float) -> None:
    assert policy(jitter).delay_s(1) == delay


def test_after_the_last_attempt_and_after_a_permanent_failure_there_is_none() -> None:
    assert policy().delay_s(3) is None
    assert policy().delay_s(1, permanent=True) is None


def test_a_job_that_asks_for_later_gets_it_and_more_attempts() -> None:
    assert policy().delay_s(4, after_s=7.0) == 7.0
    assert policy().delay_s(5, after_s=7.0) is None


@pytest.mark.parametrize(("after_s", "delay"), [(-1.0, 0.0), (1e9, LONGEST_S)])
def test_what_it_asks_for_is_bounded(after_s: float, delay: float) -> None:
    assert policy().delay_s(1, after_s=after_s) == delay


def test_doubling_never_overflows() -> None:
    assert RetryPolicy(10_000, 30.0, jitter=lambda: 0.5).delay_s(9_999) == LONGEST_S
