"""What can be asked of whoever writes the log: one class for each kind of request.

Standard library alone, so that who sends one starts light. How they are checked is in decode.py. A
field that is added later needs a default: an older command must be understood by a newer daemon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cadenzad.maintenance.candidate import Candidate
from cadenzad.requests.inbox import Request, new_id


@dataclass(frozen=True)
class Ping:
    """Answer under the progress key PONG."""


@dataclass(frozen=True)
class Rebuild:
    """Fold the state view anew."""

    requested_by: str


@dataclass(frozen=True)
class Outcome:
    """An event as JSON has it."""

    type: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class RecordExport:
    """Record an export that somebody made by hand: an ExportRequested, and what came of it.

    `named` as for QueueJob.
    """

    project: str
    requested: Mapping[str, Any]
    outcome: Outcome
    named: bool = False


@dataclass(frozen=True)
class QueueJob:
    """Queue a job, unless one of its kind waits already; `instead`: in its place.

    `project` is "" for a job of no project. `with_files`: first have the project's files recorded,
    as a daemon that watches it would. `named`: somebody means this very folder, so that it need not
    be a project that the log knows.
    """

    kind: str
    project: str
    spec: Mapping[str, Any]
    reason: str
    instead: bool = False
    with_files: bool = False
    named: bool = False


@dataclass(frozen=True)
class CancelJob:
    """End a job that waits or runs."""

    job: int
    by: str


@dataclass(frozen=True)
class RetryJob:
    """Queue a job again that was given up or cancelled."""

    job: int
    by: str


@dataclass(frozen=True)
class Pause:
    """Stop reactive work for a project."""

    project: str
    by: str


@dataclass(frozen=True)
class Resume:
    """Go on with reactive work for a project."""

    project: str
    by: str


@dataclass(frozen=True)
class Trust:
    """Allow code of a project to be run, as it is now; `files` is all that its hash covers.

    `named`: somebody gave the folder, so the log need not know it yet.
    """

    project: str
    path: str
    sha256: str
    by: str
    files: tuple[str, ...] = ()
    named: bool = False


@dataclass(frozen=True)
class Prune:
    """Delete files of projects that still are as they were when they were chosen."""

    force: bool
    files: tuple[Candidate, ...]


Command = (
    Ping | Rebuild | RecordExport | QueueJob | CancelJob | RetryJob | Pause | Resume | Trust | Prune
)

KINDS: Mapping[str, type[Command]] = {
    "ping": Ping,
    "rebuild": Rebuild,
    "record-export": RecordExport,
    "queue-job": QueueJob,
    "cancel-job": CancelJob,
    "retry-job": RetryJob,
    "pause": Pause,
    "resume": Resume,
    "trust": Trust,
    "prune": Prune,
}
"""A request's `kind` -> what its `body` holds."""

KIND_OF: Mapping[type[Command], str] = {command: kind for kind, command in KINDS.items()}


def new_request(command: Command) -> Request:
    """A command as a request with an id of its own."""
    return Request(new_id(), KIND_OF[type(command)], asdict(command))
