"""File changes on their way to the loop: what they are, and the queue they wait in."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Literal, TypeAlias

ChangeKind: TypeAlias = Literal["closed", "moved_in", "created", "modified", "deleted", "moved_out"]


@dataclass(frozen=True, slots=True)
class FileChange:
    """The kernel saw something happen to one entry of an armed folder.

    `path` is the armed folder's path, as it was given to `arm`, joined with the entry's name; a
    name that is not UTF-8 is in `os.fsdecode` form. A new hard link is "created". A rename
    within one folder is "moved_out" and "moved_in".
    """

    path: str
    kind: ChangeKind
    is_dir: bool


@dataclass(frozen=True, slots=True)
class WatchLost:
    """A folder is no longer watched. `reason` completes "<folder> is not watched: ..."."""

    folder: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Overflowed:
    """Changes were dropped, in the kernel or here: every armed folder needs a scan."""


Change: TypeAlias = FileChange | WatchLost | Overflowed


class ChangeQueue:
    """Changes on their way to the loop: any number of producers, one consumer, bounded.

    "modified" and "closed" of a path that already waits with the same kind add nothing (whoever
    takes the first one looks at the file later still), so a busy appender costs one entry. When
    `limit` entries wait, the file changes among them collapse into one Overflowed.
    """

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._items: SimpleQueue[Change | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._waiting: set[tuple[str, ChangeKind]] = set()
        self._overflow_waits = False

    def put(self, change: Change) -> None:
        """Add a change, unless one that says the same is waiting. Never blocks for long."""
        with self._lock:
            if self._items.qsize() >= self._limit:
                self._collapse()
            if self._is_news(change):
                self._items.put(change)

    def get(self, timeout: float | None = None) -> Change | None:
        """The next change; None after `timeout` seconds without one, or when woken."""
        try:
            change = self._items.get(timeout=None if timeout is None else max(0.0, timeout))
        except Empty:
            return None
        with self._lock:
            if isinstance(change, FileChange):
                self._waiting.discard((change.path, change.kind))
            elif isinstance(change, Overflowed):
                self._overflow_waits = False
        return change

    def wake(self) -> None:
        """Make one `get` return None at once. Takes no lock: a signal handler may call it."""
        self._items.put(None)

    def __len__(self) -> int:
        """How many entries wait."""
        return self._items.qsize()

    def _is_news(self, change: Change) -> bool:
        if isinstance(change, Overflowed):
            news = not self._overflow_waits
            self._overflow_waits = True
            return news
        if isinstance(change, FileChange):
            if change.kind in ("modified", "closed"):
                before = len(self._waiting)
                self._waiting.add((change.path, change.kind))
                return len(self._waiting) > before
            # The name may stand for another file from here on: what follows is news again.
            self._waiting.discard((change.path, "modified"))
            self._waiting.discard((change.path, "closed"))
        return True

    def _collapse(self) -> None:
        lost: list[WatchLost] = []
        try:
            while True:
                item = self._items.get_nowait()
                if isinstance(item, WatchLost):
                    lost.append(item)
        except Empty:
            pass
        self._waiting.clear()
        self._overflow_waits = True
        self._items.put(Overflowed())
        for item in lost:
            self._items.put(item)
