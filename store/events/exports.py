"""What was made of run logs for those who train elsewhere: exports, and a project's dataset."""

from __future__ import annotations

from typing import ClassVar, Literal

from store.events.base import Count, Event, Fact


class ExportOptions(Fact):
    """Filters of an export; None means what env.json says.

    `keys`: what a record holds. `foreign`: also of a log that names none of the mission's phases.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"keys", "foreign"})

    include_failures: bool | None = None
    min_reward: float | None = None
    keys: Literal["reference", "extended"] = "reference"
    foreign: bool = False


class ExportRequested(Event):
    """Somebody or something wants a run exported; the outcome names this event as its cause.

    `output` None: the project's exports folder.
    """

    run_path: str
    reason: str
    output: str | None = None
    options: ExportOptions = ExportOptions()


class RunExported(Event):
    """A run log became training records. `output` is relative to the project, else absolute.

    `env_sha256`: of the env.json that it was made with; "" where that was not recorded yet.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"env_sha256"})

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
    env_sha256: str = ""


class ExportLost(Event):
    """A recorded export is not on disk as it was written: somebody, or something, took it.

    It is made again where the log is there and the project is not paused; a changed one is kept
    beside it under another name.
    """

    run_id: str
    run_path: str
    output: str
    reason: Literal["gone", "changed", "its manifest is gone"]


class DatasetProblem(Fact):
    """A run that left a dataset, or could not be taken into it, and why."""

    run_path: str
    reason: str


class DatasetUpdated(Event):
    """The dataset of a project is in line with its runs again: what README.md there names now.

    `manifest` is relative to the project. `rows`: config -> rows; `labels`: KTO's, true and false.
    `added` and `left` are what changed, by the log's path; `failed` could not be taken in.
    """

    manifest: str
    manifest_hash: str
    content: str
    runs: Count
    rows: dict[str, int]
    labels: tuple[int, int] = (0, 0)
    added: tuple[str, ...] = ()
    left: tuple[DatasetProblem, ...] = ()
    failed: tuple[DatasetProblem, ...] = ()
    by: str = "cadenzad"


class ExportFailed(Event):
    """No record could be made of a run log, or the file could not be written."""

    run_id: str
    run_path: str
    source_sha256: str
    reason: str
    retryable: bool
    origin: Literal["reactive", "manual"] = "reactive"
