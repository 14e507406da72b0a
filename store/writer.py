"""The one writer thread: units of work from many threads, committed in groups.

Each unit runs in a savepoint of a shared transaction: one fsync serves every unit that was waiting,
and a unit that raises is undone alone. A unit's future resolves only after the commit, so whoever
waited for it may rely on the disk.
"""

from __future__ import annotations

import contextlib
import json
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence, Set
from concurrent.futures import Future
from typing import Any, TypeVar

from store.errors import StoreError
from store.events.envelope import NewEvent, Recorded
from store.log import Clock, EventLog, Projector, now_us
from store.schema import BUSY_TIMEOUT_MS, ViewConnection

T = TypeVar("T")
OnCommit = Callable[[Set[str]], None]
GROUP_LIMIT = 512
IDLE_CHECKPOINT_S = 5.0


class Transaction:
    """What a unit may do. Reads on `connection` see everything earlier units of the group did."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.connection = log.connection
        self.types: set[str] = set()

    def append(self, *events: NewEvent) -> list[Recorded]:
        """Append events (see EventLog.append) and fold them into the view."""
        stored = self.log.append(events)
        self.types.update(record.type for record in stored)
        return stored

    def set_cursor(self, reaction: str, position: int) -> None:
        """A reaction has handled everything up to `position`."""
        self.connection.execute(
            "INSERT INTO cursors (reaction, position) VALUES (?, ?)"
            " ON CONFLICT (reaction) DO UPDATE SET position = excluded.position",
            (reaction, position),
        )

    def set_progress(self, key: str, value: object) -> None:
        """Overwrite a live value that is no history (heartbeat, epoch, loss); None removes it."""
        if value is None:
            self.connection.execute("DELETE FROM progress WHERE key = ?", (key,))
            return
        self.connection.execute(
            "INSERT INTO progress (key, value, updated_us) VALUES (?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value,"
            " updated_us = excluded.updated_us",
            (key, json.dumps(value), now_us()),
        )

    def forget_seen(self, path: str) -> None:
        """A file is gone: one that comes in its place is read."""
        self.connection.execute("DELETE FROM seen WHERE path = ?", (path,))

    def mark_seen(
        self, path: str, dev: int, ino: int, size: int, mtime_ns: int, ctime_ns: int
    ) -> None:
        """Remember a file's stat, so that an unchanged file is not read again."""
        self.connection.execute(
            "INSERT INTO seen (path, dev, ino, size, mtime_ns, ctime_ns) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (path) DO UPDATE SET dev = excluded.dev, ino = excluded.ino,"
            " size = excluded.size, mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns",
            (path, dev, ino, size, mtime_ns, ctime_ns),
        )


class Writer:
    """Owns the writing connection and the thread that uses it."""

    def __init__(
        self,
        connection: ViewConnection,
        project: Projector | None = None,
        *,
        clock: Clock = now_us,
        on_commit: OnCommit | None = None,
    ) -> None:
        """`on_commit(types)` is called after each commit of events, on the writer thread."""
        self._connection = connection
        self._log = EventLog(connection, project, clock)
        self._transaction = Transaction(self._log)
        self._queue: queue.SimpleQueue[tuple[Callable[[Transaction], Any], Future[Any]] | None]
        self._queue = queue.SimpleQueue()
        self._on_commit = on_commit
        self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, unit: Callable[[Transaction], T]) -> Future[T]:
        """Run `unit` in the next group; the future resolves once it is committed.

        A unit must be quick, must not wait for another unit, and may be undone and never retried
        when the group's commit fails: then its future raises StoreError.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise StoreError("the event log is closed")
            self._queue.put((unit, future))
        return future

    def run(self, unit: Callable[[Transaction], T], timeout: float | None = None) -> T:
        """Submit and wait for the commit."""
        return self.submit(unit).result(timeout)

    def append(self, *events: NewEvent) -> list[Recorded]:
        """Append events and wait for the commit."""
        return self.run(lambda transaction: transaction.append(*events))

    def close(self) -> None:
        """Commit what was submitted, truncate the WAL and close the connection."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()
        self._checkpoint()
        with contextlib.suppress(sqlite3.Error):  # what is committed is in the WAL
            self._connection.close()

    # -- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        dirty = False
        while True:
            try:
                item = self._queue.get(timeout=IDLE_CHECKPOINT_S if dirty else None)
            except queue.Empty:
                self._checkpoint()
                dirty = False
                continue
            if item is None:
                return
            group = [item]
            last = False
            while len(group) < GROUP_LIMIT:
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    last = True
                    break
                group.append(item)
            self._commit(group)
            dirty = True
            if last:
                return

    def _commit(self, group: Sequence[tuple[Callable[[Transaction], Any], Future[Any]]]) -> None:
        """Run a group in one transaction and resolve its futures after the commit."""
        connection = self._connection
        results: list[tuple[Future[Any], Any, BaseException | None]] = []
        types = self._transaction.types = set()
        try:
            connection.execute("BEGIN IMMEDIATE")
            for unit, future in group:
                connection.execute("SAVEPOINT unit")
                try:
                    results.append((future, unit(self._transaction), None))
                except Exception as error:  # noqa: BLE001 - handed to whoever waits for it
                    connection.execute("ROLLBACK TO unit")
                    self._log.forget_cache()
                    results.append((future, None, _told(error)))
                connection.execute("RELEASE unit")
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._log.forget_cache()
            with contextlib.suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            failure = _not_written(error)
            for _, future in group:
                future.set_exception(failure)
            return
        if self._on_commit is not None and types:
            self._on_commit(types)
        for future, result, raised in results:
            if raised is not None:
                future.set_exception(raised)
            else:
                future.set_result(result)

    def _checkpoint(self) -> None:
        """Bring the WAL back to nothing while it is quiet.

        A reader in the way is not waited for, and a full disk is no reason to end the thread: the
        next quiet moment tries again, and until then the WAL holds everything.
        """
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA busy_timeout = 0")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")


def _told(error: Exception) -> Exception:
    """What a unit's caller hears: that the log cannot be used, where that is what SQLite says.

    A constraint that refused is another matter: whoever asked for it saw an older state.
    """
    broken = isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError
    return _not_written(error) if broken else error


def _not_written(error: Exception) -> StoreError:
    failure = StoreError(
        f"nothing was written: {error}", hint="is the disk of the state directory full?"
    )
    failure.__cause__ = error
    return failure
