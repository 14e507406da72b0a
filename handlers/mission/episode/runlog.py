"""A run's log file: every record one whole line, on disk before the next action begins.

The file has its final name from the start and grows in place, so a run can be watched; a reader
sees whole lines only, because each is handed to the system in one write. What is killed leaves a
log that simply stops; what is interrupted leaves one whose last record says so.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from handlers.project.paths import CADENZA_DIR, RUN_SUFFIX
from store.durable import make_folder
from store.errors import ProjectError

_ATTEMPTS = 64


def new_run_id(now: datetime, suffix: bytes) -> str:
    """`<UTC time>-<4 hex digits>`, as run logs are named."""
    return f"{now.astimezone(UTC):%Y-%m-%dT%H-%M-%S}-{suffix.hex()[:4]}"


def encode(record: Mapping[str, Any]) -> bytes:
    """A record as its line. Raises ValueError for a number JSON has no word for."""
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8") + b"\n"


class RunLog:
    """A log in the making; a context manager. `path` is where it lies, `run_id` its name."""

    def __init__(
        self,
        project: Path,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        folder = project / CADENZA_DIR
        try:
            make_folder(folder)
            self._fd, self.path = self._open(folder, clock, random)
        except OSError as error:
            raise ProjectError(f"{folder}: cannot be written: {error.strerror or error}") from None
        self.run_id = self.path.name.removesuffix(RUN_SUFFIX)

    @staticmethod
    def _open(
        folder: Path, clock: Callable[[], datetime], random: Callable[[int], bytes]
    ) -> tuple[int, Path]:
        """A file of a name nobody has taken."""
        for attempt in range(_ATTEMPTS):
            path = folder / f"{new_run_id(clock(), random(2))}{RUN_SUFFIX}"
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
                return os.open(path, flags, 0o644), path
            except FileExistsError:
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def write(self, record: Mapping[str, Any]) -> None:
        """Append one record. Raises ProjectError when the disk will not take it."""
        line = encode(record)
        try:
            while line:
                line = line[os.write(self._fd, line) :]
        except OSError as error:
            raise ProjectError(f"{self.path}: cannot be written: {error.strerror}") from None

    def close(self) -> None:
        """Make it durable and let go of it; an empty log is removed. Safe to call twice."""
        if self._fd >= 0:
            os.fsync(self._fd)
            empty = os.fstat(self._fd).st_size == 0
            os.close(self._fd)
            self._fd = -1
            if empty:
                self.path.unlink(missing_ok=True)

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
