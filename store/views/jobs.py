"""The jobs part of the view: one row a job, from queued to its end."""

from __future__ import annotations

import json
import sqlite3
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


def _queued(view: sqlite3.Connection, record: Recorded, event: JobQueued) -> None:
    view.execute(
        "INSERT INTO view_jobs (id, project, kind, state, spec, reason, queued_us, not_before_us)"
        " VALUES (?, ?, ?, 'queued', ?, ?, ?, ?)",
        (
            record.position,
            event.project,
            event.kind,
            json.dumps(event.spec),
            event.reason,
            record.recorded_at_us,
            event.not_before_us,
        ),
    )


def _postponed(view: sqlite3.Connection, record: Recorded, event: JobPostponed) -> None:
    view.execute(
        "UPDATE view_jobs SET not_before_us = ? WHERE id = ? AND state = 'queued'",
        (event.not_before_us, event.job),
    )


def _started(view: sqlite3.Connection, record: Recorded, event: JobStarted) -> None:
    view.execute(
        "UPDATE view_jobs SET state = 'running', attempt = ?, started_us = ?, result = ''"
        " WHERE id = ?",
        (event.attempt, record.recorded_at_us, event.job),
    )


def _succeeded(view: sqlite3.Connection, record: Recorded, event: JobSucceeded) -> None:
    _end(view, event.job, "succeeded", event.summary, record.recorded_at_us)


def _failed(view: sqlite3.Connection, record: Recorded, event: JobFailed) -> None:
    if event.retry_at_us is None or not _may_queue(view, event.job):
        _end(view, event.job, "failed", event.error, record.recorded_at_us)
        return
    view.execute(
        "UPDATE view_jobs SET state = 'queued', not_before_us = ?, result = ? WHERE id = ?",
        (event.retry_at_us, event.error, event.job),
    )


def _requeued(view: sqlite3.Connection, record: Recorded, event: JobRequeued) -> None:
    if not _may_queue(view, event.job):
        # A newer job of this kind waits already and will do what this one would have done.
        _end(view, event.job, "cancelled", "a newer one does its work", record.recorded_at_us)
        return
    # The interrupted attempt does not count: it was not the job's fault.
    view.execute(
        "UPDATE view_jobs SET state = 'queued', attempt = ?, result = ? WHERE id = ?",
        (event.attempt - 1, event.reason, event.job),
    )


def _cancelled(view: sqlite3.Connection, record: Recorded, event: JobCancelled) -> None:
    _end(view, event.job, "cancelled", f"by {event.by}", record.recorded_at_us)


def _retried(view: sqlite3.Connection, record: Recorded, event: JobRetried) -> None:
    view.execute(
        "UPDATE view_jobs SET state = 'queued', attempt = 0, not_before_us = 0, queued_us = ?,"
        " ended_us = NULL WHERE id = ?",
        (record.recorded_at_us, event.job),
    )


def _end(view: sqlite3.Connection, job: int, state: str, result: str, ended_us: int) -> None:
    view.execute(
        "UPDATE view_jobs SET state = ?, result = ?, ended_us = ? WHERE id = ?",
        (state, result, ended_us, job),
    )


def _may_queue(view: sqlite3.Connection, job: int) -> bool:
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


JOB_HANDLERS: Mapping[type[Event], Callable[[sqlite3.Connection, Recorded, Any], None]] = {
    JobQueued: _queued,
    JobPostponed: _postponed,
    JobStarted: _started,
    JobSucceeded: _succeeded,
    JobFailed: _failed,
    JobRequeued: _requeued,
    JobCancelled: _cancelled,
    JobRetried: _retried,
}
