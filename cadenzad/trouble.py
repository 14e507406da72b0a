"""What is wrong with the state directory under a running daemon.

Where the event log cannot be written, no event can say so. The reasons go where there is room for
them all the same: into the lock file that `status` reads, to systemd, and into the log, once a
minute each.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from store.errors import StoreError, one_line
from store.reads.shapes import DegradedStatus
from store.schema import DATABASE

log = logging.getLogger("cadenzad.trouble")
LOG_EVERY_S = 60.0
TOLD = 5
"""So many reasons fit into the lock file."""

WAL_LIMIT = 256 << 20
"""A WAL that grows beyond this many bytes is held by somebody who reads."""

CHECKED_BYTES = 16 << 20
"""Up to this size, SQLite's quick check of every page takes a scan a few milliseconds."""

SHARE = 0.02
"""And no more than this share of the time goes into it, however often scans come."""

STORAGE = (StoreError, sqlite3.Error)
"""What a read or a write of the event log raises when the log is at fault."""


class Trouble:
    """The reasons that hold now, by code. Any thread may meet one."""

    def __init__(
        self,
        tell: Callable[[list[DegradedStatus]], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`tell` gets all reasons whenever they change."""
        self._tell = tell
        self._clock = clock
        self._lock = threading.RLock()
        self._details: dict[str, str] = {}
        self._came_up: set[str] = set()
        self._logged: dict[str, float] = {}

    @property
    def reasons(self) -> list[DegradedStatus]:
        with self._lock:
            return [{"code": code, "detail": text} for code, text in self._details.items()]

    def met(self, error: Exception) -> None:
        """A read or a write of the event log failed."""
        # One fault, one reason, whoever came upon it.
        cause = error.__cause__ if isinstance(error.__cause__, sqlite3.Error) else error
        told = error.message if isinstance(error, StoreError) and cause is error else str(cause)
        self.add(f"event-log:{told}", f"the event log cannot be used: {told}")

    def add(self, code: str, detail: str) -> None:
        """A reason came up, perhaps again."""
        code, detail = one_line(code)[:200], one_line(detail)[:600]
        with self._lock:
            self._came_up.add(code)
            news = self._details.get(code) != detail
            self._details[code] = detail
            now = self._clock()
            if now - self._logged.get(code, -LOG_EVERY_S) >= LOG_EVERY_S:
                self._logged[code] = now
                log.error("degraded: %s", detail)
            if news:
                self._tell(self.reasons[:TOLD])

    def begin_round(self) -> frozenset[str]:
        """Before a scan; hand the result to `end_round`."""
        with self._lock:
            before, self._came_up = frozenset(self._came_up), set()
            return before

    def end_round(self, before: frozenset[str]) -> None:
        """A scan ends the reasons that did not come up in it, nor since the one before."""
        with self._lock:
            over = [code for code in before - self._came_up if code in self._details]
            for code in over:
                log.info("no longer degraded: %s", self._details.pop(code))
                self._logged.pop(code, None)
            if over:
                self._tell(self.reasons[:TOLD])


class Place:
    """The state directory as a daemon found it at its start: is it still that one?"""

    def __init__(self, state_dir: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_check = clock()
        self._database = state_dir / DATABASE
        self._wal = self._database.with_name(f"{DATABASE}-wal")
        self._found = _identity(self._database)

    def problems(self, reader: sqlite3.Connection) -> Iterator[tuple[str, str]]:
        """(code, detail) of what is wrong. Raises StoreError, sqlite3.Error for damage."""
        if _identity(self._database) != self._found:
            yield (
                "event-log-gone",
                f"{self._database} was deleted or replaced: what is recorded now is lost when the"
                " daemon ends; stop it, put a backup in place, start it",
            )
            return
        size = _size(self._wal)
        if size > WAL_LIMIT:
            who = readers_of(self._database)
            names = ", ".join(who) if who else "a process that cannot be seen from here"
            yield (
                "wal",
                f"{self._wal} has grown to {size >> 20:,} MiB, held by who reads the log for long:"
                f" {names}",
            )
        begun = self._clock()
        if _size(self._database) <= CHECKED_BYTES and begun >= self._next_check:
            found = reader.execute("PRAGMA quick_check(1)").fetchone()[0]
            self._next_check = begun + (self._clock() - begun) / SHARE
            if found != "ok":
                raise sqlite3.DatabaseError(f"damaged: {found}")


def readers_of(database: Path, proc: Path = Path("/proc")) -> list[str]:
    """The other processes that have a database open, as far as this user may see: name (pid)."""
    found = []
    for process in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            links = (os.readlink(handle) for handle in (process / "fd").iterdir())
            if process.name != str(os.getpid()) and str(database) in links:
                words = (process / "cmdline").read_bytes().split(b"\0")
                names = [Path(os.fsdecode(word)).name for word in words[:3] if word]
                found.append(f"{one_line(' '.join(names))[:80]} (pid {process.name})")
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
