"""What comes round at intervals, on the monotonic clock and on the thread of whoever asks.

The wall clock may be set: robots without a battery begin each boot in the past, and a scheduler
that computes its next run from the wall clock (APScheduler does) then waits until that time has
come again, an hour or a year. So time is an argument here, in seconds of time.monotonic, and the
caller's loop is the timer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class _Timer:
    seconds: float
    call: Callable[[], None]
    next_at: float


class Timers:
    """Functions by name, each called at an interval. Late rounds are one round, not several."""

    def __init__(self) -> None:
        self._timers: dict[str, _Timer] = {}

    def every(self, seconds: float, call: Callable[[], None], name: str, now: float) -> None:
        """Call at a fixed interval from `now` on; a second call with a name replaces the first."""
        self._timers[name] = _Timer(seconds, call, now + seconds)

    def next_deadline(self) -> float | None:
        """When `due` has something to do next; None without any timer."""
        return min((timer.next_at for timer in self._timers.values()), default=None)

    def due(self, now: float) -> list[Callable[[], None]]:
        """The functions whose time has come by `now`, the longest due first."""
        due = [timer for timer in self._timers.values() if timer.next_at <= now]
        due.sort(key=lambda timer: timer.next_at)
        for timer in due:
            missed = (now - timer.next_at) // timer.seconds
            timer.next_at += (missed + 1) * timer.seconds
        return [timer.call for timer in due]
