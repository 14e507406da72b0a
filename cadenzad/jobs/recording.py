"""What the log is told of attempts: that they began, and how they ended; each under the fence.

The attempt number is the fencing token: in the transaction that would store it, an attempt is still
the running one of its job, or nothing of it is stored.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Any

from cadenzad.jobs.process import Child
from cadenzad.jobs.protocol import Done, Failed
from cadenzad.jobs.retry import RetryPolicy
from store.errors import CadenzaError, StoreError, one_line
from store.events.base import Event
from store.events.envelope import DAEMON_STREAM, NewEvent, project_stream
from store.events.process import (
    JobFailed,
    JobPostponed,
    JobRequeued,
    JobStarted,
    JobSucceeded,
)
from store.reads.live import job_key
from store.reads.state import JobRow, State
from store.writer import Transaction, Writer

log = logging.getLogger("cadenzad.jobs")


class Recording:
    """Writes the events of jobs. `jitter`: of their waits, 0 to 1."""

    def __init__(self, writer: Writer, jitter: Callable[[], float]) -> None:
        self._writer, self._jitter = writer, jitter
        self._logged_once: set[str] = set()

    def begun(self, job: JobRow, attempt: int, pid: int) -> bool:
        """Record an attempt; False when the job is not queued any more."""

        def begin(transaction: Transaction) -> bool:
            now = State(transaction.connection).job(job.id)
            if now is None or now.state != "queued":
                return False
            event = JobStarted(job=job.id, attempt=attempt, pid=pid)
            transaction.append(NewEvent(_stream(job), event, causation=job.id))
            return True

        return self._writer.run(begin)

    def given_up(self, job: JobRow, why: str) -> None:
        """A job that nobody will do."""
        failed = JobFailed(job=job.id, attempt=job.attempt, error=why)
        self._writer.append(NewEvent(_stream(job), failed, causation=job.id))

    def orphaned(self, job: JobRow, attempts: int) -> None:
        """A job whose daemon died: that counts as an attempt, for the job may be what killed it."""
        why = "the daemon died while it ran"
        if job.attempt >= attempts:
            self.given_up(job, why)
            return
        event = JobRequeued(job=job.id, attempt=job.attempt + 1, reason=why)
        self._writer.append(NewEvent(_stream(job), event, causation=job.id))

    def progress(self, job: int, values: Mapping[str, Any] | None) -> None:
        """Show how far a job is, or what it waits for; nobody waits for it to be written."""
        self.show(job_key(job), values)

    def show(self, key: str, values: Mapping[str, Any] | None) -> None:
        """Live values that `status` shows under a key; None takes them away."""
        self._writer.submit(lambda transaction: transaction.set_progress(key, values))

    def put_back(self, child: Child, reason: str, wait_s: float = 0.0) -> None:
        """Queue a job again whose attempt was cut short through no fault of its own."""
        job = child.job

        def requeue(transaction: Transaction) -> None:
            transaction.set_progress(job_key(job.id), None)
            if not _is_running(transaction, child):
                return
            events: list[Event] = [JobRequeued(job=job.id, attempt=child.attempt, reason=reason)]
            if wait_s:
                due_us = time.time_ns() // 1000 + int(wait_s * 1e6)
                events.append(JobPostponed(job=job.id, not_before_us=due_us))
            stream = _stream(job)
            transaction.append(*(NewEvent(stream, event, causation=job.id) for event in events))

        self._writer.run(requeue)

    def ended(self, child: Child, result: Done | Failed, backoff_s: float) -> None:
        """Store what came of an attempt; what cannot be stored is a failure of it.

        Raises StoreError, sqlite3.Error or OSError when the log cannot be written.
        """
        try:
            self._writer.run(lambda step: self._store(step, child, result, backoff_s))
        except (StoreError, sqlite3.Error, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - what a child says must not end the thread
            text = f"its result cannot be stored: {described(error)}"
            failed = Failed(text, permanent=True)
            self._writer.run(lambda step: self._store(step, child, failed, backoff_s))

    def _store(
        self, transaction: Transaction, child: Child, result: Done | Failed, backoff_s: float
    ) -> None:
        job = child.job
        transaction.set_progress(job_key(job.id), None)
        if not _is_running(transaction, child):
            log.warning("job %d: attempt %d came too late", job.id, child.attempt)
            return
        ended = self._ended_event(child, result, backoff_s)
        stream = _stream(job)
        events = (*result.events, ended)
        transaction.append(*(NewEvent(stream, event, causation=job.id) for event in events))
        self._log_end(job, result, ended)

    def _ended_event(
        self, child: Child, result: Done | Failed, backoff_s: float
    ) -> JobSucceeded | JobFailed:
        job, attempt = child.job, child.attempt
        if isinstance(result, Done):
            return JobSucceeded(job=job.id, attempt=attempt, summary=result.summary)
        policy = RetryPolicy(child.limits.attempts, backoff_s, jitter=self._jitter)
        delay_s = policy.delay_s(attempt, permanent=result.permanent, after_s=result.after_s)
        retry_at_us = None if delay_s is None else time.time_ns() // 1000 + int(delay_s * 1_000_000)
        return JobFailed(job=job.id, attempt=attempt, error=result.error, retry_at_us=retry_at_us)

    def _log_end(self, job: JobRow, result: Done | Failed, ended: Event) -> None:
        if isinstance(ended, JobFailed):
            what = "given up" if ended.retry_at_us is None else "to be tried again"
            log.warning("job failed, %s: %s", what, ended.error, extra=fields(job))
        elif isinstance(result, Done):
            if not (result.once and result.summary in self._logged_once):
                log.info("job succeeded: %s", result.summary, extra=fields(job))
            if result.once:
                self._logged_once.add(result.summary)


def described(error: Exception) -> str:
    """An exception as one line; a bare OverflowError says more by its name than by its text."""
    if isinstance(error, CadenzaError):
        return error.message
    text = str(error).partition("\n")[0]
    return one_line(f"{type(error).__name__}: {text}")[:300]


def fields(job: JobRow) -> dict[str, object]:
    """The fields of a log line about a job."""
    return {"job": job.id, "kind": job.kind, "project": job.project}


def _is_running(transaction: Transaction, child: Child) -> bool:
    """Whether a child's attempt is the one that runs, as the log has it in this transaction."""
    now = State(transaction.connection).job(child.job.id)
    return now is not None and (now.state, now.attempt) == ("running", child.attempt)


def _stream(job: JobRow) -> str:
    return project_stream(job.project) if job.project else DAEMON_STREAM
