"""Which queued jobs may start now, and when to look again."""

from __future__ import annotations

from collections.abc import Callable

from cadenzad.jobs.retry import LONGEST_S
from cadenzad.waits import Waits
from store.reads.state import State, WaitingJob

LOOK_AGAIN_S = 60.0
"""The wall clock may be set forward, or a machine wake up: a wait can be over before its time."""


class Queue:
    """The waiting jobs of a view, by time. Not thread-safe."""

    def __init__(
        self,
        state: State,
        waits: Waits | None = None,
        last: frozenset[str] = frozenset(),
        can_start: Callable[[WaitingJob], bool] = lambda _job: True,
    ) -> None:
        """`last`: kinds that begin only when no other is due; `can_start`: not all of them can."""
        self._state, self._last, self._can_start = state, last, can_start
        self._waits = waits or Waits()

    def startable(self) -> list[WaitingJob]:
        """The oldest of each project that is due, where nothing runs and nobody has paused.

        In the order in which they are to begin.
        """
        queued = self._state.waiting_jobs()
        self._waits.keep({job.id for job in queued})
        due = [job for job in queued if not self._left(job)]  # each is looked at
        due = [job for job in due if self._can_start(job)]
        due.sort(key=lambda job: job.kind in self._last)
        held = self._state.held_projects()
        first: dict[str, WaitingJob] = {}
        for job in due:
            if job.project not in held:
                first.setdefault(job.project, job)
        return list(first.values())

    def next_s(self) -> float | None:
        """Seconds until another look is due; None: only news can change what is startable."""
        queued = self._state.waiting_jobs()
        waits = [self._left(job) for job in queued]
        # What is due and does not start waits for its project, of which an event wakes us, or for
        # something to be installed, of which nothing does.
        if any(waits) or not all(map(self._can_start, queued)):
            return min([LOOK_AGAIN_S, *filter(None, waits)])
        return None

    def _left(self, job: WaitingJob) -> float:
        if not job.not_before_us:
            return 0.0
        # A wait begins when a job is queued, or when an attempt of it has failed.
        asked_s = (job.not_before_us - max(job.queued_us, job.started_us or 0)) / 1e6
        # Not so where the clock was set back in between: then what anybody may ask for.
        asked_s = min(asked_s, LONGEST_S) if asked_s > 0 else LONGEST_S
        return self._waits.left(job.id, job.not_before_us / 1e6, asked_s)
