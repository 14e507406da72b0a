"""Watches folders: what the kernel reports about them becomes file changes on a queue.

    inotify -> InotifyFD (watchdog) -> reader thread -> ChangeQueue -> the intake loop

Built on watchdog's inotify layer, not on its Observer: one thread for all folders, and a full
kernel queue, a deleted folder or a reached watch limit are reported instead of being passed over.
The reader thread only enqueues. Reading files, logging and deciding belong to the loop.
"""

from __future__ import annotations

import errno
import itertools
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

from watchdog.utils import UnsupportedLibcError

from cadenzad.watch.changes import ChangeKind, ChangeQueue, FileChange, Overflowed, WatchLost
from store.errors import DaemonError

if TYPE_CHECKING:
    from watchdog.observers.inotify_c import (
        CallbackId,
        InotifyEvent,
        InotifyFD,
        Mask,
        WatchDescriptor,
    )

RefusalReason: TypeAlias = Literal[
    "watch-limit", "instance-limit", "denied", "missing", "not-a-folder", "no-inotify", "failed"
]

# inotify(7)'s numbers. They are kernel ABI, and naming them here lets this module be imported
# where watchdog's inotify layer cannot be.
_KIND_OF_BIT: Final[dict[int, ChangeKind]] = {
    0x002: "modified",  # IN_MODIFY
    0x008: "closed",  # IN_CLOSE_WRITE
    0x040: "moved_out",  # IN_MOVED_FROM
    0x080: "moved_in",  # IN_MOVED_TO
    0x100: "created",  # IN_CREATE
    0x200: "deleted",  # IN_DELETE
}
_LOSS_OF_BIT: Final = {
    0x0400: "it was deleted",  # IN_DELETE_SELF
    0x0800: "it was moved away",  # IN_MOVE_SELF
    0x2000: "its file system was unmounted",  # IN_UNMOUNT, sent unasked
}
_ALL_BITS: Final = 0x3FFF
_ISDIR: Final = 0x4000_0000
_ONLYDIR: Final = 0x0100_0000
_MASK: Final = sum(_KIND_OF_BIT) | 0x0400 | 0x0800 | _ONLYDIR

_REFUSALS: Final[dict[int, tuple[RefusalReason, str, str]]] = {
    errno.ENOSPC: (
        "watch-limit",
        "the limit of inotify watches is reached",
        "raise it: sysctl fs.inotify.max_user_watches=524288",
    ),
    errno.EMFILE: (
        "instance-limit",
        "the limit of inotify instances or of open files is reached",
        "raise it: sysctl fs.inotify.max_user_instances=512, or LimitNOFILE= in the unit",
    ),
    errno.EACCES: ("denied", "permission denied", "make the folder readable for this user"),
    errno.ENOENT: ("missing", "there is no such folder", ""),
    errno.ENOTDIR: ("not-a-folder", "it is not a folder", ""),
}

_COOKIE_PREFIX: Final = ".cadenzad-cookie-"
_cookie_numbers = itertools.count(1)


class WatchRefused(DaemonError):
    """A folder cannot be watched; `reason` is for programs, the message and hint for people."""

    def __init__(self, folder: Path, reason: RefusalReason, text: str, *, hint: str = "") -> None:
        super().__init__(f"cannot watch {folder}: {text}", hint=hint)
        self.folder = folder
        self.reason: RefusalReason = reason
        self.text = text

    @classmethod
    def from_errno(cls, folder: Path, code: int) -> WatchRefused:
        """The refusal that a failed inotify call means."""
        reason, text, hint = _REFUSALS.get(code, ("failed", os.strerror(code), ""))
        return cls(folder, reason, text, hint=hint)


