"""The one atomic write: a file appears whole, and safe on disk, or not at all.

It is written beside its target under a hidden name, which watchers ignore, synced, renamed, and its
folder is synced. Whoever reads, and whoever comes after a crash, finds the old file or the new one.

The hidden name follows from the target's and is locked while its writer lives. So what a killed
writer leaves is taken over by the next one instead of piling up, and writers of one target do not
mix. Everything here raises OSError.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterable
from io import FileIO
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

PRIVATE = 0o600
NAME_MAX = 255
PARTIAL = ".partial"
_HASHED = re.compile(r"[0-9a-f]{64}")


class Draft:
    """A file in the making. Leaving its `with` block without `replace` leaves nothing behind.

    `path` is where it lies until then. Raises BlockingIOError, without `wait`, when somebody else
    is writing the same target.
    """

    def __init__(self, target: Path, *, mode: int | None = PRIVATE, wait: bool = True) -> None:
        """`mode`: the file's permissions; None: what the umask leaves of them."""
        self.target = target
        self.path = target.parent / _hidden(target.name)  # also of a target that is no file
        self._replaced = False
        self._file = FileIO(self._claim(mode, wait), "wb")

    def _claim(self, mode: int | None, wait: bool) -> int:
        """The hidden file, empty and locked."""
        # A link or a pipe in its place is refused, not followed and not waited for.
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        while True:
            fd = os.open(self.path, flags, 0o666 if mode is None else mode)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(fd, self.path):
                    os.ftruncate(fd, 0)
                    if mode is not None:
                        os.fchmod(fd, mode)
                    return fd
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)  # its former owner put it in place or removed it meanwhile

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Removed before the lock is let go, so that it is never somebody else's that is removed.
        if not self._replaced:
            with contextlib.suppress(OSError):
                self.path.unlink()
        self._file.close()

    def fileno(self) -> int:
        """For what is set on an open file: its owner."""
        return self._file.fileno()

    def write(self, data: bytes) -> None:
        """Append all of it."""
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def sync(self) -> None:
        """Wait until what has been written is safe on disk."""
        os.fsync(self._file.fileno())

    def replace(self) -> None:
        """Put the file in its target's place. That is durable once the folder is synced."""
        os.replace(self.path, self.target)
        self._replaced = True


def write_file(target: Path, data: bytes, *, mode: int | None = PRIVATE) -> None:
    """A whole file in its place, durably. `mode` as for Draft."""
    with Draft(target, mode=mode) as draft:
        draft.write(data)
        draft.sync()
        draft.replace()
    sync(target.parent)


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """A folder, and what is missing above it, durably. `mode` is for the folder itself."""
    try:
        folder.mkdir(mode)
    except FileNotFoundError:
        if folder.parent == folder:
            raise
        make_folder(folder.parent)
        make_folder(folder, mode)
    except OSError:
        if not folder.is_dir():
            raise
    else:
        # Where one may write but not list, nobody can sync: then it is as durable as it gets.
        with contextlib.suppress(PermissionError):
            sync(folder.parent)


def sync(path: Path) -> None:
    """Make a file's bytes durable, or what was made, renamed and removed in a folder."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


# -- what was left by writers that were killed --------------------------------------------------


def remove_drafts(folder: Path, ours: Callable[[str], bool] = lambda _target: True) -> None:
    """Remove the drafts in a folder whose writers are gone, whatever their targets are called now.

    `ours(name)` says of a target's name whether it is one that we write there: a draft of somebody
    else's is not ours to remove. One that is locked, another user's, or no plain file stays.
    """
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(folder):
            target = name[1 : -len(PARTIAL)]
            if (
                name.startswith(".")
                and name.endswith(PARTIAL)
                and (ours(target) or _HASHED.fullmatch(target))
            ):
                _remove_draft(folder / name)


def _remove_draft(path: Path) -> None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with contextlib.suppress(OSError):
        fd = os.open(path, flags)
        try:
            found = os.fstat(fd)
            if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(fd, path):
                    path.unlink()
        finally:
            os.close(fd)


def hold(folder: Path) -> int:
    """Keep a folder in the making from `remove_abandoned` until the descriptor is closed."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd


def remove_abandoned(folders: Iterable[Path]) -> None:
    """Remove folders in the making that nobody holds any more."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    for folder in folders:
        with contextlib.suppress(OSError):
            fd = os.open(folder, flags)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                import shutil  # with every compression there is: `ping` needs none

                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(fd)


def _hidden(name: str) -> str:
    """The name of a target's draft; a target whose name is as long as names get has one too."""
    draft = f".{name}{PARTIAL}"
    if len(os.fsencode(draft)) > NAME_MAX:
        import hashlib  # a name of that length is rare

        draft = f".{hashlib.sha256(os.fsencode(name)).hexdigest()}{PARTIAL}"
    return draft


def _is_at(fd: int, path: Path) -> bool:
    """Whether the open file still goes by that name."""
    try:
        there = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(fd), there)
