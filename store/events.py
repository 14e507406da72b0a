"""Every event the system can record, and the envelope it travels in.

An event is a past-tense, immutable fact: a frozen pydantic model named `NounVerbed`. Its class
name is its type in the log and `schema_version` the shape it was written in; older shapes are
upcast when they are read (see `UPCASTS`), never rewritten.

Paths inside a project are relative to it, with forward slashes. Times are microseconds since the
epoch in the envelope and never appear in an event's data, so that replaying gives the same view.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from pydantic import Field, ValidationError

from store.adapterevents import (
    AdapterBlocked,
    AdapterPromoted,
    AdapterRolledBack,
    AdapterScored,
    AdapterTrained,
    CodeTrusted,
    RetrainRequested,
)
from store.errors import SchemaError
from store.eventbase import Event as Event
from store.eventbase import Fact as Fact
from store.promptevents import (
    JudgeRequested,
    PromptConflictFound,
    PromptKept,
    PromptProposed,
    PromptRejected,
    PromptRewritten,
    PromptRolledBack,
    PromptWatchEnded,
    RunsJudged,
)

Outcome = Literal["succeeded", "failed", "unfinished", "unknown"]
FileKind = Literal["config", "run", "examples", "exam", "unknown"]
Split = Literal["train", "exam"]


# -- parts -----------------------------------------------------------------------------------------


class FileFact(Fact):
    """Which bytes, where: the identity of a file at the moment it was read.

    `dev`+`ino` say which file it is, `sha256` covers its first `size` bytes. As the hash covers
    everything read so far, it is a head hash that grows with the file: a later read whose first
    `size` bytes still hash to it is the same file, extended.
    """

    path: str
    dev: int
    ino: int
    size: int
    mtime_ns: int
    sha256: str
    revision: int = Field(1, ge=1, description="1 when first recorded, then one more each change")


class LineProblem(Fact):
    """A line that was not usable and why. `line` is 1-based."""

    line: int
    reason: str


class LineCounts(Fact):
    """What became of a file's lines: read = valid + rejected + blank."""

    read: int = 0
    valid: int = 0
    rejected: int = 0
    blank: int = 0


class EpisodeFact(Fact):
    """One run inside a log file: a file opened for append can hold several.

    `reward` is the sum of the known rewards, None when none was known; `phases_done` the number of
    phases completed; `first_line` is 1-based.
    """

    index: int
    first_line: int
    ticks: int
    outcome: Outcome
    reason: str = ""
    reward: float | None = None
    phases_done: int = 0
    last_phase: str | None = None


class ExportOptions(Fact):
    """Filters of an export; None means what env.json says."""

    include_failures: bool | None = None
    min_reward: float | None = None


# -- events ----------------------------------------------------------------------------------------


class DaemonStarted(Event):
    """The daemon took the writer lock and began to watch."""

    pid: int
    version: str
    workspaces: tuple[str, ...]


class DaemonStopped(Event):
    """The daemon gave up the writer lock in good order."""

    pid: int
    reason: str


class WatchDegraded(Event):
    """Watching is incomplete; until restored, the periodic reconcile finds what a watch misses."""

    code: str
    detail: str


class WatchRestored(Event):
    """What `WatchDegraded` with the same code reported has been put right."""

    code: str


class ProjectDiscovered(Event):
    """A folder with a valid env.json appeared in a workspace (or appeared again)."""

    name: str
    path: str
    mission: str
    robot: str
    phases: tuple[str, ...]
    file: FileFact


class ProjectChanged(Event):
    """env.json of a known project has different bytes, and is valid."""

    name: str
    path: str
    mission: str
    robot: str
    phases: tuple[str, ...]
    file: FileFact
    previous_sha256: str


class ProjectRemoved(Event):
    """The project's folder or its env.json is gone; its history stays."""

    name: str
    path: str


class RunRead(Event):
    """What the three events about a run log's content have in common; not an event itself."""

    run_id: str
    format: Literal["mission", "orchestrator"]
    file: FileFact
    episodes: tuple[EpisodeFact, ...]
    lines: LineCounts
    problems: tuple[LineProblem, ...] = ()


class RunRecorded(RunRead):
    """A run log was read for the first time."""

    twin_of: str | None = Field(None, description="path of a run with the same bytes")


