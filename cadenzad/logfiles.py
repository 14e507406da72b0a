"""Log files in the state directory: the daemon's, where no journal has it, and one for each job.

    <state>/logs/cadenzad.log     what the daemon logs while stderr does not lead to the journal
    <state>/logs/job-42.log       what job 42 logs and prints, wherever it ran

One JSON object a line (see `cadenzad.logs.JsonFormatter`), with the secrets taken out. A file that
is full becomes `<name>.1`, in the place of the one before, so none grows without end. They are to
be looked at: nothing is lost with them that the event log does not have.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Any

from cadenzad.logs import JsonFormatter, Redact, secrets
from store.ownership import PRIVATE_FILE, PRIVATE_FOLDER

FOLDER = "logs"
MOST_BYTES = 2 << 20
"""Of one file; as much again of what was before it."""
KEPT = 100
"""Jobs whose logs stay, the newest."""
LOOK_S = 0.2


def daemon_log(state_dir: Path) -> Path:
    """The daemon's log file."""
    return state_dir / FOLDER / "cadenzad.log"


def job_log(state_dir: Path, job: int) -> Path:
    """The log file of a job."""
    return state_dir / FOLDER / f"job-{job}.log"


# -- writing ---------------------------------------------------------------------------------------


class BoundedFile(RotatingFileHandler):
    """A log file for this user alone, made with its first line; what cannot be written is left out.

    Everything in it goes to stderr as well, and a full disk is told by the daemon, in one place.
    """

    def __init__(self, path: Path, hidden: Sequence[str] = ()) -> None:
        """`hidden`: secrets beside those of the environment."""
        super().__init__(path, maxBytes=MOST_BYTES, backupCount=1, encoding="utf-8", delay=True)
        self.setFormatter(JsonFormatter())
        self.addFilter(Redact([*secrets(), *hidden]))

    def emit(self, record: logging.LogRecord) -> None:
        """As the base class does, which formats a record twice and looks its file up twice."""
        try:
            line = self.format(record) + self.terminator
            if self.stream is None:
                self.stream = self._open()
            found = os.fstat(self.stream.fileno())
            if found.st_size + len(line) >= self.maxBytes and stat.S_ISREG(found.st_mode):
                self.doRollover()
                self.stream = self._open()
            self.stream.write(line)
            self.flush()
        except Exception:  # noqa: BLE001 - as the base class: a program does not end by its log
            self.handleError(record)

    def _open(self) -> Any:
        with contextlib.suppress(FileExistsError):
            # Not what it lies in: a state directory that was deleted is the daemon's to miss.
            os.mkdir(os.path.dirname(self.baseFilename), PRIVATE_FOLDER)
        return open(
            self.baseFilename,
            "a",
            encoding="utf-8",
            errors="backslashreplace",
            opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW, PRIVATE_FILE),
        )

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing: see the class."""


@contextlib.contextmanager
def logged_to(path: Path, hidden: Sequence[str] = ()) -> Iterator[None]:
    """Meanwhile whatever is logged goes into a file too."""
    handler = BoundedFile(path, hidden)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


def forget_old(state_dir: Path) -> None:
    """Delete the logs of jobs beyond the newest `KEPT`."""
    with contextlib.suppress(OSError):
        found = [path for path in (state_dir / FOLDER).iterdir() if path.name.startswith("job-")]
        numbers = sorted({_number(path) for path in found})
        for path in found:
            if _number(path) in numbers[:-KEPT]:
                path.unlink(missing_ok=True)


def _number(path: Path) -> int:
    text = path.name.removeprefix("job-").partition(".")[0]
    return int(text) if text.isdecimal() else 0


# -- reading ---------------------------------------------------------------------------------------


def read_log(
    path: Path,
    last: int,
    *,
    follow: bool = False,
    over: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[dict[str, Any]]:
    """The last so many records of a log file, the oldest first; with `follow`, those to come too.

    `over()`, asked now and then: whether nothing more will come. A line that is no record, as one
    cut short by a kill, is a record that has it as its message.
    """
    older = path.with_name(f"{path.name}.1")
    with contextlib.ExitStack() as stack:
        lines: deque[str] = deque(maxlen=last)
        for file in (older, path):
            if (opened := _open(file)) is not None:
                stack.enter_context(opened)
                lines.extend(opened)
        yield from map(_record, lines)
        if not follow:
            return
        current = opened
        while True:
            ended = over()  # before the look: what it says at its end is seen
            current = _newest(path, current, stack)
            if current is not None:
                yield from map(_record, _whole_lines(current))
            if ended:
                return
            sleep(LOOK_S)


def _open(path: Path) -> IO[str] | None:
    try:
        return open(path, encoding="utf-8", errors="backslashreplace", newline="\n")
    except FileNotFoundError:
        return None


def _newest(path: Path, current: IO[str] | None, stack: contextlib.ExitStack) -> IO[str] | None:
    """The file that has the name now; a full one is read to its end before it is left."""
    try:
        info = os.stat(path)
    except FileNotFoundError:
        return current
    if current is not None and os.path.samestat(info, os.fstat(current.fileno())):
        return current
    if current is not None and current.tell() < os.fstat(current.fileno()).st_size:
        return current
    opened = _open(path)
    return stack.enter_context(opened) if opened is not None else current


def _whole_lines(file: IO[str]) -> Iterator[str]:
    """Lines that have come; the beginning of one that has not is read again later."""
    while True:
        before = file.tell()
        line = file.readline()
        if not line.endswith("\n"):
            file.seek(before)
            return
        yield line


def _record(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    return record if isinstance(record, dict) else {"message": line.rstrip("\n")}
