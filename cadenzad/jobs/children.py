"""The running children of jobs: begun under a lease, listened to, held to their limits, ended.

For the one thread that spawns them: a child asks the kernel to be killed when the *thread* that
spawned it ends, so that thread must live as long as the daemon. A lease is renewed by every line a
child sends; what the log keeps of an attempt is Recording's.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from cadenzad.config.files import Config
from cadenzad.config.project import ProjectConfigs
from cadenzad.jobs import process as processes
from cadenzad.jobs.cgroup import Confinement
from cadenzad.jobs.executor import Executor
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
from cadenzad.jobs.recording import Recording, described, fields
from cadenzad.jobs.request import config_for, request_of
from cadenzad.logfiles import forget_old
from handlers.routes import BESIDE
from store.errors import StoreError, one_line
from store.reads.state import JobRow, State

log = logging.getLogger("cadenzad.jobs")
PROGRESS_EVERY_S = 0.5


class Children:
    """One for each job that runs here, or that a process here stands for."""

    def __init__(
        self,
        config: Config,
        configs: ProjectConfigs,
        state_dir: Path,
        state: State,
        recording: Recording,
        executor: Executor,
        functions: Mapping[str, str],
        confinement: Confinement,
        selector: selectors.BaseSelector,
        ended: Callable[[JobRow], None],
    ) -> None:
        """`selector` learns of their output, by job; `ended`: see Jobs."""
        self.config = config
        self._configs = configs
        self._state_dir, self._state, self._recording = state_dir, state, recording
        self._executor, self._functions = executor, functions
        self._confinement, self._selector, self._ended = confinement, selector, ended
        self._running: dict[int, Child] = {}

    def __len__(self) -> int:
        return len(self._running)

    def __contains__(self, job: int) -> bool:
        return job in self._running

    @property
    def workers(self) -> int:
        """How many of them take a worker's place."""
        return sum(child.job.kind not in BESIDE for child in self._running.values())

    def deadlines(self) -> list[float]:
        """When something is to be done about each even if it stays silent; of time.monotonic."""
        return [child.next_deadline for child in self._running.values()]

    def start(self, job: JobRow) -> None:
        """Begin an attempt, unless the job has been taken out of the queue meanwhile."""
        function = self._functions.get(job.kind)
        if function is None:
            self._recording.given_up(job, f"no job kind {job.kind!r}")
            return
        attempt = job.attempt + 1
        process = processes.start(self._executor.module(job.kind))
        self._confinement.take(process.pid)
        try:
            begun = self._recording.begun(job, attempt, process.pid)
        except BaseException:
            processes.kill(process)
            raise
        if not begun:
            processes.kill(process)
            return
        now = time.monotonic()
        config = config_for(job, self.config, self._configs)
        limits = config.jobs
        child = Child(job, attempt, process, now + limits.lease, now + limits.timeout, limits)
        self._running[job.id] = child
        self._selector.register(child.fd, selectors.EVENT_READ, job.id)
        request = request_of(job, attempt, function, self._state_dir, config)
        child.send_request({**request, **self._executor.request(job.kind)})
        log.info("job started", extra=fields(job) | {"attempt": attempt, "pid": process.pid})

    def read(self, job: int) -> None:
        """Take in what a job's child said."""
        child = self._running[job]
        data = os.read(child.fd, 1 << 16)
        if not data:
            self._end(child)
            return
        child.lease_until = time.monotonic() + self.config.jobs.lease
        for line in child.lines(data):
            try:
                self._receive(child, decode(line))
            except ProtocolError as error:
                text = f"said what is no protocol: {described(error.cause)}"
                child.outcome = Failed(text, permanent=True)

    def enforce_limits(self) -> None:
        """Leases, deadlines, and jobs that are no longer wanted."""
        now = time.monotonic()
        for child in list(self._running.values()):
            if child.kill_at is not None:
                if now >= child.kill_at:
                    processes.send_signal(child.process, signal.SIGKILL)
                continue
            current = self._state.job(child.job.id)
            if current is None or (current.state, current.attempt) != ("running", child.attempt):
                child.terminate("no longer wanted", now)
            elif why := child.overdue(now):
                child.terminate(why, now)

    def end_all(self) -> None:
        """The daemon stops: children get a moment, then their jobs go back into the queue."""
        for child in self._running.values():
            processes.send_signal(child.process, signal.SIGTERM)
        deadline = time.monotonic() + processes.GRACE_S
        for child in self._running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
            processes.kill(child.process)
            with contextlib.suppress(StoreError, sqlite3.Error):  # the next start requeues it
                self._recording.put_back(child, "the daemon stopped")
        jobs = [child.job for child in self._running.values()]
        self._running.clear()
        for job in jobs:
            with contextlib.suppress(StoreError, sqlite3.Error):
                self._ended(job)

    def _receive(self, child: Child, message: Message | None) -> None:
        now = time.monotonic()
        match message:
            case Progress(values):
                child.step = one_line(str(values.get("step", "")))[:80]
                if now - child.progress_at >= PROGRESS_EVERY_S:
                    child.progress_at = now
                    self._recording.progress(child.job.id, values)
            case Began(node):
                child.deadline = now + child.limits.timeout
                log.info("job placed", extra=fields(child.job) | {"node": node})
            case Done() | Failed() | PutBack():
                child.outcome = message

    def _end(self, child: Child) -> None:
        """A child closed its stdout: it is ending, or has ended."""
        self._selector.unregister(child.fd)
        code = processes.reap(child.process)
        del self._running[child.job.id]
        backoff_s = self.config.jobs.backoff
        if child.outcome is None and code == -signal.SIGTERM and not child.ended_because:
            # Not our doing: systemd stops the whole service, children and all.
            self._recording.put_back(child, "SIGTERM")
        else:
            result = child.result(code)
            if isinstance(result, PutBack):
                self._executor.refuse(result.reason)
                self._recording.put_back(child, result.reason, wait_s=backoff_s)
            else:
                self._recording.ended(child, result, backoff_s)
                forget_old(self._state_dir)
        # Not while another job of its project runs: that one may be at the same files.
        if all(other.job.project != child.job.project for other in self._running.values()):
            self._ended(child.job)