class _Watch:
    """One armed folder, as watchdog's WatchCallback. Runs on the reader thread: only enqueues."""

    def __init__(
        self, folder: Path, id_: CallbackId, queue: ChangeQueue, lose: Callable[[_Watch, str], None]
    ) -> None:
        self.folder = folder
        self.id = id_
        self.wd: WatchDescriptor  # known once the kernel has answered
        self._prefix = os.path.join(folder, "")
        self._queue = queue
        self._lose = lose

    def on_event(self, event: InotifyEvent) -> None:
        bit = event.mask & _ALL_BITS
        if (kind := _KIND_OF_BIT.get(bit)) is not None:
            path = self._prefix + os.fsdecode(event.name)
            self._queue.put(FileChange(path, kind, bool(event.mask & _ISDIR)))
        elif (loss := _LOSS_OF_BIT.get(bit)) is not None:
            self._lose(self, loss)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        self._lose(self, "the kernel removed its watch")

    def on_queue_overflow(self) -> None:
        self._queue.put(Overflowed())


class FolderWatches:
    """The set of armed folders and the one thread that reads their changes.

    Folders are watched by themselves, never with what lies below them. Thread-safe. A folder
    under two paths (a symlink and its target) may be armed under both: each reports its own.
    """

    def __init__(self, queue: ChangeQueue) -> None:
        self._queue = queue
        # Held around watchdog's own lock, never the other way: it calls back without its lock.
        self._lock = threading.Lock()
        self._armed: dict[Path, _Watch] = {}
        self._ids = itertools.count(1)
        self._started = False
        self._inotify: InotifyFD | None = None
        self._thread: threading.Thread | None = None

    @property
    def armed(self) -> frozenset[Path]:
        """The folders that are watched now."""
        with self._lock:
            return frozenset(self._armed)

    @property
    def alive(self) -> bool:
        """Whether the reader thread runs: from the first folder armed until `stop`."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def start(self) -> None:
        """Allow arming. The reader thread starts with the first folder, and again after it died."""
        self._started = True

    def stop(self) -> None:
        """Disarm everything, end the reader thread and close its descriptors. Idempotent."""
        with self._lock:
            inotify, thread = self._inotify, self._thread
            self._inotify = self._thread = None
            self._started = False
            self._armed.clear()
        if inotify is not None:
            inotify.stop()
        if thread is not None:
            thread.join()

    def arm(self, folder: Path) -> None:
        """Watch a folder, given by its absolute path; a symlink to a folder is followed.

        Does nothing when it is armed already. Arm before scanning: what happens in between is
        then seen twice, not missed. Raises WatchRefused.
        """
        with self._lock:
            if not self._started:
                raise RuntimeError("arm() needs start()")
            if folder in self._armed:
                return
            inotify = self._inotify or self._open(folder)
            watch = _Watch(folder, self._new_id(), self._queue, self._lose)
            watch.wd = _add(inotify, watch, watch.id)
            self._armed[folder] = watch

    def disarm(self, folder: Path) -> None:
        """Stop watching a folder. Changes that already wait on the queue stay there."""
        with self._lock:
            watch = self._armed.pop(folder, None)
            if watch is not None:
                self._remove(watch)

    def check(self) -> list[WatchLost]:
        """Find and disarm the folders whose watch no longer watches what their path leads to.

        Asks the kernel for each path's watch again: the answer is the descriptor that is known
        exactly when the path leads to the watched folder. It tells apart what comparing device
        and inode does not: a folder made anew with a reused inode number. A reader that died is
        no finding here: it has put a WatchLost for every folder on the queue.
        """
        with self._lock:
            found = [(watch, self._why_lost(watch)) for watch in self._armed.values()]
            lost = [WatchLost(watch.folder, why) for watch, why in found if why]
            for loss in lost:
                self._remove(self._armed.pop(loss.folder))
            return lost

    def probe(self, folder: Path) -> Path:
        """Write an empty cookie file into an armed folder; its changes prove the way is open.

        Returns its path. Whoever takes the change that bears it removes the file; `is_cookie`
        tells such files, also those that a killed process left. Raises DaemonError.
        """
        if folder not in self.armed:
            raise DaemonError(f"cannot probe {folder}: it is not watched")
        while True:
            cookie = cookie_path(folder)
            try:
                # O_EXCL: never through a symlink that somebody put there.
                os.close(
                    os.open(cookie, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
                )
            except FileExistsError:
                continue  # left behind by an earlier process with our pid
            except OSError as error:
                raise DaemonError(f"cannot write {cookie}: {error.strerror}") from error
            return cookie

    def _open(self, folder: Path) -> InotifyFD:
        """Open inotify and start its reader; `folder` is the one that is refused if it fails."""
        try:
            from watchdog.observers.inotify_c import InotifyFD

            inotify = InotifyFD()
        except (ImportError, UnsupportedLibcError) as error:
            hint = "files are found by the periodic scan only"
            raise WatchRefused(folder, "no-inotify", "no inotify here", hint=hint) from error
        except OSError as error:
            raise WatchRefused.from_errno(folder, error.errno or 0) from error
        # watchdog claims to be reading before it does; a close before the first read would then
        # leave closing the descriptors to a reader that never comes to it.
        inotify._is_reading = False
        os.set_inheritable(inotify._inotify_fd, False)
        thread = threading.Thread(
            target=self._read, args=(inotify,), name="cadenzad-watcher", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # no more threads for this user or unit
            inotify.close()
            raise WatchRefused(folder, "failed", str(error)) from error
        self._inotify, self._thread = inotify, thread
        return inotify

    def _read(self, inotify: InotifyFD) -> None:
        """The reader thread. InotifyFD is a thread too, but one that would die without a word."""
        why = "the watcher's reader thread ended"
        try:
            inotify.run()
        except OSError as error:
            why = f"reading its changes failed: {error.strerror}"
        finally:
            inotify._is_reading = False
            with self._lock:
                if self._inotify is inotify:  # else stop() asked for it
                    self._inotify = None
                    for folder in self._armed:
                        self._queue.put(WatchLost(folder, why))
                    self._armed.clear()
            inotify.close()

    def _lose(self, watch: _Watch, why: str) -> None:
        """On the reader thread: the kernel said that a folder's watch is over."""
        with self._lock:
            # This may come late: check() found the loss first, and the folder is armed again.
            if self._armed.get(watch.folder) is watch:
                del self._armed[watch.folder]
                self._queue.put(WatchLost(watch.folder, why))
                self._remove(watch)

    def _why_lost(self, watch: _Watch) -> str:
        """Why an armed folder's watch is void; "" when it is sound."""
        if self._inotify is None:
            return "the watcher's reader thread ended"
        asked = self._new_id()
        try:
            wd = _add(self._inotify, watch, asked)
        except WatchRefused as refusal:
            return refusal.text
        self._inotify.remove_callbacks([(wd, asked)])
        return "" if wd == watch.wd else "another folder took its place"

    def _remove(self, watch: _Watch) -> None:
        if self._inotify is not None:
            self._inotify.remove_callbacks([(watch.wd, watch.id)])

    def _new_id(self) -> CallbackId:
        # Folders that are one and the same share a kernel watch; the id keeps them apart on it.
        return cast("CallbackId", next(self._ids))


def _add(inotify: InotifyFD, watch: _Watch, id_: CallbackId) -> WatchDescriptor:
    """Register a watch's callback under `id_`; the kernel's watch descriptor. Raises WatchRefused.

    A path that leads to a watched folder gives the descriptor that the folder has already.
    """
    path = os.fsencode(watch.folder)
    try:
        wd = inotify.add_callback(path, cast("Mask", _MASK), watch, id_)
    except OSError as error:
        raise WatchRefused.from_errno(watch.folder, error.errno or 0) from error
    if wd == -1:  # watchdog passes over EACCES and registers the callback for a watch that is none
        inotify.remove_callbacks([(wd, id_)])
        raise WatchRefused.from_errno(watch.folder, errno.EACCES)
    return wd


def cookie_path(folder: Path) -> Path:
    """A fresh name for a cookie file in a folder: hidden, and no other cookie of this process."""
    return folder / f"{_COOKIE_PREFIX}{os.getpid()}-{next(_cookie_numbers)}"


def is_cookie(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a cookie file's, of this or of any other process."""
    return os.path.basename(path).startswith(_COOKIE_PREFIX)
