"""Jobs: queued work becomes child processes, under a lease, with retries and a dead end.

One long-lived thread spawns and supervises every child: a child asks the kernel to be killed when
the *thread* that spawned it ends, so that thread must live as long as the daemon. A lease is
renewed by every line a child sends; its attempt number is the fencing token: what a child returns
is stored only if its attempt is still the running one in the view, in the transaction that ends the
job.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import selectors
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cadenzad.config.credentials import groq_key, openai_key
from cadenzad.config.files import Config
from cadenzad.config.project import load_project_config
from cadenzad.jobs import process as processes
from cadenzad.jobs.cgroup import Confinement
from cadenzad.jobs.executor import Executor, executor_of
from cadenzad.jobs.process import Child
from cadenzad.jobs.protocol import (
    Began,
    Done,
    Failed,
    Message,
    Progress,
    ProtocolError,
    PutBack,
    decode,
)
from cadenzad.jobs.queue import Queue
from cadenzad.jobs.retry import RetryPolicy
from cadenzad.logfiles import forget_old
from handlers.routes import BESIDE, KEYED, LAST, NEEDS, PASSED
from store.errors import CadenzaError, ConfigError, StoreError, one_line
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
PROGRESS_EVERY_S = 0.5
TOLD = ("export", "judge", "lora", "notify", "takein")
"""The tables of the configuration that a job may ask for."""


class Jobs:
    """Starts due jobs, supervises their children, records how they end."""

    def __init__(
        self,
        config: Config,
        state_dir: Path,
        reader: sqlite3.Connection,
        writer: Writer,
        functions: Mapping[str, str],
        jitter: Callable[[], float] = random.random,
        confinement: Confinement | None = None,
        only: Callable[[JobRow], bool] = lambda _job: True,
        ended: Callable[[JobRow], None] = lambda _job: None,
        trouble: Callable[[Exception], object] = lambda error: log.error("jobs: %s", error),
        executor: Executor | None = None,
    ) -> None:
        """`functions`: kind -> "module:function". `reader` is for this object alone.

        `only` picks the jobs that are started, where not every one is our business. `ended` is
        called when no child of a job is left that ran, however it ended; `trouble` when the log
        cannot be read or written, which is tried again. `executor`: where jobs are done; None: as
        `jobs.executor` says.
        """
        self._executor = executor or executor_of(config)
        self._executor_fd: int | None = None
        self._told: dict[int, str] = {}
        self._trouble = trouble
        self._config = config
        self._state_dir = state_dir
        self._state = State(reader)
        self._queue = Queue(self._state, last=LAST, can_start=self._is_equipped)
        self._writer = writer
        self._functions = functions
        self._jitter = jitter
        self._confinement = confinement or Confinement()
        self._only = only
        self._ended = ended
        self._children: dict[int, Child] = {}
        self._selector = selectors.DefaultSelector()
        self._wake_r, self._wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_r, selectors.EVENT_READ)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._error = ""
        self._logged_once: set[str] = set()

    # -- from other threads ------------------------------------------------------------------------

    def start(self) -> None:
        """Requeue what an earlier daemon left running, then begin to work."""
        self.requeue_orphans()
        self._thread.start()

    def wake(self) -> None:
        """Something about jobs may have changed: look."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_w, b"!")

    def stop(self) -> None:
        """End every child, put their jobs back into the queue, end the thread. Idempotent."""
        if self._stopping:
            return
        self._stopping = True
        self.wake()
        if self._thread.is_alive():
            self._thread.join()
        else:
            self._end_all()
        self._selector.close()
        os.close(self._wake_r)
        os.close(self._wake_w)

    def reconfigure(self, config: Config) -> None:
        """New limits, for jobs that start from now on."""
        self._config = config
        self._executor.reconfigure(config)
        self.wake()

    def requeue_orphans(self) -> None:
        """No child outlives its daemon, so a job that runs in the view and not here is none."""
        for job in self._state.jobs(state="running"):
            event: Event
            if job.attempt >= self._config.jobs.attempts:
                event = JobFailed(
                    job=job.id, attempt=job.attempt, error="the daemon died while it ran"
                )
            else:
                # It counts as an attempt: the job itself may be what kills the daemon.
                event = JobRequeued(
                    job=job.id, attempt=job.attempt + 1, reason="the daemon died while it ran"
                )
            self._writer.append(NewEvent(_stream(job), event, causation=job.id))

    # -- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            try:
                self.turn()
                self._error = ""
            except (StoreError, sqlite3.Error) as error:
                self._trouble(error)
                time.sleep(1.0)
            except Exception as error:  # noqa: BLE001 - this thread must live as long as the daemon
                text = _one_line(error)
                if text != self._error:
                    log.error("jobs: %s", text)
                self._error = text
                time.sleep(1.0)
        self._end_all()

    def turn(self, patience: float | None = None) -> None:
        """Start what can start, then wait for news of a child (at most `patience` seconds)."""
        self._look_at_executor(self._executor.turn(time.monotonic()))
        self._start_due()
        timeout = self._timeout()
        if patience is not None:
            timeout = patience if timeout is None else min(timeout, patience)
        for key, _ in self._selector.select(timeout):
            if key.fd == self._wake_r:
                with contextlib.suppress(BlockingIOError):
                    while os.read(self._wake_r, 4096):
                        pass
            elif key.fd == self._executor_fd:
                self._look_at_executor(self._executor.read(time.monotonic()))
            else:
                self._read(self._children[key.data])
        self._enforce_limits()

    def work_off(self, alive: Callable[[], object] = lambda: None) -> None:
        """Without the thread: start what can start, one after another, until nothing is left.

        `alive` is called about every second, for as long as it takes.
        """
        while self._children or self._is_worth_waiting():
            self.turn(patience=1.0)
            alive()

    def _is_worth_waiting(self) -> bool:
        """Whether a job may still begin: not one that waits for a cluster that is not there."""
        jobs = self._queue.startable()
        if not self._executor.is_settled:
            return bool(jobs)
        return any(not self._executor.obstacle(job.kind) for job in jobs)

    def _look_at_executor(self, changed: bool) -> None:
        """Listen to what it has now, and have `status` show it."""
        if self._executor.fd != self._executor_fd:
            if self._executor_fd is not None:
                self._selector.unregister(self._executor_fd)
            self._executor_fd = self._executor.fd
            if self._executor_fd is not None:
                self._selector.register(self._executor_fd, selectors.EVENT_READ)
        live = self._executor.live()
        if changed and live is not None:
            self._writer.submit(lambda transaction: transaction.set_progress("cluster", live))

    def _timeout(self) -> float | None:
        """Seconds until something is due; None: only news can wake us."""
        now = time.monotonic()
        deadlines = [child.next_deadline for child in self._children.values()]
        if self._executor.next_s is not None:
            deadlines.append(self._executor.next_s)
        if len(self._children) < self._config.jobs.workers:
            wait = self._queue.next_s()
            if wait is not None:
                deadlines.append(now + wait)
        return max(0.0, min(deadlines) - now) if deadlines else None

    def _start_due(self) -> None:
        for job in self._queue.startable():
            busy = sum(child.job.kind not in BESIDE for child in self._children.values())
            if busy >= self._config.jobs.workers and job.kind not in BESIDE:
                continue
            if job.id not in self._children and self._only(job) and self._may_begin(job):
                self._start(job)

    def _may_begin(self, job: JobRow) -> bool:
        """Whether there is a place for a job; whoever looks at it is told where there is none."""
        obstacle = self._executor.obstacle(job.kind)
        self._tell_obstacle(job, obstacle)
        return not obstacle

    def _is_equipped(self, job: JobRow) -> bool:
        """Whether what a job cannot do without is installed, where it is done here.

        Until then it waits and says for what; no other job of its project waits for it.
        """
        here = self._executor.module(job.kind) == processes.CHILD
        extra = NEEDS.get(job.kind) if here else None
        missing = extra.missing if extra is not None else ()
        if extra is not None and missing:
            self._tell_obstacle(job, f"waits for {', '.join(missing)}: {extra.fix}")
        return not missing

    def _tell_obstacle(self, job: JobRow, obstacle: str) -> None:
        if obstacle != self._told.get(job.id, ""):
            self._told[job.id] = obstacle
            values = {"step": obstacle} if obstacle else None
            key = job_key(job.id)
            self._writer.submit(lambda transaction: transaction.set_progress(key, values))

    def _start(self, job: JobRow) -> None:
        function = self._functions.get(job.kind)
        if function is None:
            failed = JobFailed(job=job.id, attempt=job.attempt, error=f"no job kind {job.kind!r}")
            self._writer.append(NewEvent(_stream(job), failed, causation=job.id))
            return
        attempt = job.attempt + 1
        self._told.pop(job.id, None)
        process = processes.start(self._executor.module(job.kind))
        self._confinement.take(process.pid)

        def begin(transaction: Transaction) -> bool:
            now = State(transaction.connection).job(job.id)
            if now is None or now.state != "queued":
                return False
            event = JobStarted(job=job.id, attempt=attempt, pid=process.pid)
            transaction.append(NewEvent(_stream(job), event, causation=job.id))
            return True

        try:
            begun = self._writer.run(begin)
        except BaseException:
            processes.kill(process)
            raise
        if not begun:
            processes.kill(process)
            return
        now = time.monotonic()
        config = self._config_for(job)
        limits = config.jobs
        child = Child(job, attempt, process, now + limits.lease, now + limits.timeout, limits)
        self._children[job.id] = child
        self._selector.register(child.fd, selectors.EVENT_READ, job.id)
        request: dict[str, Any] = {
            "function": function,
            "spec": job.spec,
            "project": job.project,
            "state_dir": str(self._state_dir),
            "parent": os.getpid(),
            "heartbeat": self._config.jobs.heartbeat,
            "job": job.id,
            "attempt": attempt,
            "settings": config.model_dump(include=set(TOLD)),
            **self._executor.request(job.kind),
        }
        passed = PASSED.get(job.kind, ())
        request["environ"] = {name: os.environ[name] for name in passed if name in os.environ}
        if job.kind in KEYED:
            request |= {"key": groq_key(), "openai_key": openai_key()}
        child.send_request(request)
        log.info("job started", extra=_named(job) | {"attempt": attempt, "pid": process.pid})

    def _config_for(self, job: JobRow) -> Config:
        """What holds for a job; its project's own cadenzad.toml may ask for less."""
        if not job.project:
            return self._config
        try:
            return load_project_config(Path(job.project), self._config)
        except ConfigError as error:
            log.warning("%s", error.message)
            return self._config

    # -- news of a child ---------------------------------------------------------------------------

    def _read(self, child: Child) -> None:
        data = os.read(child.fd, 1 << 16)
        if not data:
            self._end(child)
            return
        child.lease_until = time.monotonic() + self._config.jobs.lease
        for line in child.lines(data):
            try:
                self._receive(child, decode(line))
            except ProtocolError as error:
                text = f"said what is no protocol: {_one_line(error.cause)}"
                child.outcome = Failed(text, permanent=True)

    def _receive(self, child: Child, message: Message | None) -> None:
        match message:
            case Progress(values):
                now = time.monotonic()
                child.step = one_line(str(values.get("step", "")))[:80]
                if now - child.progress_at >= PROGRESS_EVERY_S:
                    child.progress_at = now
                    key = job_key(child.job.id)
                    self._writer.submit(lambda transaction: transaction.set_progress(key, values))
            case Began(node):
                child.deadline = time.monotonic() + child.limits.timeout
                log.info("job placed", extra=_named(child.job) | {"node": node})
            case Done() | Failed() | PutBack():
                child.outcome = message

    def _enforce_limits(self) -> None:
        """Leases, deadlines, and jobs that are no longer wanted."""
        now = time.monotonic()
        for child in list(self._children.values()):
            if child.kill_at is not None:
                if now >= child.kill_at:
                    processes.send_signal(child.process, signal.SIGKILL)
                continue
            current = self._state.job(child.job.id)
            if current is None or (current.state, current.attempt) != ("running", child.attempt):
                child.terminate("no longer wanted", now)
            elif now >= child.deadline:
                child.terminate(f"took longer than {child.limits.timeout:g} s", now)
            elif now >= child.lease_until:
                child.terminate(f"was silent for {child.limits.lease:g} s", now)

    def _end(self, child: Child) -> None:
        """A child closed its stdout: it is ending, or has ended."""
        self._selector.unregister(child.fd)
        code = processes.reap(child.process)
        del self._children[child.job.id]
        if child.outcome is None and code == -signal.SIGTERM and not child.ended_because:
            # Not our doing: systemd stops the whole service, children and all.
            self._writer.run(lambda transaction: self._requeue(transaction, child, "SIGTERM"))
            self._notify_ended(child.job)
            return
        result = child.result(code)
        if isinstance(result, PutBack):
            reason, wait_s = result.reason, self._config.jobs.backoff
            self._writer.run(lambda step: self._requeue(step, child, reason, wait_s))
            self._notify_ended(child.job)
            return
        try:
            self._writer.run(lambda transaction: self._record(transaction, child, result))
        except (StoreError, sqlite3.Error, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - what a child says must not end the thread
            text = f"its result cannot be stored: {_one_line(error)}"
            failed = Failed(text, permanent=True)
            self._writer.run(lambda transaction: self._record(transaction, child, failed))
        self._notify_ended(child.job)
        forget_old(self._state_dir)

    def _notify_ended(self, job: JobRow) -> None:
        """Not while another job of its project runs: that one may be at the same files."""
        if all(child.job.project != job.project for child in self._children.values()):
            self._ended(job)

    def _requeue(
        self, transaction: Transaction, child: Child, reason: str, wait_s: float = 0.0
    ) -> None:
        """Put a job back whose attempt was cut short through no fault of its own."""
        job = child.job
        transaction.set_progress(job_key(job.id), None)
        now = State(transaction.connection).job(job.id)
        if now is not None and (now.state, now.attempt) == ("running", child.attempt):
            event = JobRequeued(job=job.id, attempt=child.attempt, reason=reason)
            transaction.append(NewEvent(_stream(job), event, causation=job.id))
            if wait_s:
                due_us = time.time_ns() // 1000 + int(wait_s * 1e6)
                later = JobPostponed(job=job.id, not_before_us=due_us)
                transaction.append(NewEvent(_stream(job), later, causation=job.id))

    def _record(self, transaction: Transaction, child: Child, result: Done | Failed) -> None:
        """The end of an attempt; nothing at all when its lease is no longer the valid one."""
        job = child.job
        transaction.set_progress(job_key(job.id), None)
        now = State(transaction.connection).job(job.id)
        if now is None or (now.state, now.attempt) != ("running", child.attempt):
            log.warning("job %d: attempt %d came too late", job.id, child.attempt)
            return
        ended = self._ended_event(child, result)
        stream = _stream(job)
        events = (*result.events, ended)
        transaction.append(*(NewEvent(stream, event, causation=job.id) for event in events))
        self._log_end(job, result, ended)

    def _ended_event(self, child: Child, result: Done | Failed) -> JobSucceeded | JobFailed:
        job, attempt = child.job, child.attempt
        if isinstance(result, Done):
            return JobSucceeded(job=job.id, attempt=attempt, summary=result.summary)
        policy = RetryPolicy(child.limits.attempts, self._config.jobs.backoff, jitter=self._jitter)
        delay_s = policy.delay_s(attempt, permanent=result.permanent, after_s=result.after_s)
        retry_at_us = None if delay_s is None else time.time_ns() // 1000 + int(delay_s * 1_000_000)
        return JobFailed(job=job.id, attempt=attempt, error=result.error, retry_at_us=retry_at_us)

    def _log_end(self, job: JobRow, result: Done | Failed, ended: Event) -> None:
        if isinstance(ended, JobFailed):
            what = "given up" if ended.retry_at_us is None else "to be tried again"
            log.warning("job failed, %s: %s", what, ended.error, extra=_named(job))
        elif isinstance(result, Done):
            if not (result.once and result.summary in self._logged_once):
                log.info("job succeeded: %s", result.summary, extra=_named(job))
            if result.once:
                self._logged_once.add(result.summary)

    def _end_all(self) -> None:
        """The daemon stops: children get a moment, then their jobs go back into the queue."""
        self._executor.close()
        for child in self._children.values():
            processes.send_signal(child.process, signal.SIGTERM)
        deadline = time.monotonic() + processes.GRACE_S
        for child in self._children.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
            processes.kill(child.process)

            def requeue(transaction: Transaction, child: Child = child) -> None:
                self._requeue(transaction, child, "the daemon stopped")

            with contextlib.suppress(StoreError, sqlite3.Error):  # the next start requeues it
                self._writer.run(requeue)
        jobs = [child.job for child in self._children.values()]
        self._children.clear()
        for job in jobs:
            with contextlib.suppress(StoreError, sqlite3.Error):
                self._ended(job)


def _one_line(error: Exception) -> str:
    """An exception as one line; a bare OverflowError says more by its name than by its text."""
    if isinstance(error, CadenzaError):
        return error.message
    text = str(error).partition("\n")[0]
    return one_line(f"{type(error).__name__}: {text}")[:300]


def _named(job: JobRow) -> dict[str, object]:
    """The fields of a log line about a job."""
    return {"job": job.id, "kind": job.kind, "project": job.project}


def _stream(job: JobRow) -> str:
    return project_stream(job.project) if job.project else DAEMON_STREAM
