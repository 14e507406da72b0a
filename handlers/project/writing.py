"""Replaces a source file in one step, if it is still the one that was read.

A reader sees the old file or the new one, whole; so does whoever comes after a crash.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
from importlib.util import cache_from_source
from pathlib import Path

from store.errors import CadenzaError


class ChangedMeanwhile(CadenzaError):
    """The file has other bytes than those that were judged: nothing was written."""


def sha256_of(path: Path) -> str | None:
    """The hash of a file's bytes; None when it is not there."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def swap(path: Path, before_sha256: str, after: bytes) -> None:
    """Put `after` in the place of the bytes with that hash. Keeps mode and owner, follows symlinks.

    Raises ChangedMeanwhile, and OSError when it cannot be written: a file that is read-only for us,
    or for everybody, is not replaced, although its folder would allow it.
    """
    real = Path(os.path.realpath(path))
    _expect(real, before_sha256)
    info = real.stat()
    if not info.st_mode & 0o222 or not os.access(real, os.W_OK):
        raise PermissionError(errno.EACCES, "is read-only, so it is left alone", str(path))
    mark = f".cadenzad-{real.name}."
    for left in real.parent.glob(f"{mark}*.tmp"):  # of a writer that was killed
        left.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(dir=real.parent, prefix=mark, suffix=".tmp")
    try:
        with open(handle, "wb") as stream:
            stream.write(after)
            os.fchmod(stream.fileno(), info.st_mode & 0o7777)
            with contextlib.suppress(PermissionError):
                os.fchown(stream.fileno(), info.st_uid, info.st_gid)
            stream.flush()
            os.fsync(stream.fileno())
        _expect(real, before_sha256)  # as late as can be
        os.replace(name, real)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    sync_folder(real.parent)
    # Python compares size and second only: an edit of the same size would load the old bytecode.
    with contextlib.suppress(OSError, NotImplementedError):
        os.unlink(cache_from_source(str(real)))


def write_new(path: Path, data: bytes) -> None:
    """A file of our own, whole or not there."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with open(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _expect(path: Path, before_sha256: str) -> None:
    if sha256_of(path) != before_sha256:
        raise ChangedMeanwhile(
            f"{path}: was changed meanwhile, so it is left alone",
            hint="the proposal is kept: `cadenzactl prompt PROJECT` shows it",
        )
