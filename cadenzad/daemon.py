"""The daemon: takes the lock, starts the parts, runs the loop, stops them in reverse."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

import cadenzad
from cadenzad.assembly import assemble
from cadenzad.config.files import Config, diff
from cadenzad.config.paths import INBOX, expand, make_state_dir
from cadenzad.hub.forwarder import HUB_PROGRESS
from cadenzad.jobs.unwatched import drop_unwatched
from cadenzad.leftovers import recover_everything
from cadenzad.logfiles import daemon_log, logged_to
from cadenzad.logs import set_up_logging
from cadenzad.metrics.prometheus import write_textfile
from cadenzad.progress import Course, Progress
from cadenzad.requests import inbox
from cadenzad.requests.schedule import Schedule
from cadenzad.requests.take import Requests
from cadenzad.service_manager.journal import leads_to_journal
from cadenzad.service_manager.liveness import interval_s
from cadenzad.service_manager.notify import notify
from cadenzad.timers import Timers
from cadenzad.trouble import STORAGE, Place, Trouble
from cadenzad.waits import Waits, stamp
from cadenzad.watch.changes import ChangeQueue
from cadenzad.watch.record import record_project
from handlers.export.reactions import retries
from handlers.reactions import Stopping
from store.errors import ConfigError, LockHeldError, StoreError
from store.events.envelope import DAEMON_STREAM, NewEvent, project_stream
from store.events.process import DaemonStarted, DaemonStopped
from store.lock import WriterLock
from store.reads.shapes import DegradedStatus
from store.text import counted
from store.times import iso
from store.writer import Transaction

log = logging.getLogger("cadenzad")
BEAT_S = 10.0
"""How often the main loop gives a sign of life."""


class Daemon:
    """One running daemon on one state directory. `run` blocks until it is told to stop."""

    def __init__(
        self, config: Config, state_dir: Path, reload: Callable[[], Config] | None = None
    ) -> None:
        """`reload` reads the configuration anew on SIGHUP; it may raise ConfigError."""
        self._config = config
        self._state_dir = state_dir
        self._reload = reload
        self._changes = ChangeQueue()
        self._stop_reason = ""
        self._taken_over: LockHeldError | None = None
        self._stopping = threading.Event()
        self._due: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._timers = Timers()
        self._retry_waits = Waits()
        self._lock = WriterLock(state_dir, inbox.DAEMON_ROLE)
        self._trouble = Trouble(self._tell_trouble)
        self._started_at = iso(time.time_ns() // 1000)

    # -- lifecycle ---------------------------------------------------------------------------------

    def run(self, *, once: bool = False, progress: Progress = lambda _values: None) -> int:
        """Watch until SIGTERM or SIGINT; with `once`, scan, react, do the jobs and return.

        `progress` hears how far a `once` is. Returns the exit code. Raises LockHeldError when
        another writer holds the state directory.
        """
        make_state_dir(self._state_dir)
        with ExitStack() as stack:
            lock = stack.enter_context(self._lock.acquire())
            if not leads_to_journal(sys.stderr):
                stack.enter_context(logged_to(daemon_log(self._state_dir)))
            self._open(stack, lock, once)
            if once:
                self._run_once(progress)
            else:
                self._run_loop(stack)
        return 0

    def _open(self, stack: ExitStack, lock: WriterLock, once: bool) -> None:
        """Have the parts built; the stack takes them down again."""
        parts = assemble(
            stack,
            self._state_dir,
            lock,
            lambda: self._config,
            self._changes,
            trouble=self._trouble.met,
            checkpoint=self._checkpoint,
            look_again=self._look_again,
            once=once,
        )
        self._writer, self._state, self._reading = parts.writer, parts.state, parts.reader
        self._reactor, self._jobs = parts.reactor, parts.jobs
        self._recorder, self._folders = parts.recorder, parts.folders
        self._liveness, self._forwarder = parts.liveness, parts.forwarder
        self._folders.alive = self._lock.beat
        self._requests = Requests(
            self._state_dir,
            parts.state,
            parts.writer,
            partial(record_project, recorder=parts.recorder),
            self._trouble.met,
        )
        self._place = Place(self._state_dir)
        self._schedule = Schedule(
            self._state_dir, self._state, self._writer, lambda path: self._config.watches(path)
        )

    def _run_once(self, progress: Progress) -> None:
        """Cron's habit: everything there is to do now, then the end."""
        # There is no main loop here whose timer gives the signs of life.
        course = Course(progress, self._lock.beat, self._state)
        self._jobs.requeue_orphans()
        recover_everything(self._state_dir, self._state, self._writer)
        drop_unwatched(self._writer, self._config)
        self._announce("running")
        self._requests.take_all()
        self._scan_once(course)
        self._folders.record_removals()
        self._request_retries()
        self._reactor.drain(course.reacting)
        if self._schedule.begin(self._config.retention):
            while self._schedule.turn(self._config.retention):
                self._requests.take_all()
                self._lock.beat()
        self._jobs.work_off(course.working)
        self._reactor.drain(course.reacting)
        if self._folders.recordings_dropped:  # their jobs wrote run logs
            self._scan_once(course)
            self._reactor.drain(course.reacting)
        self._jobs.work_off(course.working)  # what jobs led to: somebody is told of a verdict
        if self._forwarder is not None:
            self._forwarder.ship_all()
        self._writer.run(_forget_daemon)

    def _scan_once(self, course: Course) -> None:
        self._folders.reconcile()
        self._folders.finish_scan(course.reading)
        while calls := list(self._due_calls()):  # files to be looked at once more
            for call in calls:
                self._guarded(call)
            self._recorder.flush()

    def _run_loop(self, stack: ExitStack) -> None:
        self._catch_signals(stack)
        self._begin(stack)
        self._start_up()
        if self._config.metrics.port:
            from cadenzad.metrics.serving import serve  # with a server of HTTP; few ask for one

            stack.enter_context(serve(self._config.metrics.port, self._state_dir))
        self._set_timers()
        self._announce("running")
        notify("READY=1", f"STATUS={self._status_line()}")
        log.info("ready: %s", self._status_line())
        while not self._stop_reason:
            self._step()
        self._end()
        if self._taken_over is not None:
            raise self._taken_over

    def _begin(self, stack: ExitStack) -> None:
        started = DaemonStarted(
            pid=os.getpid(),
            version=cadenzad.__version__,
            workspaces=tuple(str(path) for path in self._config.workspaces),
        )
        self._writer.append(NewEvent(DAEMON_STREAM, started))
        self._announce("starting")
        recover_everything(self._state_dir, self._state, self._writer)  # while no job runs
        self._jobs.requeue_orphans()
        drop_unwatched(self._writer, self._config)
        self._jobs.start()
        self._reactor.start()
        if self._forwarder is not None:
            self._forwarder.start()
        elif self._state.progress(HUB_PROGRESS) is not None:
            self._writer.run(lambda unit: unit.set_progress(HUB_PROGRESS, None))
        stack.callback(self._reactor.stop)  # also when the start fails half-way
        stack.callback(self._stopping.set)

    def _start_up(self) -> None:
        """Arm every watch, then scan; what the scan found is in the log when this returns."""
        self._folders.watch_extra(self._state_dir / INBOX, self._requests.take)
        self._folders.reconcile()
        self._requests.take_all()
        while self._folders.turn(time.monotonic()):
            pass
        self._recorder.flush()
        self._folders.record_removals()

    def _end(self) -> None:
        log.info("stopping: %s", self._stop_reason)
        notify("STOPPING=1", "STATUS=stopping")
        self._announce("stopping")
        self._stopping.set()
        self._reactor.stop()
        self._guarded(self._jobs.stop)
        self._recorder.flush()
        stopped = DaemonStopped(pid=os.getpid(), reason=self._stop_reason)
        # With a log that cannot be written, a stop in good order is no event, but it is one.
        self._guarded(lambda: self._writer.append(NewEvent(DAEMON_STREAM, stopped)))
        self._guarded(lambda: self._writer.run(_forget_daemon))

    # -- the loop ----------------------------------------------------------------------------------

    def _step(self) -> None:
        """Wait for the next change, deadline or wake-up, and do what it asks."""
        deadlines = (self._folders.next_deadline(), self._timers.next_deadline())
        deadline = min((when for when in deadlines if when is not None), default=None)
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        change = self._changes.get(timeout)
        if change is not None:
            self._guarded(lambda: self._folders.handle(change, time.monotonic()))
        for call in self._due_calls():
            self._guarded(call)
        self._guarded(lambda: self._folders.turn(time.monotonic()))

    def _guarded(self, call: Callable[[], object]) -> None:
        """Call something; with a log that cannot be used it comes round again with the next scan.

        What was not recorded of a file is found by that scan, as its stat is not the one last seen.
        """
        try:
            call()
        except STORAGE as error:
            self._trouble.met(error)

    def _due_calls(self) -> Iterator[Callable[[], None]]:
        yield from self._timers.due(time.monotonic())
        with suppress(Empty):
            while True:
                yield self._due.get_nowait()

    def _soon(self, call: Callable[[], None]) -> None:
        """From another thread or a signal handler: have the loop call something."""
        self._due.put(call)
        self._changes.wake()

    def _reconcile(self) -> None:
        before = self._trouble.begin_round()
        self._guarded(self._scan)
        self._guarded(self._check_place)
        self._announce("running")
        self._trouble.end_round(before)
        notify(f"STATUS={self._status_line()}")

    def _scan(self) -> None:
        self._folders.reconcile(periodic=True)
        self._requests.take_all()
        self._folders.turn(time.monotonic())
        self._recorder.flush()
        self._folders.record_removals()
        self._request_retries()
        if self._schedule.begin(self._config.retention):
            self._soon(self._prune_some)

    def _prune_some(self) -> None:
        """A part of a round of pruning; the rest after whatever else waits."""
        if self._schedule.turn(self._config.retention):
            self._requests.take_all()
            self._soon(self._prune_some)

    def _check_place(self) -> None:
        """Whether the state directory is the one that was opened, and sound as far as is seen."""
        if not self._lock.is_in_place():
            try:
                # Deleted under us: the folder and the lock at least, so that `status` can be told.
                make_state_dir(self._state_dir)
                self._lock.put_back()
            except LockHeldError as error:
                self._taken_over, self._stop_reason = error, "another one took the state directory"
                return
        for code, detail in self._place.problems(self._reading):
            self._trouble.add(code, detail)

    def _tell_trouble(self, reasons: list[DegradedStatus]) -> None:
        """From any thread: where the event log cannot be written, these two still can be told."""
        self._lock.tell(trouble=reasons)
        notify(f"STATUS={self._status_line()}")

    def _set_timers(self) -> None:
        now, every = time.monotonic(), self._timers.every
        every(self._config.reconcile.every, self._reconcile, "reconcile", now)
        every(BEAT_S, self._lock.beat, "beat", now)
        if self._config.metrics.textfile:
            every(self._config.metrics.every, self._write_metrics, "metrics", now)
        watchdog = interval_s()
        if watchdog is not None:
            # Twice per interval, as sd_watchdog_enabled(3) asks for.
            every(watchdog / 2, self._liveness.begin, "watchdog", now)

    def _write_metrics(self) -> None:
        if not self._config.metrics.textfile:
            return
        try:
            target = expand(self._config.metrics.textfile)
            write_textfile(target, self._state_dir, self._reading)
        except StoreError as error:
            log.error("%s", error.message)

    def _reconfigure(self) -> None:
        """SIGHUP: a good configuration is taken over, a bad one is named and the old one kept."""
        if self._reload is None:
            return
        notify("RELOADING=1")
        try:
            config = self._reload()
        except ConfigError as error:
            log.error("configuration not reloaded: %s", " ".join((error.message, error.hint)))
        else:
            changes = diff(self._config, config)
            self._config = config
            set_up_logging(config.log.level, json_lines=config.log.json_lines)
            self._jobs.reconfigure(config)
            self._folders.reconfigure(config)
            drop_unwatched(self._writer, config)
            self._set_timers()
            self._announce("running")
            for change in changes:
                log.info("configuration: %s", change)
            log.info("configuration reloaded: %s", self._status_line())
        notify("READY=1", f"STATUS={self._status_line()}")

    def _catch_signals(self, stack: ExitStack) -> None:
        def stop(number: int, _frame: object) -> None:
            self._stop_reason = signal.Signals(number).name
            self._stopping.set()
            self._changes.wake()

        def reload(_number: int, _frame: object) -> None:
            self._soon(self._reconfigure)

        for number, handler in (
            (signal.SIGTERM, stop),
            (signal.SIGINT, stop),
            (signal.SIGHUP, reload),
        ):
            stack.callback(signal.signal, number, signal.signal(number, handler))

    # -- what the parts call -----------------------------------------------------------------------

    def _checkpoint(self) -> None:
        if self._stopping.is_set():
            raise Stopping

    def _look_again(self, path: str) -> None:
        self._soon(lambda: self._folders.take(path))

    # -- retries, what others see ------------------------------------------------------------------

    def _request_retries(self) -> None:
        """Ask again for exports that failed for a reason that may have passed."""
        failed = self._state.projects_of_failed_exports()
        for project in self._folders.projects:
            if self._folders.is_quiet(project) and str(project) not in failed:
                continue
            for event in retries(self._state, str(project), self._retry_waits.left):
                with suppress(StoreError):  # the next reconcile asks again
                    self._writer.append(NewEvent(project_stream(str(project)), event))

    def _announce(self, state: str) -> None:
        """Overwrite what `status` and `metrics` say of the living daemon."""
        live = {
            "pid": os.getpid(),
            "state": state,
            "started_at": self._started_at,
            "version": cadenzad.__version__,
            "workspaces": [str(path) for path in self._config.workspaces],
            "watching": {
                "projects": len(self._folders.projects),
                "directories": self._folders.directories,
            },
        }
        counters = {
            "overflows": self._folders.overflows,
            "reconcile_finds": self._folders.reconcile_finds,
            "reconciled_at": int(time.time()),
            "reconciled": stamp(),
        }

        def write(transaction: Transaction) -> None:
            transaction.set_progress("daemon", live)
            transaction.set_progress("counters", counters)

        self._lock.beat()
        self._guarded(lambda: self._writer.run(write))

    def _status_line(self) -> str:
        """For systemd; from memory, as the log may be what is degraded."""
        line = (
            f"watching {counted(len(self._folders.projects), 'project')}"
            f" in {counted(self._folders.directories, 'folder')}"
        )
        reasons = [reason["detail"] for reason in self._trouble.reasons]
        if reasons:
            return f"{line}; degraded: {reasons[0]}"
        count = len(self._folders.degraded)
        return f"{line}; degraded: {counted(count, 'reason')}" if count else line


def _forget_daemon(transaction: Transaction) -> None:
    transaction.set_progress("daemon", None)
