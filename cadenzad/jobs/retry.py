"""When a failed attempt is tried again, and when somebody has to look."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

LONGEST_S = 86400.0
"""No attempt waits longer than a day, whatever doubling or a server asks for."""


@dataclass(frozen=True)
class RetryPolicy:
    """Doubling waits with jitter, up to `attempts`.

    `later_attempts`: so often a job may itself ask to come back later. That is no failure, so it is
    another count, and a longer one.
    """

    attempts: int
    backoff_s: float
    later_attempts: int = 12
    jitter: Callable[[], float] = random.random

    def delay_s(
        self, attempt: int, *, permanent: bool = False, after_s: float | None = None
    ) -> float | None:
        """Seconds until the attempt after `attempt` (from 1); None: given up.

        `after_s` is what the job asked for itself. Else each wait is twice the one before, times
        0.5 to 1.5 so that many jobs do not return at once.
        """
        allowed = self.attempts if after_s is None else self.later_attempts
        if permanent or attempt >= allowed:
            return None
        if after_s is None:
            after_s = self.backoff_s * 2 ** min(attempt - 1, 30) * (0.5 + self.jitter())
        return min(max(after_s, 0.0), LONGEST_S)
