"""What is known of a project's files: its mission, runs, examples and exams."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from store.events.base import Count, Event, Fact, Ordinal

Outcome = Literal["succeeded", "failed", "interrupted", "unfinished", "unknown"]
"""`interrupted`: somebody stopped it; `unfinished`: its log does not say how it ended."""

FileKind = Literal["config", "run", "examples", "exam", "unknown"]

Split = Literal["train", "exam"]

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Name = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[\x21-\x7e]+\Z")]
"""A short word of plain characters."""

Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""One that SQLite holds."""

_HASH = r"^[a-z0-9]+(:[0-9a-f]+)?\Z"


class FileFact(Fact):
    """Which bytes, where: the identity of a file at the moment it was read.

    `dev`+`ino` say which file it is, `sha256` is what its first `size` bytes are known by: a value
    that names its algorithm (see store.identity), SHA-256 in older events and of env.json. As it
    covers everything read so far, it is a head hash that grows with the file: a later read whose
    first `size` bytes still hash to it is the same file, extended. `revision`: 1 when first
    recorded, then one more each change.
    """

    path: str
    dev: int
    ino: int
    size: int
    mtime_ns: int
    sha256: str
    revision: Ordinal = 1


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


class RunStamp(Fact):
    """Under what a run was driven, as its log's first record says. None: unknown, or had no part.

    Runs that agree in everything but `seed` are comparable. Hashes: of env.json's bytes, as the
    project's events have it; of the user's own model of the robot; of the file that holds
    SYSTEM_PROMPT, as the prompt's versions have it; of the code around the prompt, as trust in it
    has it. `adapter` is its version, `version` that of this package. `source`: the recording of
    another tool that the log was made of, by name, and what its bytes are known by.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"source", "source_hash"})

    policy: Name | None = None
    seed: Integer | None = None
    max_ticks: Ordinal | None = None
    env_sha256: Sha256 | None = None
    xml_sha256: Sha256 | None = None
    prompt_sha256: Sha256 | None = None
    brain_sha256: Sha256 | None = None
    adapter: Ordinal | None = None
    version: Name | None = None
    source: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    source_hash: Annotated[str, Meta(max_length=80, pattern=_HASH)] | None = None


class EpisodeFact(Fact):
    """One run inside a log file: a file opened for append can hold several.

    `reward` is the sum of the known rewards, None when none was known; `phases_done` the number of
    phases completed; `first_line` is 1-based. `stamp`: None in logs of before and of others.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"stamp"})

    index: int
    first_line: int
    ticks: int
    outcome: Outcome
    reason: str = ""
    reward: float | None = None
    phases_done: int = 0
    last_phase: str | None = None
    stamp: RunStamp | None = None


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


class CheckFact(Fact):
    """One line of a project's check: `level` error | warning | hint, where, what, the way out."""

    level: Literal["error", "warning", "hint"]
    place: str
    what: str
    fix: str = ""


class ProjectChecked(Event):
    """A project's mission was checked without being run; `findings` are the first, worst first.

    `env_sha256`: of the bytes of env.json that were looked at.
    """

    env_sha256: Sha256
    errors: Count
    warnings: Count
    hints: Count
    findings: tuple[CheckFact, ...] = ()


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
    """A run log was read for the first time. `twin_of`: the path of a run with the same bytes."""

    twin_of: str | None = None


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


class RecordingDropped(Event):
    """Another tool's recording, a file or a folder, lies in `.cadenza-env/` as it was not before.

    `size`: bytes of all its files. What it holds says the event of the run log that is made of it.
    """

    path: str
    size: Count
