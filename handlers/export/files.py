"""A log read in blocks of whole lines, and results that appear whole or not at all.

Memory is bounded: a line over MAX_LINE is passed over without being held. Results are drafts (see
store.durable) until all of them are safe on disk; whatever stood there before stays until then.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple, Self

from handlers.project.paths import EXPORTS_DIR, FINETUNE_SUFFIX, MANIFEST_SUFFIX, inside
from store.durable import Draft, make_folder, remove_drafts, sync
from store.errors import CadenzaError, InputError, ProjectNotFound
from store.identity import Digest

BLOCK = 256 * 1024
"""Bytes read at once: so few that all passes over a block find it in the processor's cache."""

MAX_LINE = 64 * 1024 * 1024

SYNCS = 8
"""Files that are synced side by side: 128 files take half of the time that one by one takes, and
more threads gain nothing."""


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


class ChangedMeanwhile(Exception):
    """A log was written to while it was read: what its bytes were known by says nothing of them."""


class AsRead(NamedTuple):
    """A whole log as it was read before: (dev, ino, size, mtime_ns, ctime_ns), and its identity."""

    stat: tuple[int, int, int, int, int]
    known: str


def _stat(found: os.stat_result) -> tuple[int, int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class LogReader:
    """Reads a log up to the size it has when opened: what is appended later is for later.

    `size` and `digest()` cover what has been read. A log that is `as_read`, just as when its bytes
    were last hashed, is not hashed again. Raises LogNotFound, InputError for something
    that is no regular file, ExportIOError.
    """

    def __init__(
        self,
        path: Path,
        *,
        as_read: AsRead | None = None,
        block: int = BLOCK,
        max_line: int = MAX_LINE,
    ) -> None:
        self.path = path
        self.size = 0
        self.tail = b""
        self._block = min(block, max_line)
        self._max_line = max_line
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
        self._as_read = as_read if as_read is not None and as_read.stat == _stat(found) else None
        self._digest = Digest() if self._as_read is None else None
        self._end = found.st_size
        self._fd = fd

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def blocks(self) -> Iterator[bytes | None]:
        """Blocks of complete lines, each ended by a newline; None for a line over `max_line`.

        Afterwards `tail` is what follows the last newline.
        """
        wanted = self._block
        while data := self._peek(wanted):
            cut = data.rfind(b"\n") + 1
            if cut:
                self._take(data, cut)
                wanted = self._block
                yield data[:cut]
            elif len(data) > self._max_line:
                self._skip_line()
                yield None
            elif len(data) < wanted:
                self._take(data, len(data))
                self.tail = data
            else:  # a line longer than that
                wanted = min(2 * wanted, self._max_line + 1)

    def digest(self) -> str:
        """What the bytes that have been read are known by. Raises ChangedMeanwhile."""
        if self._digest is not None:
            return self._digest.value()
        assert self._as_read is not None
        if self.size != self._end or _stat(os.fstat(self._fd)) != self._as_read.stat:
            raise ChangedMeanwhile
        return self._as_read.known

    def _peek(self, wanted: int) -> bytes:
        """The next bytes, fewer than wanted only at the end of the log."""
        try:
            return os.pread(self._fd, min(wanted, self._end - self.size), self.size)
        except OSError as reason:
            raise _refused("read", self.path, reason) from None

    def _take(self, data: bytes, size: int) -> None:
        if self._digest is not None:
            self._digest.update(memoryview(data)[:size])
        self.size += size

    def _skip_line(self) -> None:
        """Go to the end of the line, or of the log, without holding it."""
        while data := self._peek(self._block):
            cut = data.find(b"\n") + 1
            self._take(data, cut or len(data))
            if cut:
                return


class NewFile(Draft):
    """A draft that knows its size and hash, and is put in place by `publish`.

    Raises ExportIOError, and InputError for a target that is no regular file.
    """

    def __init__(self, target: Path) -> None:
        self.size = 0
        self._digest = Digest()
        with _writing(target):
            if target.exists() and not target.is_file():
                raise InputError(f"{target}: not a regular file", hint="name a file to write")
            make_folder(target.parent)
            try:
                super().__init__(target, mode=None, wait=False)
            except BlockingIOError:
                text = f"cannot write {target}: another export to it is running"
                raise ExportIOError(text, hint="wait for it to finish") from None

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        self.size += len(data)
        try:
            super().write(data)
        except OSError as reason:
            raise _refused("write", self.target, reason) from None

    def digest(self) -> str:
        return self._digest.value()

    def sync(self) -> None:
        with _writing(self.target):
            super().sync()

    def replace(self) -> None:
        with _writing(self.target):
            super().replace()


def tidy(project: Path) -> None:
    """Remove the drafts of exports that were cut short, also of runs that were renamed since."""
    folder = inside(project, Path(EXPORTS_DIR))
    remove_drafts(folder, lambda target: target.endswith((FINETUNE_SUFFIX, MANIFEST_SUFFIX)))


def publish(*files: NewFile) -> None:
    """Put files in their targets' places, durably: none before all of them are safe on disk."""
    for error in publish_each([files]):
        if error is not None:
            raise error


def publish_each(groups: Sequence[Sequence[NewFile]]) -> list[CadenzaError | None]:
    """As `publish` for each group by itself; what went wrong with each, None where nothing did.

    The file system writes many files at once for little more than one, so what comes together is
    synced side by side, and a folder once for all that is put into it.
    """
    files = [file for group in groups for file in group]
    if len(groups) <= 1:
        unsafe = dict(zip(files, map(_sync, files), strict=True))
    else:
        shares = [files[first::SYNCS] for first in range(SYNCS)]  # a task each: fewer to hand over
        with ThreadPoolExecutor(SYNCS, "export-sync") as pool:
            unsafe = dict(chain.from_iterable(pool.map(_sync_all, shares)))
    errors = [next(filter(None, map(unsafe.get, group)), None) for group in groups]
    for at, group in enumerate(groups):
        if errors[at] is None:
            errors[at] = _attempt(partial(_replace, group))
    for folder in {file.target.parent for file in files}:
        error = _attempt(partial(_sync_folder, folder))
        if error is not None:
            errors = [
                known or (error if group[0].target.parent == folder else None)
                for known, group in zip(errors, groups, strict=True)
            ]
    return errors


def _sync(file: NewFile) -> CadenzaError | None:
    return _attempt(file.sync)


def _sync_all(files: Sequence[NewFile]) -> list[tuple[NewFile, CadenzaError | None]]:
    return [(file, _sync(file)) for file in files]


def _replace(group: Sequence[NewFile]) -> None:
    for file in group:
        file.replace()


def _sync_folder(folder: Path) -> None:
    with _writing(folder):
        sync(folder)


def _attempt(step: Callable[[], object]) -> CadenzaError | None:
    try:
        step()
    except CadenzaError as error:
        return error
    return None
