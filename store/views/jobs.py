"""The jobs part of the view: one row a job, from queued to its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from store.events.base import Event
from store.events.envelope import Recorded
from store.events.process import (
    JobCancelled,
    JobFailed,
    JobPostponed,
    JobQueued,
    JobRequeued,
    JobRetried,
    JobStarted,
    JobSucceeded,
)
from store.views.rows import insert, update
from store.views.view import View


def _queued(view: View, record: Recorded, event: JobQueued) -> None:
    row = {
        "id": record.position,
        "project": event.project,
        "kind": event.kind,
        "state": "queued",
        "spec": json.dumps(event.spec),
        "reason": event.reason,
        "queued_us": record.recorded_at_us,
        "not_before_us": event.not_before_us,
    }
    insert(view, "view_jobs", row)


def _postponed(view: View, record: Recorded, event: JobPostponed) -> None:
    waiting = {"id": event.job, "state": "queued"}
    update(view, "view_jobs", waiting, not_before_us=event.not_before_us)


def _started(view: View, record: Recorded, event: JobStarted) -> None:
    at = record.recorded_at_us
    _set(view, event.job, state="running", attempt=event.attempt, started_us=at, result="")


def _succeeded(view: View, record: Recorded, event: JobSucceeded) -> None:
    _end(view, event.job, "succeeded", event.summary, record.recorded_at_us)


def _failed(view: View, record: Recorded, event: JobFailed) -> None:
    if event.retry_at_us is None or not _may_queue(view, event.job):
        _end(view, event.job, "failed", event.error, record.recorded_at_us)
        return
    _set(view, event.job, state="queued", not_before_us=event.retry_at_us, result=event.error)


def _requeued(view: View, record: Recorded, event: JobRequeued) -> None:
    if not _may_queue(view, event.job):
        # A newer job of this kind waits already and will do what this one would have done.
        _end(view, event.job, "cancelled", "a newer one does its work", record.recorded_at_us)
        return
    # The interrupted attempt does not count: it was not the job's fault.
    _set(view, event.job, state="queued", attempt=event.attempt - 1, result=event.reason)


def _cancelled(view: View, record: Recorded, event: JobCancelled) -> None:
    _end(view, event.job, "cancelled", f"by {event.by}", record.recorded_at_us)


def _retried(view: View, record: Recorded, event: JobRetried) -> None:
    at = record.recorded_at_us
    _set(view, event.job, state="queued", attempt=0, not_before_us=0, queued_us=at, ended_us=None)


def _end(view: View, job: int, state: str, result: str, ended_us: int) -> None:
    _set(view, job, state=state, result=result, ended_us=ended_us)


def _set(view: View, job: int, **values: object) -> None:
    update(view, "view_jobs", {"id": job}, **values)


def _may_queue(view: View, job: int) -> bool:
    """Whether no other job of the same project and kind is queued: there is room for one."""
    return (
        view.execute(
            "SELECT 1 FROM view_jobs AS this JOIN view_jobs AS other"
            " ON other.project = this.project AND other.kind = this.kind"
            " AND other.state = 'queued' AND other.id != this.id WHERE this.id = ?",
            (job,),
        ).fetchone()
        is None
    )


JOB_HANDLERS: Mapping[type[Event], Callable[[View, Recorded, Any], None]] = {
    JobQueued: _queued,
    JobPostponed: _postponed,
    JobStarted: _started,
    JobSucceeded: _succeeded,
    JobFailed: _failed,
    JobRequeued: _requeued,
    JobCancelled: _cancelled,
    JobRetried: _retried,
}
