"""When news is to be told: a job delivers it, with the attempts and the patience of jobs."""

from __future__ import annotations

from collections.abc import Iterable

from handlers.jobs import queue_job
from handlers.notify.news import NOTIFY, told_of
from handlers.reactions import Tools
from store.events.base import Event
from store.events.envelope import Recorded
from store.events.process import JobFailed
from store.reads.state import State


def notify_on_news(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """One job for all that waits: it tells what is news from the first of it on.

    Where the last job was given up, the next begins where that one did, so that nothing is lost
    while nobody was there to hear it.
    """
    told = told_of(event.event)
    if told is None or told.kind not in tools.policy(event.project or "").notify:
        return []
    newest = next((job for job in state.jobs("", limit=50) if job.kind == NOTIFY), None)
    if isinstance(event.event, JobFailed) and newest and event.event.job == newest.id:
        return []  # that news could not be told is no news to tell
    first = event.position
    if newest is not None and newest.state == "failed":
        first = min(first, int(newest.spec["first"]))
    return queue_job(state, NOTIFY, "", f"{told.kind}: {told.line}", {"first": first})
