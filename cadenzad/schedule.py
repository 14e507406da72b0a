"""APScheduler as a clock, and nothing else: what is due is decided and kept elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Callable

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

# Its "job executed" lines would be the only thing an idle daemon says.
logging.getLogger("apscheduler").setLevel(logging.WARNING)


class Schedule:
    """Calls functions at intervals, on the scheduler's thread: they must only wake somebody."""

    def __init__(self) -> None:
        # The debug executor runs a job on the scheduler's own thread: no pool for a wake-up.
        self._scheduler = BackgroundScheduler(
            executors={"default": DebugExecutor()},
            timezone="UTC",
            # A late tick still counts (the default drops it after 1 s), several late ones are one.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def every(self, seconds: float, call: Callable[[], None], name: str) -> None:
        """Call at a fixed interval from now on; a second call with a name replaces the first."""
        trigger = IntervalTrigger(seconds=seconds, timezone="UTC")
        self._scheduler.add_job(call, trigger, id=name, replace_existing=True)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=True)
