"""A project's run logs, as they lie on disk: the same files that are taken up and recorded."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, NamedTuple

from handlers.project.formats.lines import MAX_LINE, first_objects
from handlers.project.formats.stamp import stamp_of
from handlers.project.paths import CADENZA_DIR, classify, inside, printable, run_id_of, sniff
from store import identity
from store.errors import UnsafePathError
from store.events.files import RunStamp

PEEK = 1 << 16
"""Bytes at a file's start that tell what it is and when it began; a longer first line is read."""
_TIME_IN_NAME = re.compile(
    r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)[T_ -]?(\d\d)[-:._]?(\d\d)(?:[-:._]?(\d\d))?(?!\d)"
)
_TIMES = (946_684_800.0, 4_102_444_800.0)
"""A number of seconds between 2000 and 2100 is a time; a simulation's clock is none."""


class LogFile(NamedTuple):
    """A run log. `path` is real and lies in the project; `stamp` is of its first run."""

    run_id: str
    path: Path
    format: Literal["mission", "orchestrator"]
    stamp: RunStamp | None = None
    size: int = 0


def run_logs(project: Path, unreadable: list[tuple[str, str]] | None = None) -> list[LogFile]:
    """Every run log of a project, the oldest first.

    `unreadable` gets those that cannot be read, by their path in the project, and why.

    A run's time is the one in its file's name, else of its first record, else when the file was
    last written: copies of old runs are no new ones. Of the same time the order is that of names.
    """
    found: list[tuple[float, LogFile]] = []
    for folder in (".", CADENZA_DIR):
        try:
            names = sorted(os.listdir(project / folder))
        except OSError:
            continue
        for name in names:
            relative = name if folder == "." else f"{folder}/{name}"
            try:
                name.encode()
                log = _log(project, relative)
            except (OSError, UnsafePathError, UnicodeError) as error:
                if unreadable is not None:
                    unreadable.append((printable(relative), _why(error)))
                continue
            if log is not None:
                found.append(log)
    return [log for _, log in sorted(found, key=lambda item: (item[0], item[1][:2]))]


def without_copies(logs: Sequence[LogFile]) -> list[LogFile]:
    """The first of logs with the same bytes: one run."""
    copies = copies_among(logs)
    return [log for log in logs if log.path not in copies]


def copies_among(logs: Sequence[LogFile]) -> dict[Path, Path]:
    """Each log with the bytes of one before it, and that one. Only logs of one size are read."""
    sizes = Counter(log.size for log in logs)
    first: dict[str, Path] = {}
    copies: dict[Path, Path] = {}
    for log in logs:
        if sizes[log.size] > 1:
            with suppress(OSError):  # whoever reads it will say so
                own = first.setdefault(identity.of_file(log.path), log.path)
                if own != log.path:
                    copies[log.path] = own
    return copies


def _log(project: Path, relative: str) -> tuple[float, LogFile] | None:
    """When a run was and its log; None for a file that is none."""
    role = classify(relative)
    if role not in ("run", "orchestrator", "maybe"):
        return None
    path = inside(project, Path(relative))
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            return None
        start = stream.read(PEEK)
        if b"\n" not in start:
            start += stream.readline(MAX_LINE)
    objects = list(first_objects(BytesIO(start)))
    content = sniff(objects, in_root="/" not in relative)
    if role == "maybe" and content not in ("run", "orchestrator"):
        return None
    orchestrator = role == "orchestrator" or content == "orchestrator"
    when = _time_in(path.name) or _time_of(objects) or info.st_mtime_ns / 1e9
    stamp = stamp_of(objects[0]) if objects else None
    kind: Literal["mission", "orchestrator"] = "orchestrator" if orchestrator else "mission"
    return when, LogFile(run_id_of(relative), path, kind, stamp, info.st_size)


def _why(error: Exception) -> str:
    match error:
        case UnsafePathError():
            return error.message
        case OSError():
            return f"cannot be read: {error.strerror or error}"
    return "its name is not UTF-8: rename it"


def _time_in(name: str) -> float | None:
    """The time in a file's name, Unix seconds; local time, as whoever wrote the name meant it."""
    match = _TIME_IN_NAME.search(name)
    if match is None:
        return None
    try:
        return datetime(*(int(part or 0) for part in match.groups())).timestamp()  # type: ignore[arg-type]
    except (ValueError, OverflowError, OSError):
        return None


def _time_of(objects: Sequence[Mapping[str, Any]]) -> float | None:
    """The time of a log's first record."""
    when = objects[0].get("ts") if objects else None
    is_time = isinstance(when, int | float) and _TIMES[0] <= when <= _TIMES[1]
    return float(when) if is_time and when is not None else None
