"""What `status --json` and metrics show, as types: for the type checker, no command loads them."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class DegradedStatus(TypedDict):
    code: str
    detail: str


class WatchingStatus(TypedDict):
    projects: int
    directories: int


class HubStatus(TypedDict):
    """What the hub has of this log. `name`: the robot's there, `place`: where it is, both None
    while it was never reached. `lag`: events that are not there yet. `trouble`: why it is not
    reached, "" while it is, and `since` when, in Unix seconds. `offers`: what is wrong with those
    that it makes, "" for nothing."""

    name: str | None
    place: str | None
    position: int
    lag: int
    trouble: str
    since: int | None
    offers: str


class DaemonStatus(TypedDict):
    """`state`: running | starting | stopping | stopped. `lag`: events not yet reacted to.

    `responding`: False for a daemon that is there and gives no sign of life (stopped by a signal,
    hung); `silent_s`: for how many seconds it has not; None while it responds.
    """

    state: str
    pid: int | None
    started_at: str | None
    version: str | None
    position: int
    lag: int
    responding: bool
    silent_s: float | None
    degraded: list[DegradedStatus]
    hub: HubStatus | None
    watching: WatchingStatus
    workspaces: list[str]


class RejectedFile(TypedDict):
    path: str
    reason: str
    line: int | None


class RunsStatus(TypedDict):
    """Counts of runs; `rejected` counts files that could not be used, `unfinished` the rest."""

    total: int
    succeeded: int
    failed: int
    interrupted: int
    unfinished: int
    rejected: int
    last: dict[str, Any] | None
    rejected_files: list[RejectedFile]


class MissingExport(TypedDict):
    path: str
    reason: str


class ExportsStatus(TypedDict):
    """`missing`: recorded, but not on disk as they were written; `losses` names some of them."""

    current: int
    stale: int
    failed: int
    missing: int
    records: int
    failures: list[dict[str, Any]]
    losses: list[MissingExport]


class DatasetStatus(TypedDict):
    """The dataset as it was recorded last: rows by config, KTO's labels, runs not taken in."""

    runs: int
    rows: dict[str, int]
    labels: list[int]
    failed: list[dict[str, str]]


class JobStatus(TypedDict):
    """`progress` is what the running child last reported (epoch, loss, tick ...)."""

    job: int
    kind: str
    state: str
    attempt: int
    reason: str
    result: str
    progress: dict[str, Any] | None


class CheckStatus(TypedDict):
    """The last check of the mission: counts, and the first findings with level, place, what, fix.

    `state`: "checked"; "pending" where env.json has changed since; "not checked" (counts: None).
    """

    state: str
    errors: int | None
    warnings: int | None
    hints: int | None
    findings: list[dict[str, str]]


class ProjectStatus(TypedDict):
    """`watched`: whether it lies in a workspace of the daemon that runs; absent without one."""

    project: str
    path: str
    mission: str | None
    robot: str | None
    state: str
    paused: bool
    reason: str
    check: CheckStatus
    runs: RunsStatus
    exports: ExportsStatus
    dataset: DatasetStatus | None
    prompt: dict[str, Any]
    examples: dict[str, int]
    adapter: dict[str, Any]
    jobs: list[JobStatus]
    reactions_failed: int
    last_failure: str
    watched: NotRequired[bool]
