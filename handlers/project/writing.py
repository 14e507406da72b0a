"""Replaces a source file in one step, if it is still the one that was read.

A reader sees the old file or the new one, whole; so does whoever comes after a crash.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from importlib.util import cache_from_source
from pathlib import Path

from store.durable import Draft, sync
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
    with Draft(real, mode=info.st_mode & 0o7777) as draft:
        with contextlib.suppress(PermissionError):
            os.fchown(draft.fileno(), info.st_uid, info.st_gid)
        draft.write(after)
        draft.sync()
        _expect(real, before_sha256)  # as late as can be
        draft.replace()
    sync(real.parent)
    # Python compares size and second only: an edit of the same size would load the old bytecode.
    with contextlib.suppress(OSError, NotImplementedError):
        os.unlink(cache_from_source(str(real)))


def _expect(path: Path, before_sha256: str) -> None:
    if sha256_of(path) != before_sha256:
        raise ChangedMeanwhile(
            f"{path}: was changed meanwhile, so it is left alone",
            hint="the proposal is kept: `cadenzactl prompt PROJECT` shows it",
        )
