"""Waits until files are quiet: file changes go in, drops (settled files) come out.

Pure but for one `stat` function: time is an argument, any monotonic clock in seconds will do. A
drop means "nothing changed for a while", not "its writer is done"; whoever reads it must bear a
torn last line, and a change while reading brings the file here again.
"""

from __future__ import annotations

import heapq
import itertools
import os
import stat as st
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from cadenzad.watch.changes import ChangeKind


@dataclass(frozen=True, slots=True)
class Drop:
    """A file that is ready to be read.

    `size` (bytes) and `mtime_ns` are those of the last look; both are None when looking failed,
    and opening the file will say why. `growing`: it was still changing and is handed out because
    of `max_wait`; another drop follows if it changes once more.
    """

    path: str
    size: int | None
    mtime_ns: int | None
    growing: bool = False


# (dev, ino, size, mtime_ns): what tells whether a file is as it was. Empty: looking failed.
_Signature: TypeAlias = tuple[int, int, int, int] | tuple[()]


@dataclass(slots=True, eq=False)
class _Pending:
    path: str
    signature: _Signature
    quiet_at: float  # settled if the signature still holds then
    latest: float  # handed out then even if not
    handed: _Signature | None = None  # as last handed out while growing
    ticket: int = -1  # the one heap item that counts; others are leftovers
    ticket_at: float = 0.0  # when that item comes up

    @property
    def due(self) -> float:
        return min(self.quiet_at, self.latest)


class Settler:
    """Holds changed files back until they are quiet.

    A file that was moved or linked into place is whole, and a drop at once. Any other is one when
    its size, mtime and inode held for a delay: `after_close` seconds after a close, `otherwise`
    seconds after any other change, counted from the last change that was noted or seen. One that
    does not become quiet is handed out every `max_wait` seconds. Only regular files count: a
    directory never becomes a drop, nor does a pipe, which would block its reader. A file that
    vanished is dropped without a word.
    Not thread-safe.
    """

    def __init__(
        self,
        after_close: float = 0.03,
        otherwise: float = 2.0,
        max_wait: float = 30.0,
        stat: Callable[[str], os.stat_result] = os.stat,
    ) -> None:
        if after_close < 0 or otherwise <= 0 or max_wait <= 0:
            raise ValueError("a delay is negative, or a wait is zero")
        self._after_close = after_close
        self._otherwise = otherwise
        self._max_wait = max_wait
        self._stat = stat
        self._pending: dict[str, _Pending] = {}
        self._heap: list[tuple[float, int, _Pending]] = []
        self._tickets = itertools.count()

    def reconfigure(self, after_close: float, otherwise: float, max_wait: float) -> None:
        """Other delays, for changes from now on."""
        self._after_close = after_close
        self._otherwise = otherwise
        self._max_wait = max_wait

    def __len__(self) -> int:
        """How many files are held back."""
        return len(self._pending)

    def __contains__(self, path: object) -> bool:
        return path in self._pending

    def note(self, path: str, kind: ChangeKind, now: float) -> None:
        """A change of `path` was reported: its delay starts anew."""
        if kind in ("deleted", "moved_out"):
            self.forget(path)
        elif kind == "moved_in":
            self._wait(path, now, 0.0)
        else:
            self._wait(path, now, self._after_close if kind == "closed" else self._otherwise)
            if kind == "created" and self._is_linked(path):
                self._hurry(path, now)

    def found(self, path: str, now: float, wall: float) -> None:
        """A scan came upon `path`; `wall` is the wall clock (Unix seconds).

        Due at once if it was last modified over `otherwise` seconds ago. A file that is held back
        already stays as it is: its changes say more than the scan does.
        """
        if path not in self._pending:
            self._wait(path, now, self._otherwise)
            entry = self._pending.get(path)
            if entry is not None and entry.signature:
                mtime = entry.signature[3] / 1e9
                if wall - mtime > self._otherwise:
                    self._hurry(path, now)

    def forget(self, path: str) -> None:
        """Stop holding `path` back; it will not become a drop."""
        self._pending.pop(path, None)  # what the heap has of it is skipped

    def due(self, now: float) -> list[Drop]:
        """The files that became drops by `now`, longest due first; each is given once."""
        drops = []
        while (when := self.next_deadline()) is not None and when <= now:
            entry = heapq.heappop(self._heap)[2]
            if (drop := self._look(entry, now)) is not None:
                drops.append(drop)
        return drops

    def next_deadline(self) -> float | None:
        """When `due` has something to do next; None while nothing is held back."""
        while self._heap:
            when, ticket, entry = self._heap[0]
            if self._pending.get(entry.path) is not entry or ticket != entry.ticket:
                heapq.heappop(self._heap)
            elif when < entry.due:  # put off since it was scheduled
                heapq.heappop(self._heap)
                self._push(entry)
            else:
                return when
        return None

    def _wait(self, path: str, now: float, delay: float) -> None:
        """Hold `path` back until it was quiet for `delay` from `now`, if it is a file at all."""
        signature = self._look_at(path)
        if signature is None:
            self.forget(path)
            return
        entry = self._pending.get(path)
        if entry is None:
            entry = _Pending(path, signature, now + delay, latest=now + self._max_wait)
            self._pending[path] = entry
        entry.signature = signature
        entry.quiet_at = now + delay
        self._schedule(entry)

    def _hurry(self, path: str, now: float) -> None:
        """Have a file that is held back come out now."""
        if (entry := self._pending.get(path)) is not None:
            entry.quiet_at = now
            self._schedule(entry)

    def _is_linked(self, path: str) -> bool:
        """Whether a file that has just appeared has another name, where it was written before.

        Not an empty one: somebody may have linked its name before writing.
        """
        try:
            seen = self._stat(path)
        except OSError:
            return False
        return seen.st_nlink > 1 and seen.st_size > 0

    def _look(self, entry: _Pending, now: float) -> Drop | None:
        """Decide about a file whose time has come: a drop, gone, or held back further."""
        signature = self._look_at(entry.path)
        if signature is None:
            self.forget(entry.path)
            return None
        same = signature == entry.signature
        if same and now >= entry.quiet_at:
            self.forget(entry.path)
            return None if signature == entry.handed else _drop(entry.path, signature)
        if not same:
            entry.signature = signature
            entry.quiet_at = now + self._otherwise
        drop = None
        if now >= entry.latest:
            entry.latest = now + self._max_wait
            if signature != entry.handed:
                entry.handed = signature
                drop = _drop(entry.path, signature, growing=True)
        self._push(entry)
        return drop

    def _look_at(self, path: str) -> _Signature | None:
        """The file's present signature; None when it is gone, or is not a regular file."""
        try:
            seen = self._stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            return ()
        if not st.S_ISREG(seen.st_mode):
            return None
        return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns

    def _schedule(self, entry: _Pending) -> None:
        """See to it that the heap brings an entry up in time.

        Later than planned needs nothing: the planned item comes up and is put off. So a file that
        is noted a thousand times while it grows has one item, not a thousand.
        """
        if entry.ticket < 0 or entry.due < entry.ticket_at:
            self._push(entry)

    def _push(self, entry: _Pending) -> None:
        entry.ticket = next(self._tickets)
        entry.ticket_at = entry.due
        heapq.heappush(self._heap, (entry.ticket_at, entry.ticket, entry))


def _drop(path: str, signature: _Signature, *, growing: bool = False) -> Drop:
    size, mtime_ns = signature[2:] or (None, None)
    return Drop(path, size, mtime_ns, growing)
