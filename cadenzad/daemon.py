"""The daemon: takes the lock, starts the parts in order, runs the loop, stops them in reverse."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import cadenzad
from cadenzad import inbox
from cadenzad.collector import Collector
from cadenzad.config import Config
from cadenzad.ingest import Ingest
from cadenzad.notify import notify
from cadenzad.paths import INBOX, make_state_dir
from cadenzad.reactor import Reactor
from cadenzad.requests import carry_out
from cadenzad.schedule import Schedule
from cadenzad.watcher import ChangeQueue, FolderWatches
from handlers import REACTIONS
from handlers.export.reactions import retries
from handlers.reactions import Stopping, Tools
from store.errors import InputError, StoreError
from store.events import DAEMON_STREAM, DaemonStarted, DaemonStopped, NewEvent, project_stream
from store.lock import WriterLock
from store.opening import open_writer
from store.queries import State
from store.schema import connect_reader
from store.writer import Transaction

log = logging.getLogger("cadenzad")


class Daemon:
    """One running daemon on one state directory. `run` blocks until it is told to stop."""

    def __init__(self, config: Config, state_dir: Path) -> None:
        self._config = config
        self._state_dir = state_dir
        self._changes = ChangeQueue()
        self._stop_reason = ""
        self._due: set[str] = set()
        self._started_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    # -- lifecycle ---------------------------------------------------------------------------------

    def run(self, *, once: bool = False) -> int:
        """Watch until SIGTERM or SIGINT; with `once`, scan, react and return. The exit code.

        Raises LockHeldError when another writer holds the state directory.
        """
        make_state_dir(self._state_dir)
        with ExitStack() as stack:
            stack.enter_context(WriterLock(self._state_dir, "cadenzad").acquire())
            self._open(stack, once)
            if once:
                self._run_once()
            else:
                self._run_loop(stack)
        return 0

    def _open(self, stack: ExitStack, once: bool) -> None:
        """Build the parts, innermost first; the stack takes them down again."""
        self._writer = open_writer(self._state_dir, on_commit=self._committed)
        stack.callback(self._writer.close)
        self._stopping = threading.Event()
        self._reactor = Reactor(
            self._reader(stack), self._writer, REACTIONS, Tools(checkpoint=self._checkpoint)
        )
        reader = self._reader(stack)
        self._state = State(reader)
        watches = None
        if not once:
            watches = FolderWatches(self._changes)
            watches.start()
            stack.callback(watches.stop)
        self._ingest = Ingest(reader, self._writer, self._look_again)
        self._collector = Collector(
            self._config, self._state, self._writer, self._ingest, self._changes, watches
        )

    def _reader(self, stack: ExitStack) -> sqlite3.Connection:
        reader = connect_reader(self._state_dir)
        stack.callback(reader.close)
        return reader

    def _checkpoint(self) -> None:
        if self._stopping.is_set():
            raise Stopping

    def _committed(self, head: int) -> None:
        self._reactor.wake()

    def _run_once(self) -> None:
        """Cron's habit: everything there is to do now, then the end."""
        self._announce("running")
        self._take_requests()
        self._collector.reconcile()
        self._collector.finish_scan()
        self._collector.record_removals()
        self._request_retries()
        self._reactor.drain()
        self._writer.run(_forget_daemon)

    def _run_loop(self, stack: ExitStack) -> None:
        self._catch_signals(stack)
        self._writer.append(
            NewEvent(
                DAEMON_STREAM,
                DaemonStarted(
                    pid=os.getpid(),
                    version=cadenzad.__version__,
                    workspaces=tuple(str(path) for path in self._config.workspaces),
                ),
            )
        )
        self._announce("starting")
        self._reactor.start()
        stack.callback(self._reactor.stop)  # also when the start fails half-way
        stack.callback(self._stopping.set)
        self._collector.watch_extra(self._state_dir / INBOX, self._request_arrived)
        self._collector.reconcile()
        self._take_requests()
        while self._collector.turn():
            pass
        self._ingest.flush()
        self._collector.record_removals()
        schedule = Schedule()
        schedule.every(self._config.reconcile.every, lambda: self._wake_for("reconcile"))
        schedule.start()
        stack.callback(schedule.stop)
        self._announce("running")
        notify("READY=1", f"STATUS={self._status_line()}")
        log.info("ready: %s", self._status_line())
        while not self._stop_reason:
            self._step()
        log.info("stopping: %s", self._stop_reason)
        notify("STOPPING=1")
        self._announce("stopping")
        self._stopping.set()
        self._reactor.stop()
        self._ingest.flush()
        stopped = DaemonStopped(pid=os.getpid(), reason=self._stop_reason)
        self._writer.append(NewEvent(DAEMON_STREAM, stopped))
        self._writer.run(_forget_daemon)

    # -- the loop ----------------------------------------------------------------------------------

    def _step(self) -> None:
        """Wait for the next change, deadline or wake-up, and do what it asks."""
        deadline = self._collector.next_deadline()
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        change = self._changes.get(timeout)
        if change is not None:
            self._collector.handle(change)
        if self._due:
            self._periodic()
        self._collector.turn()

    def _periodic(self) -> None:
        due, self._due = self._due, set()
        if "reconcile" in due:
            self._collector.reconcile(periodic=True)
            self._take_requests()
            self._collector.turn()
            self._ingest.flush()
            self._collector.record_removals()
            self._request_retries()
            self._announce("running")
            notify(f"STATUS={self._status_line()}")
        for path in sorted(due - {"reconcile"}):
            self._collector.take(path)

    def _wake_for(self, what: str) -> None:
        """From another thread: have the loop do something."""
        self._due.add(what)
        self._changes.wake()

    def _look_again(self, path: str) -> None:
        self._wake_for(path)

    def _catch_signals(self, stack: ExitStack) -> None:
        def stop(number: int, _frame: object) -> None:
            self._stop_reason = signal.Signals(number).name
            self._stopping.set()
            self._changes.wake()

        for number in (signal.SIGTERM, signal.SIGINT):
            stack.callback(signal.signal, number, signal.signal(number, stop))

    # -- odds --------------------------------------------------------------------------------------

    def _announce(self, state: str) -> None:
        """Overwrite what `status` says of the living daemon."""
        live = {
            "pid": os.getpid(),
            "state": state,
            "started_at": self._started_at,
            "version": cadenzad.__version__,
            "workspaces": [str(path) for path in self._config.workspaces],
            "watching": {
                "projects": len(self._collector.projects),
                "directories": self._collector.directories,
            },
            "reconciled_at": int(time.time()),
        }
        self._writer.run(lambda transaction: transaction.set_progress("daemon", live))

    def _status_line(self) -> str:
        degraded = len(self._state.degraded())
        line = (
            f"watching {len(self._collector.projects)} projects"
            f" in {self._collector.directories} folders"
        )
        return f"{line}; degraded: {degraded} reasons" if degraded else line

    def _request_retries(self) -> None:
        """Ask again for exports that failed for a reason that may have passed."""
        now = time.time()
        for project in self._collector.projects:
            for event in retries(self._state, str(project), now):
                self._writer.append(NewEvent(project_stream(str(project)), event))

    def _take_requests(self) -> None:
        for path in inbox.waiting(self._state_dir):
            self._request_arrived(path)

    def _request_arrived(self, path: Path) -> None:
        if path.suffix != inbox.SUFFIX or path.name.startswith("."):
            return
        try:
            carry_out(inbox.read(path), self._writer)
            inbox.done(path)
        except FileNotFoundError:
            return
        except InputError as error:
            log.warning("%s", error.message)
            inbox.refuse(path)
        except StoreError as error:
            log.error("%s: left for later: %s", path, error.message)


def _forget_daemon(transaction: Transaction) -> None:
    transaction.set_progress("daemon", None)
