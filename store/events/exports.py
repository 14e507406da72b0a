"""What was made of run logs for those who train elsewhere: exports, and a project's dataset."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from store.events.base import Event as Event
from store.events.base import Fact as Fact


class ExportOptions(Fact):
    """Filters of an export; None means what env.json says.

    `keys`: what a record holds. `foreign`: also of a log that names none of the mission's phases.
    """

    include_failures: bool | None = None
    min_reward: float | None = None
    keys: Literal["reference", "extended"] = "reference"
    foreign: bool = False

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        """What is as it was before there was a choice is written as it was then."""
        written: dict[str, object] = write(self)
        if self.keys == "reference":
            del written["keys"]
        if not self.foreign:
            del written["foreign"]
        return written


class ExportRequested(Event):
    """Somebody or something wants a run exported; the outcome names this event as its cause."""

    run_path: str
    reason: str
    output: str | None = Field(None, description="None: the project's exports folder")
    options: ExportOptions = ExportOptions()


class RunExported(Event):
    """A run log became training records. `output` is relative to the project, else absolute.

    `env_sha256`: of the env.json that it was made with; "" where that was not recorded yet.
    """

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

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Events of before hold no such hash, and are written as they were."""
        written: dict[str, object] = write(self)
        if not self.env_sha256:
            del written["env_sha256"]
        return written


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
    runs: int = Field(ge=0)
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
