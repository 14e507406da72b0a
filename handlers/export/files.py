"""A log read in blocks of whole lines, and results that appear whole or not at all.

Memory is bounded: a line over MAX_LINE is passed over without being held. A result is written to a
hidden file beside its target, which watchers ignore, and renamed onto it when it is safe on disk;
until then whatever stood there before stays. The hidden file has a fixed name and a lock on it, so
what a killed process leaves behind is taken over by the next one instead of piling up.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from store.errors import CadenzaError, InputError, ProjectNotFound

BLOCK = 128 * 1024
"""Bytes read at once: so few that all passes over a block find it in the processor's cache."""

MAX_LINE = 64 * 1024 * 1024


class ExportIOError(CadenzaError):
    """The operating system refused to read or write a file; trying again later may help."""


class LogNotFound(ProjectNotFound, FileNotFoundError):
    """There is no such run log (any more)."""


def _refused(doing: str, path: Path, reason: OSError) -> ExportIOError:
    text = f"cannot {doing} {path}: {reason.strerror or reason}"
    return ExportIOError(text, hint="check the disk's free space and the permissions")


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turns an OSError into one line that says what could not be written."""
    try:
        yield
    except OSError as reason:
        raise _refused("write", path, reason) from None


class LogReader:
    """Reads a log up to the size it has when opened: what is appended later is for later.

    `size` and `sha256()` cover what has been read. Raises LogNotFound, InputError for something
    that is no regular file, ExportIOError.
    """

    def __init__(self, path: Path, *, block: int = BLOCK, max_line: int = MAX_LINE) -> None:
        self.path = path
        self.size = 0
        self.tail = b""
        self._block = min(block, max_line)  # so that only the first line of a block can be too long
        self._max_line = max_line
        self._sha = hashlib.sha256()
        try:
            # A pipe or a device would make an ordinary open wait, perhaps for ever.
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise LogNotFound(f"{path}: no such run log") from None
        except OSError as reason:
            raise _refused("read", path, reason) from None
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            os.close(fd)
            raise InputError(f"{path}: not a regular file", hint="name the run log itself")
        self.identity = (found.st_dev, found.st_ino)
        self._left = found.st_size
        self._file = FileIO(fd, "rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def blocks(self) -> Iterator[bytes | None]:
        """Blocks of complete lines, each ended by a newline; None for a line over `max_line`.

        Afterwards `tail` is what follows the last newline.
        """
        held: list[bytes] = []
        held_size = 0
        skipping = False
        while data := self._read():
            if skipping or held_size + len(data) > self._max_line:
                end = data.find(b"\n")
                if skipping or held_size + (end if end >= 0 else len(data)) > self._max_line:
                    held, held_size, skipping = [], 0, end < 0
                    if skipping:
                        continue
                    yield None
                    data = data[end + 1 :]
            cut = data.rfind(b"\n") + 1
            if cut:
                yield b"".join((*held, data[:cut]))
                held, held_size = [], 0
            held.append(data[cut:])
            held_size += len(data) - cut
        if skipping:
            yield None
        self.tail = b"".join(held)

    def sha256(self) -> str:
        return self._sha.hexdigest()

    def _read(self) -> bytes:
        try:
            data = self._file.read(min(self._block, self._left))
        except OSError as reason:
            raise _refused("read", self.path, reason) from None
        self._left -= len(data)
        self.size += len(data)
        self._sha.update(data)
        return data


class NewFile:
    """A file in the making. Leaving the `with` block without `publish` of it leaves nothing behind.

    Raises ExportIOError, and InputError for a target that is no regular file.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.size = 0
        self._sha = hashlib.sha256()
        self._scratch = target.with_name(f".{target.name}.partial")
        self._published = False
        with _writing(target):
            if target.exists() and not target.is_file():
                raise InputError(f"{target}: not a regular file", hint="name a file to write")
            target.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(self._claim(), "wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Removed before the lock is let go, so that it is never somebody else's that is removed.
        if not self._published:
            with contextlib.suppress(OSError):
                self._scratch.unlink()
        self._file.close()

    def write(self, data: bytes) -> None:
        self._sha.update(data)
        self.size += len(data)
        with _writing(self.target):
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]

    def sha256(self) -> str:
        return self._sha.hexdigest()

    def sync(self) -> None:
        """Wait until what has been written is safe on disk."""
        with _writing(self.target):
            os.fsync(self._file.fileno())

    def replace(self) -> None:
        """Put the file in its target's place."""
        with _writing(self.target):
            self._scratch.replace(self.target)
            self._published = True

    def _claim(self) -> int:
        """The scratch file, empty and locked."""
        while True:
            # A link or a pipe put in the scratch file's place is refused, not followed.
            how = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            fd = os.open(self._scratch, how, 0o666)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(fd, self._scratch):
                    os.truncate(fd, 0)
                    return fd
            except BlockingIOError:
                os.close(fd)
                text = f"cannot write {self.target}: another export to it is running"
                raise ExportIOError(text, hint="wait for it to finish") from None
            os.close(fd)  # its former owner published or removed it meanwhile


def _is_at(fd: int, path: Path) -> bool:
    """Whether the open file still goes by that name."""
    try:
        there = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(fd), there)


def publish(*files: NewFile) -> None:
    """Put files in their targets' places, durably: none before all of them are safe on disk."""
    for file in files:
        file.sync()
    for file in files:
        file.replace()
    for folder in {file.target.parent for file in files}:
        with _writing(folder):
            _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
