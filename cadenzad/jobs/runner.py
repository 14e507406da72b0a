"""Jobs: queued work becomes child processes, under a lease, with retries and a dead end.

One long-lived thread spawns and minds every child: a child asks the kernel to be killed when the
*thread* that spawned it ends, so that thread must live as long as the daemon. A lease is renewed
by every line a child sends; its attempt number is the fencing token: what a child returns is stored
only if its attempt is still the running one in the view, in the transaction that ends the job.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import selectors
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cadenzad.config.credentials import groq_key
from cadenzad.config.files import Config
from cadenzad.config.project import load_project_config
from cadenzad.jobs.cgroup import Confinement
from cadenzad.jobs.process import (
    GRACE_S,
    _Child,
    _child_environ,
    _how_it_died,
    _kill,
    _reap,
    _signal,
)
from handlers.routes import KEYED
from store.errors import CadenzaError, ConfigError, StoreError, one_line
from store.events import EVENT_TYPES
from store.events.base import Event
from store.events.envelope import DAEMON_STREAM, NewEvent, project_stream
from store.events.process import JobFailed, JobRequeued, JobStarted, JobSucceeded
from store.reads.state import JobRow, State, job_key
from store.writer import Transaction, Writer

log = logging.getLogger("cadenzad.jobs")
LONGEST_BACKOFF_S = 86400.0
LATER_ATTEMPTS = 12
"""So often a job may say that it is to come back later; then somebody has to look."""
PROGRESS_EVERY_S = 0.5


class Jobs:
    """Starts due jobs, minds their children, records how they end."""

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
    ) -> None:
        """`functions`: kind -> "module:function". `reader` is for this object alone.

        `only` picks the jobs that are started, where not every one is our business. `ended` is
        called when no child of a job is left that ran, however it ended.
        """
        self._config = config
        self._state_dir = state_dir
        self._state = State(reader)
        self._writer = writer
        self._functions = functions
        self._jitter = jitter
        self._confinement = confinement or Confinement()
        self._only = only
        self._ended = ended
        self._children: dict[int, _Child] = {}
        self._selector = selectors.DefaultSelector()
        self._wake_r, self._wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_r, selectors.EVENT_READ)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._error = ""
        self._told: set[str] = set()

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
            except Exception as error:  # noqa: BLE001 - this thread must live as long as the daemon
                said = _said(error)
                if said != self._error:
                    log.error("jobs: %s", said)
                self._error = said
                time.sleep(1.0)
        self._end_all()

    def turn(self, patience: float | None = None) -> None:
        """Start what can start, then wait for news of a child (at most `patience` seconds)."""
        self._start_due()
        timeout = self._timeout()
        if patience is not None:
            timeout = patience if timeout is None else min(timeout, patience)
        for key, _ in self._selector.select(timeout):
            if key.fd == self._wake_r:
                with contextlib.suppress(BlockingIOError):
                    while os.read(self._wake_r, 4096):
                        pass
            else:
                self._read(self._children[key.data])
        self._mind()

    def work_off(self) -> None:
        """Without the thread: start what can start, one after another, until nothing is left."""
        while self._children or self._state.startable_jobs(time.time_ns() // 1000):
            self.turn(patience=1.0)

    def _timeout(self) -> float | None:
        """Seconds until something is due; None: only news can wake us."""
        now = time.monotonic()
        deadlines = [
            min(child.lease_until, child.deadline, child.kill_at or float("inf"))
            for child in self._children.values()
        ]
        if len(self._children) < self._config.jobs.workers:
            next_us = self._state.next_job_us()
            if next_us is not None:
                wait = next_us / 1e6 - time.time()
                # Due, but its project is busy or paused: an event about that wakes us.
                if wait > 0:
                    deadlines.append(now + wait)
        return max(0.0, min(deadlines) - now) if deadlines else None

    def _start_due(self) -> None:
        for job in self._state.startable_jobs(time.time_ns() // 1000):
            if len(self._children) >= self._config.jobs.workers:
                return
            if job.id not in self._children and self._only(job):
                self._start(job)

    def _start(self, job: JobRow) -> None:
        function = self._functions.get(job.kind)
        if function is None:
            failed = JobFailed(job=job.id, attempt=job.attempt, error=f"no job kind {job.kind!r}")
            self._writer.append(NewEvent(_stream(job), failed, causation=job.id))
            return
        attempt = job.attempt + 1
        process = subprocess.Popen(
            [sys.executable, "-m", "cadenzad.jobs.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_child_environ(),
            start_new_session=True,
        )
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
            _kill(process)
            raise
        if not begun:
            _kill(process)
            return
        now = time.monotonic()
        config = self._config_for(job)
        limits = config.jobs
        child = _Child(
            job, attempt, process, now + limits.lease, now + limits.timeout, limits=limits
        )
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
            "settings": {name: getattr(config, name).model_dump() for name in ("judge", "lora")},
        }
        if job.kind in KEYED:
            request["key"] = groq_key()
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(json.dumps(request).encode() + b"\n")
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

    def _read(self, child: _Child) -> None:
        data = os.read(child.fd, 1 << 16)
        if not data:
            self._end(child)
            return
        child.lease_until = time.monotonic() + self._config.jobs.lease
        *lines, child.buffer = (child.buffer + data).split(b"\n")
        for line in lines:
            try:
                self._hear(child, json.loads(line))
            except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError,
                    RecursionError) as error:  # fmt: skip
                child.events = []
                said = f"said what is no protocol: {_said(error)}"
                child.outcome = {"error": said, "permanent": True}

    def _hear(self, child: _Child, message: dict[str, Any]) -> None:
        if "progress" in message:
            now = time.monotonic()
            child.step = one_line(str(message["progress"].get("step", "")))[:80]
            if now - child.shown >= PROGRESS_EVERY_S:
                child.shown = now
                key, values = job_key(child.job.id), dict(message["progress"])
                self._writer.submit(lambda transaction: transaction.set_progress(key, values))
        elif "done" in message:
            done = message["done"]
            child.events = _events(done["events"])
            child.outcome = {"summary": str(done["summary"]), "once": bool(done.get("once"))}
        elif "failed" in message:
            failed = message["failed"]
            after = failed.get("after")
            child.events = _events(failed.get("events", ()))
            child.outcome = {
                "error": str(failed["error"]),
                "permanent": bool(failed["permanent"]),
                "after": None if after is None else min(max(float(after), 0.0), LONGEST_BACKOFF_S),
            }

    def _mind(self) -> None:
        """Leases, deadlines, and jobs that are no longer wanted."""
        now = time.monotonic()
        for child in list(self._children.values()):
            if child.kill_at is not None:
                if now >= child.kill_at:
                    _signal(child.process, signal.SIGKILL)
                continue
            current = self._state.job(child.job.id)
            if current is None or (current.state, current.attempt) != ("running", child.attempt):
                self._terminate(child, "no longer wanted")
            elif now >= child.deadline:
                self._terminate(child, f"took longer than {child.limits.timeout:g} s")
            elif now >= child.lease_until:
                self._terminate(child, f"was silent for {child.limits.lease:g} s")

    def _terminate(self, child: _Child, why: str) -> None:
        child.ended_because = why
        child.kill_at = time.monotonic() + GRACE_S
        _signal(child.process, signal.SIGTERM)

    def _end(self, child: _Child) -> None:
        """A child closed its stdout: it is ending, or has ended."""
        self._selector.unregister(child.fd)
        code = _reap(child.process)
        del self._children[child.job.id]
        if child.outcome is None and code == -signal.SIGTERM and not child.ended_because:
            # Not our doing: systemd stops the whole service, children and all.
            self._writer.run(lambda transaction: self._requeue(transaction, child, "SIGTERM"))
            self._tell_ended(child.job)
            return
        died = {"error": _how_it_died(code, child.step), "permanent": False}
        outcome = child.outcome or died
        if child.ended_because:
            outcome = {"error": f"it {child.ended_because}", "permanent": False}
            child.events = []
        try:
            self._writer.run(lambda transaction: self._record(transaction, child, outcome))
        except (StoreError, sqlite3.Error, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - what a child says must not end the thread
            child.events = []
            said = {"error": f"its result cannot be stored: {_said(error)}", "permanent": True}
            self._writer.run(lambda transaction: self._record(transaction, child, said))
        self._tell_ended(child.job)

    def _tell_ended(self, job: JobRow) -> None:
        """Not while another job of its project runs: that one may be at the same files."""
        if all(child.job.project != job.project for child in self._children.values()):
            self._ended(job)

    def _requeue(self, transaction: Transaction, child: _Child, reason: str) -> None:
        """Put a job back whose attempt was cut short through no fault of its own."""
        job = child.job
        transaction.set_progress(job_key(job.id), None)
        now = State(transaction.connection).job(job.id)
        if now is not None and (now.state, now.attempt) == ("running", child.attempt):
            event = JobRequeued(job=job.id, attempt=child.attempt, reason=reason)
            transaction.append(NewEvent(_stream(job), event, causation=job.id))

    def _record(self, transaction: Transaction, child: _Child, outcome: Mapping[str, Any]) -> None:
        """The end of an attempt; nothing at all when its lease is no longer the valid one."""
        job = child.job
        transaction.set_progress(job_key(job.id), None)
        now = State(transaction.connection).job(job.id)
        if now is None or (now.state, now.attempt) != ("running", child.attempt):
            log.warning("job %d: attempt %d came too late", job.id, child.attempt)
            return
        stream = _stream(job)
        if "summary" in outcome:
            end = JobSucceeded(job=job.id, attempt=child.attempt, summary=outcome["summary"])
            events = [*child.events, end]
            transaction.append(*(NewEvent(stream, event, causation=job.id) for event in events))
            if not (outcome.get("once") and outcome["summary"] in self._told):
                log.info("job succeeded: %s", outcome["summary"], extra=_named(job))
            if outcome.get("once"):
                self._told.add(outcome["summary"])
            return
        after = outcome.get("after")
        # Who is told to come back later has not failed: that is another count, and a longer one.
        attempts = child.limits.attempts if after is None else LATER_ATTEMPTS
        final = outcome["permanent"] or child.attempt >= attempts
        delay_us = self._backoff_us(child.attempt) if after is None else int(after * 1_000_000)
        retry_at_us = None if final else time.time_ns() // 1000 + delay_us
        failed = JobFailed(
            job=job.id, attempt=child.attempt, error=outcome["error"], retry_at_us=retry_at_us
        )
        events = [*child.events, failed]
        transaction.append(*(NewEvent(stream, event, causation=job.id) for event in events))
        what = "given up" if final else "to be tried again"
        log.warning("job failed, %s: %s", what, outcome["error"], extra=_named(job))

    def _backoff_us(self, attempt: int) -> int:
        """Twice as long after each attempt, times 0.5 to 1.5 so that many do not return at once."""
        seconds = self._config.jobs.backoff * 2 ** min(attempt - 1, 30) * (0.5 + self._jitter())
        return int(min(seconds, LONGEST_BACKOFF_S) * 1_000_000)

    def _end_all(self) -> None:
        """The daemon stops: children get a moment, then their jobs go back into the queue."""
        for child in self._children.values():
            _signal(child.process, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        for child in self._children.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
            _kill(child.process)

            def requeue(transaction: Transaction, child: _Child = child) -> None:
                self._requeue(transaction, child, "the daemon stopped")

            with contextlib.suppress(StoreError):
                self._writer.run(requeue)
        jobs = [child.job for child in self._children.values()]
        self._children.clear()
        for job in jobs:
            with contextlib.suppress(StoreError):
                self._ended(job)


def _events(facts: Sequence[Mapping[str, Any]]) -> list[Event]:
    """What a child sent, as events."""
    return [EVENT_TYPES[fact["type"]].model_validate(fact["data"]) for fact in facts]


def _said(error: Exception) -> str:
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
