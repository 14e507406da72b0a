"""Jobs: queued work becomes child processes, with retries and a dead end.

One long-lived thread starts what is due and supervises every child (`children`): what runs there
ends with it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import selectors
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from cadenzad.config.files import Config
from cadenzad.config.project import ProjectConfigs
from cadenzad.jobs.cgroup import Confinement
from cadenzad.jobs.children import Children
from cadenzad.jobs.executor import Executor, executor_of
from cadenzad.jobs.places import Places
from cadenzad.jobs.queue import Queue
from cadenzad.jobs.recording import Recording, described
from handlers.routes import BESIDE, LAST
from store.errors import StoreError
from store.reads.state import JobRow, State, WaitingJob
from store.writer import Writer

log = logging.getLogger("cadenzad.jobs")
QUICK_S, REST = 0.02, 40
"""Reading the queue for longer (CPU time) is followed by so many times of rest."""


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
        only: Callable[[WaitingJob], bool] = lambda _job: True,
        ended: Callable[[JobRow], None] = lambda _job: None,
        trouble: Callable[[Exception], object] = lambda error: log.error("jobs: %s", error),
        executor: Executor | None = None,
        configs: ProjectConfigs | None = None,
    ) -> None:
        """`functions`: kind -> "module:function". `reader` is for this object alone.

        `only` picks the jobs that are started, where not every one is our business. `ended` is
        called when no child of a job is left that ran, however it ended; `trouble` when the log
        cannot be read or written, which is tried again. `executor`: where jobs are done; None: as
        `jobs.executor` says. `configs`: where others ask for projects' configurations too.
        """
        self._executor = executor or executor_of(config)
        self._executor_fd: int | None = None
        self._trouble = trouble
        self._config = config
        self._state = State(reader)
        self._recording = Recording(writer, jitter)
        self._places = Places(self._executor, self._recording)
        # Asked before the oldest of a project is chosen: what another process will do waits there
        # and holds up nothing here.
        self._queue = Queue(
            self._state,
            last=LAST,
            can_start=lambda job: only(job) and self._places.is_equipped(job),
        )
        self._selector = selectors.DefaultSelector()
        self._children = Children(
            config,
            configs or ProjectConfigs(),
            state_dir,
            self._state,
            self._recording,
            self._executor,
            functions,
            confinement or Confinement(),
            self._selector,
            ended,
        )
        self._wake_r, self._wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_r, selectors.EVENT_READ)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._error = ""
        self._due_at: float | None = None
        """When another look at the queue is due, by time.monotonic; None: only after news."""
        self._rested_at = 0.0
        self._owed = False
        """Whether there was news while it rested."""

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
        self._config = self._children.config = config
        self._executor.reconfigure(config)
        self.wake()

    def requeue_orphans(self) -> None:
        """No child outlives its daemon, so a job that runs in the view and not here is none."""
        for job in self._state.jobs(state="running"):
            self._recording.orphaned(job, self._config.jobs.attempts)

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
                text = described(error)
                if text != self._error:
                    log.error("jobs: %s", text)
                self._error = text
                time.sleep(1.0)
        self._end_all()

    def turn(self, patience: float | None = None) -> None:
        """Start what can start, then wait for news of a child (at most `patience` seconds)."""
        self._look_at_executor(self._executor.turn(time.monotonic()))
        self._look_at_queue()
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
                self._children.read(key.data)
        self._children.enforce_limits()

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
            self._recording.show("cluster", live)

    def _timeout(self) -> float | None:
        """Seconds until something is due; None: only news can wake us."""
        now = time.monotonic()
        deadlines = self._children.deadlines()
        if self._executor.next_s is not None:
            deadlines.append(self._executor.next_s)
        due_at = self._rested_at if self._owed else self._due_at
        if due_at is not None:
            deadlines.append(due_at)
        return max(0.0, min(deadlines) - now) if deadlines else None

    def _look_at_queue(self) -> None:
        """Start what can start, and see when to look again.

        All that is queued is looked at, and each job that is queued is news: of thousands, queued
        one by one, a look would follow another and leave the rest of the daemon little time.
        """
        self._owed = time.monotonic() < self._rested_at
        if self._owed:
            return
        begun = time.thread_time()
        startable = self._queue.startable()
        took = time.thread_time() - begun
        self._rested_at = time.monotonic() + REST * took if took > QUICK_S else 0.0
        self._start(startable)
        is_full = len(self._children) >= self._config.jobs.workers
        wait = None if is_full else self._queue.next_s()
        self._due_at = None if wait is None else time.monotonic() + wait

    def _start(self, jobs: Iterable[WaitingJob]) -> None:
        for job in jobs:
            full = self._children.workers >= self._config.jobs.workers and job.kind not in BESIDE
            if full or job.id in self._children:
                continue
            if self._places.has_room(job):
                row = self._state.job(job.id)
                if row is not None and row.state == "queued":  # since it was looked at
                    self._places.forget(job)
                    self._children.start(row)

    def _end_all(self) -> None:
        self._executor.close()
        self._children.end_all()