class RunExtended(RunRead):
    """A known run log has grown; its old bytes are unchanged. `episodes` are those that changed."""

    previous_size: int
    previous_sha256: str


class RunReplaced(RunRead):
    """A known run log now has other bytes: rewritten or truncated, not extended."""

    twin_of: str | None = None
    previous_sha256: str


class FileMoved(Event):
    """A known file has a new name; the run keeps its history under the new one."""

    previous_path: str
    run_id: str | None
    file: FileFact


class FileRemoved(Event):
    """A known file is gone. A run's history stays; examples no longer count."""

    path: str
    kind: FileKind


class FilePruned(Event):
    """Housekeeping deleted a file of ours or an old log; what is known of it stays in the log."""

    path: str
    kind: Literal["run", "export", "manifest", "adapter", "prompt"]
    bytes: int
    sha256: str | None = None


class ProjectPaused(Event):
    """Somebody stopped reactive work for a project; facts are still recorded."""

    by: str


class ProjectResumed(Event):
    """Reactive work for a project goes on."""

    by: str


class ExamplesRecorded(Event):
    """A file of goal -> actions examples was read (first, grown or changed)."""

    file: FileFact
    split: Split
    rows: int
    rejected: int = 0
    problems: tuple[LineProblem, ...] = ()


class FileRejected(Event):
    """A file cannot be used at all; it stays where it is."""

    file: FileFact
    kind: FileKind
    reason: str
    line: int | None = None
    project_name: str = ""


class ExportRequested(Event):
    """Somebody or something wants a run exported; the outcome names this event as its cause."""

    run_path: str
    reason: str
    output: str | None = Field(None, description="None: the project's exports folder")
    options: ExportOptions = ExportOptions()


class RunExported(Event):
    """A run log became training records. `output` is relative to the project, else absolute."""

    run_id: str
    run_path: str
    source_sha256: str
    output: str
    output_sha256: str
    manifest: str | None
    format: str
    alignment: str
    template_sha256: str
    records: int
    rejected: int
    filtered: int
    warnings: tuple[str, ...] = ()
    origin: Literal["reactive", "manual"] = "reactive"


class ExportFailed(Event):
    """No record could be made of a run log, or the file could not be written."""

    run_id: str
    run_path: str
    source_sha256: str
    reason: str
    retryable: bool
    origin: Literal["reactive", "manual"] = "reactive"


class JobQueued(Event):
    """Slow work was asked for. The event's position is the job's id from here on.

    `project` is empty for work that concerns none. `spec` is what the job's function gets. It does
    not start before `not_before_us` (microseconds since the epoch; 0: at once).
    """

    kind: str
    project: str = ""
    spec: dict[str, Any] = Field(default_factory=dict)
    reason: str
    not_before_us: int = 0


class JobPostponed(Event):
    """More of what the job is about keeps coming: it waits for a quieter moment."""

    job: int
    not_before_us: int


class JobStarted(Event):
    """A child process took the job. `attempt` counts from 1 and is the lease's fencing token."""

    job: int
    attempt: int
    pid: int


class JobSucceeded(Event):
    """The job's child ended well while its lease was valid; its events came with this one."""

    job: int
    attempt: int
    summary: str = ""


class JobFailed(Event):
    """An attempt failed. `retry_at_us` None: no further attempt, somebody has to look at it."""

    job: int
    attempt: int
    error: str
    retry_at_us: int | None = None


class JobRequeued(Event):
    """A running job went back into the queue through no fault of its own."""

    job: int
    attempt: int
    reason: str


class JobCancelled(Event):
    """Somebody does not want the job any more; a running child is ended."""

    job: int
    by: str


class JobRetried(Event):
    """Somebody put a failed or cancelled job back into the queue, with all its attempts."""

    job: int
    by: str


class ReactionFailed(Event):
    """A reaction raised. The event that caused it is the causation position."""

    reaction: str
    event_type: str
    error: str
    message: str


class RebuildRequested(Event):
    """Somebody wants the view folded anew from the log."""

    requested_by: str


class ViewRebuilt(Event):
    """The view was folded anew; `same` says whether it hashed to what it was before."""

    events: int
    previous_hash: str
    new_hash: str
    same: bool


