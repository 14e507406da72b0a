"""Is a cause any commoner in failed runs than in successful ones? Fisher's exact test, one-sided.

A robot may turn to and fro in every run and still succeed: what is as common in successes explains
no failure.
"""

from __future__ import annotations

from math import comb
from typing import NamedTuple

DOUBT = 0.2
"""What successes show too is a finding only if p is at most this: with few runs the test can tell
little, and what no success shows needs no test to be looked at."""


class Contrast(NamedTuple):
    """Of `failed` runs `failed_with` show a cause, of `succeeded` ones `succeeded_with`."""

    failed_with: int
    failed: int
    succeeded_with: int
    succeeded: int

    @property
    def p(self) -> float:
        """P[so many of those that show it failed, or more] if it made no difference. Exact."""
        shown = self.failed_with + self.succeeded_with
        everything = self.failed + self.succeeded
        most = min(shown, self.failed)
        ways = sum(
            comb(self.failed, k) * comb(self.succeeded, shown - k)
            for k in range(self.failed_with, most + 1)
        )
        return ways / comb(everything, shown)

    @property
    def lift(self) -> float | None:
        """How many times as common it is in failed runs; None where no success shows it."""
        if not self.succeeded_with:
            return None
        return (self.failed_with / self.failed) / (self.succeeded_with / self.succeeded)

    @property
    def tells(self) -> bool:
        """Whether it is a finding: commoner in failed runs, and not by chance alone."""
        return not self.succeeded_with or (
            self.failed_with * self.succeeded > self.succeeded_with * self.failed
            and self.p <= DOUBT
        )
