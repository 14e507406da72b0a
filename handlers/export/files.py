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


@contextlib.contextmanager
def _named(doing: str, path: Path) -> Iterator[None]:
    """Turns an OSError into one line that says what could not be done."""
    try:
        yield
    except OSError as reason:
        text = f"cannot {doing} {path}: {reason.strerror or reason}"
        raise ExportIOError(text, hint="check the disk's free space and permissions") from None


class LogReader:
    """Reads a log up to the size it has when opened: what is appended later is for later.

    `size` and `sha256()` cover what has been read. Raises LogNotFound, InputError for something
    that is no regular file, ExportIOError.
    """

    def __init__(self, path: Path, *, block: int = BLOCK, max_line: int = MAX_LINE) -> None:
        self.path = path
        self.size = 0
        self.tail = b""
        self._block = block
        self._max_line = max_line
        self._sha = hashlib.sha256()
        with _named("read", path):
            try:
                # A pipe or a device would make an ordinary open wait, perhaps for ever.
                fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except FileNotFoundError:
                raise LogNotFound(f"{path}: no such run log") from None
            self._file = FileIO(fd, "rb")
            found = os.fstat(fd)
        self.identity = (found.st_dev, found.st_ino)
        self._left = found.st_size
        if not stat.S_ISREG(found.st_mode):
            self._file.close()
            raise InputError(f"{path}: not a regular file", hint="name the run log itself")

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
        with _named("read", self.path):
            data = self._file.read(min(self._block, self._left))
        self._left -= len(data)
        self.size += len(data)
        self._sha.update(data)
        return data


class NewFile:
    """A file in the making. Leaving the `with` block without `publish` leaves nothing behind.

    Raises ExportIOError, and InputError for a target that is no regular file.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.size = 0
        self._sha = hashlib.sha256()
        self._scratch = target.with_name(f".{target.name}.partial")
        self._published = False
        if target.exists() and not target.is_file():
            raise InputError(f"{target}: not a regular file", hint="name a file to write")
        with _named("write", target):
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
        with _named("write", self.target):
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]

    def sha256(self) -> str:
        return self._sha.hexdigest()

    def publish(self) -> None:
        """Put the file in its target's place, durably."""
        with _named("write", self.target):
            os.fsync(self._file.fileno())
            self._scratch.replace(self.target)
            self._published = True
            _sync_folder(self.target.parent)

    def _claim(self) -> int:
        """The scratch file, empty and locked."""
        while True:
            fd = os.open(self._scratch, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
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


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