# -- registry --------------------------------------------------------------------------------------

EVENT_TYPES: Mapping[str, type[Event]] = {
    cls.type_name(): cls
    for cls in (
        DaemonStarted,
        DaemonStopped,
        WatchDegraded,
        WatchRestored,
        ProjectDiscovered,
        ProjectChanged,
        ProjectRemoved,
        RunRecorded,
        RunExtended,
        RunReplaced,
        FileMoved,
        FileRemoved,
        FilePruned,
        ProjectPaused,
        ProjectResumed,
        ExamplesRecorded,
        FileRejected,
        ExportRequested,
        RunExported,
        ExportFailed,
        JobQueued,
        JobPostponed,
        JobStarted,
        JobSucceeded,
        JobFailed,
        JobRequeued,
        JobCancelled,
        JobRetried,
        JudgeRequested,
        RunsJudged,
        PromptProposed,
        PromptRewritten,
        PromptKept,
        PromptConflictFound,
        PromptRejected,
        PromptRolledBack,
        PromptWatchEnded,
        RetrainRequested,
        AdapterTrained,
        AdapterScored,
        AdapterPromoted,
        AdapterBlocked,
        AdapterRolledBack,
        CodeTrusted,
        ReactionFailed,
        RebuildRequested,
        ViewRebuilt,
    )
}

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTS: Mapping[tuple[str, int], Upcast] = {}
"""(type, version) -> a function from that version's data to the next version's."""


def decode(
    type_name: str,
    schema_version: int,
    data: str | bytes,
    upcasts: Mapping[tuple[str, int], Upcast] = UPCASTS,
    types: Mapping[str, type[Event]] = EVENT_TYPES,
) -> Event:
    """The event that was stored, upcast to today's shape.

    Raises SchemaError when the type is unknown or newer than this program.
    """
    cls = types.get(type_name)
    if cls is None:
        raise SchemaError(
            f"the log holds an event of unknown type {type_name!r}",
            hint="it was written by a newer version: upgrade cadenzad",
        )
    try:
        if schema_version == cls.schema_version:
            return cls.model_validate_json(data)
        if schema_version > cls.schema_version:
            raise SchemaError(
                f"{type_name} has schema version {schema_version}, newer than "
                f"{cls.schema_version} which this program knows",
                hint="upgrade cadenzad",
            )
        shape: dict[str, Any] = json.loads(data)
        for version in range(schema_version, cls.schema_version):
            shape = upcasts[type_name, version](shape)
        return cls.model_validate(shape)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SchemaError(
            f"a stored {type_name} is not readable: {place}: {first['msg']}"
        ) from None


# -- envelope --------------------------------------------------------------------------------------

DAEMON_STREAM = "daemon"


def project_stream(path: str) -> str:
    """The stream of a project, given its absolute path."""
    return f"project:{path}"


def stream_project(stream: str) -> str | None:
    """The absolute path of the project a stream belongs to; None for the daemon's own."""
    return stream[len("project:") :] if stream.startswith("project:") else None


NO_META: Mapping[str, Any] = MappingProxyType({})


class NewEvent(NamedTuple):
    """An event on its way into the log.

    `dedup_key` makes an append idempotent: a second event with the same key is not stored.
    `expected_version` (the stream's version the caller saw) makes it optimistic.
    """

    stream: str
    event: Event
    dedup_key: str | None = None
    causation: int | None = None
    expected_version: int | None = None
    occurred_at_us: int | None = None
    meta: Mapping[str, Any] = NO_META


class Recorded(NamedTuple):
    """An event in the log, in its envelope.

    `causation` is the position of the event that led to this one; `correlation` the position where
    the chain of causes began: its own for an event without a cause.
    """

    position: int
    stream: str
    version: int
    event: Event
    causation: int | None
    correlation: int
    recorded_at_us: int
    occurred_at_us: int | None = None
    dedup_key: str | None = None
    meta: Mapping[str, Any] = NO_META

    @property
    def type(self) -> str:
        return self.event.type_name()

    @property
    def project(self) -> str | None:
        return stream_project(self.stream)

    @property
    def recorded_at(self) -> datetime:
        return datetime.fromtimestamp(self.recorded_at_us / 1_000_000, UTC)
