"""When news is to be told: a job delivers it, with the attempts and the patience of jobs."""

from __future__ import annotations

from collections.abc import Iterable

from handlers.jobs import queue_job
from handlers.notify.news import BEFORE, BY_WAY, DELIVERIES, Told, told_of
from handlers.notify.settings import Way
from handlers.reactions import Tools
from store.events.base import Event
from store.events.envelope import Recorded
from store.events.process import JobFailed
from store.reads.state import State

LOOKED_AT = 100
"""So many jobs of no project are looked through for the last delivery of a way."""


def notify_on_news(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """For each way one job for all that waits: it tells what is news from the first of it on.

    Where the last job of a way was given up, the next begins where that one did, so that nothing is
    lost while nobody was there to hear it.
    """
    told, policy = told_of(event.event), tools.policy(event.project or "")
    if told is None or told.kind not in policy.notify or is_delivery(event.event, state):
        return []
    return [queued for way in policy.notify_by for queued in _queued(way, event, told, state)]


def is_delivery(event: Event, state: State) -> bool:
    """Whether an event is the end of a job that told news: that is no news to tell."""
    if not isinstance(event, JobFailed):
        return False
    job = state.job(event.job)
    return job is not None and job.kind in DELIVERIES


def _queued(way: Way, event: Recorded, told: Told, state: State) -> list[Event]:
    kind, first = BY_WAY[way], event.position
    ours = (job for job in state.jobs("", limit=LOOKED_AT) if job.kind in (kind, BEFORE))
    newest = next(ours, None)
    if newest is not None and newest.state == "failed":
        first = min(first, int(newest.spec["first"]))
    spec = {"first": first, "way": way}
    return queue_job(state, kind, "", f"{told.kind}: {told.line}", spec)
