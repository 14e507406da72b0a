"""What `status` shows, as one JSON-like value: the daemon, every project, its jobs."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from typing import Any, TypedDict

from store.errors import StoreError
from store.lock import silent_s
from store.reads.improvements import adapter_status, prompt_status
from store.reads.rows import decoded
from store.reads.state import DegradedStatus, State, job_key
from store.schema import CODE_VERSION, VIEW_NAME

STATUS_SCHEMA = 1

REJECTED_SHOWN = 20

JOBS_SHOWN = 5


class WatchingStatus(TypedDict):
    projects: int
    directories: int


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


def check_view(connection: sqlite3.Connection) -> None:
    """Raise StoreError when the view was folded by another version than this program."""
    row = connection.execute(
        "SELECT code_version FROM projections WHERE name = ?", (VIEW_NAME,)
    ).fetchone()
    if row is not None and row[0] != CODE_VERSION:
        raise StoreError(
            f"the state view is another version's ({row[0]}, this program's is {CODE_VERSION})",
            hint="restart the daemon, or run `cadenzactl db rebuild` without one",
        )


def trouble_of(holder: Mapping[str, object] | None) -> list[DegradedStatus]:
    """What a daemon says in the lock file is wrong with its state directory."""
    told = (holder or {}).get("trouble")
    return [
        {"code": str(item.get("code")), "detail": str(item.get("detail"))}
        for item in (told if isinstance(told, list) else [])
        if isinstance(item, dict)
    ]


def daemon_status(
    connection: sqlite3.Connection,
    holder: dict[str, object] | None,
    now: float | None = None,
) -> DaemonStatus:
    """The daemon's state, given who holds the writer lock (None: nobody); `now` in Unix seconds."""
    state = State(connection)
    live: dict[str, Any] = state.progress("daemon") or {}
    # Another command may hold the lock for a moment, and not have said who it is yet: that is not
    # a running daemon, and neither is one that has not reported before.
    running = bool(live) and holder is not None and holder.get("pid") == live.get("pid")
    silent = None
    if running and holder is not None:
        silent = silent_s(holder, time.time() if now is None else now)
    head = state.head()
    cursor = connection.execute("SELECT min(position) FROM cursors").fetchone()[0]
    return {
        "state": live.get("state", "running") if running else "stopped",
        "pid": live.get("pid") if running else None,
        "started_at": live.get("started_at") if running else None,
        "version": live.get("version") if running else None,
        "position": head,
        "lag": head - (cursor or 0),
        "responding": silent is None,
        "silent_s": silent,
        "degraded": [*state.degraded(), *(trouble_of(holder) if running else [])],
        "watching": live["watching"] if running else {"projects": 0, "directories": 0},
        "workspaces": live.get("workspaces", []),
    }


def project_statuses(
    view: sqlite3.Connection, path: str | None = None, *, history: sqlite3.Connection | None = None
) -> list[ProjectStatus]:
    """The state of every project, or of the one at an absolute path.

    `history` is the log that the view was folded from; None: the view is that log's own.
    """
    log = history if history is not None else view
    where, values = ("WHERE path = ?", (path,)) if path is not None else ("", ())
    # Named, so that SQLite itself refuses a table whose columns a disk has renamed.
    query = f"SELECT {', '.join(_COLUMNS)} FROM view_projects {where} ORDER BY name, path"
    return [
        _project_status(view, dict(zip(_COLUMNS, row, strict=True)), log)
        for row in view.execute(query, values).fetchall()
    ]


_COLUMNS = (
    "path",
    "name",
    "mission",
    "robot",
    "state",
    "paused",
    "reason",
    "runs_total",
    "runs_succeeded",
    "runs_failed",
    "runs_interrupted",
    "files_rejected",
    "last_run",
    "exports_current",
    "exports_stale",
    "exports_failed",
    "exports_records",
    "examples_train",
    "examples_exam",
    "reactions_failed",
    "last_failure",
    "env_sha256",
    "checked_sha256",
    "check_errors",
    "check_warnings",
    "check_hints",
    "check_findings",
)


def _project_status(
    view: sqlite3.Connection, row: dict[str, Any], history: sqlite3.Connection
) -> ProjectStatus:
    missing = _missing(view, row["path"])
    return {
        "project": row["name"],
        "path": row["path"],
        "mission": row["mission"],
        "robot": row["robot"],
        "state": row["state"],
        "paused": bool(row["paused"]),
        "reason": row["reason"],
        "check": _check(row),
        "runs": {
            "total": row["runs_total"],
            "succeeded": row["runs_succeeded"],
            "failed": row["runs_failed"],
            "interrupted": row["runs_interrupted"],
            "unfinished": row["runs_total"]
            - row["runs_succeeded"]
            - row["runs_failed"]
            - row["runs_interrupted"],
            "rejected": row["files_rejected"],
            "last": decoded(json.loads, row["last_run"]) if row["last_run"] else None,
            "rejected_files": _rejected(view, row["path"]) if row["files_rejected"] else [],
        },
        "exports": {
            "current": row["exports_current"],
            "stale": row["exports_stale"],
            "failed": row["exports_failed"],
            "missing": missing,
            "records": row["exports_records"],
            "failures": _failures(view, row["path"]) if row["exports_failed"] else [],
            "losses": _losses(view, row["path"]) if missing else [],
        },
        "dataset": _dataset(view, row["path"]),
        "prompt": prompt_status(view, row["path"]),
        "examples": {"train": row["examples_train"], "exam": row["examples_exam"]},
        "adapter": adapter_status(view, row["path"], history),
        "jobs": job_statuses(view, row["path"]),
        "reactions_failed": row["reactions_failed"],
        "last_failure": row["last_failure"],
    }


def _dataset(view: sqlite3.Connection, project: str) -> DatasetStatus | None:
    row = State(view).dataset(project)
    if row is None:
        return None
    return {"runs": row.runs, "rows": row.rows, "labels": row.labels, "failed": row.failed}


def _check(row: dict[str, Any]) -> CheckStatus:
    state = "checked" if row["checked_sha256"] == row["env_sha256"] else "pending"
    return {
        "state": state if row["checked_sha256"] is not None else "not checked",
        "errors": row["check_errors"],
        "warnings": row["check_warnings"],
        "hints": row["check_hints"],
        "findings": decoded(json.loads, row["check_findings"]),
    }


def job_statuses(view: sqlite3.Connection, project: str) -> list[JobStatus]:
    """The jobs of a project that matter now: waiting, running, and the last that ended."""
    rows = view.execute(
        "SELECT id, kind, state, attempt, reason, result FROM view_jobs WHERE project = ?1"
        " AND (ended_us IS NULL OR id > coalesce((SELECT id FROM view_jobs WHERE project = ?1"
        " ORDER BY id DESC LIMIT 1 OFFSET ?2), 0)) ORDER BY id DESC",
        (project, JOBS_SHOWN),
    ).fetchall()
    statuses: list[JobStatus] = []
    for job, kind, state, attempt, reason, result in rows:
        progress = _progress(view, job) if state == "running" else None
        statuses.append(
            {
                "job": job,
                "kind": kind,
                "state": state,
                "attempt": attempt,
                "reason": reason,
                "result": result,
                "progress": progress,
            }
        )
    return statuses


def _progress(view: sqlite3.Connection, job: int) -> dict[str, Any] | None:
    """Live progress; a view of the past has none."""
    if view.execute("SELECT 1 FROM sqlite_master WHERE name = 'progress'").fetchone() is None:
        return None
    found: dict[str, Any] | None = State(view).progress(job_key(job))
    return found


def _rejected(view: sqlite3.Connection, project: str) -> list[RejectedFile]:
    rows = view.execute(
        "SELECT path, reason, line FROM view_files WHERE project = ? AND NOT accepted"
        " ORDER BY position DESC LIMIT ?",
        (project, REJECTED_SHOWN),
    )
    return [{"path": path, "reason": reason, "line": line} for path, reason, line in rows]


def _missing(view: sqlite3.Connection, project: str) -> int:
    """How many exports are missing: few, so the index of those that are not current tells them."""
    query = "SELECT count(*) FROM view_exports WHERE project = ? AND " + _IS_MISSING
    return int(view.execute(query, (project,)).fetchone()[0])


_IS_MISSING = "state = 'missing' AND state != 'current'"


def _losses(view: sqlite3.Connection, project: str) -> list[MissingExport]:
    rows = view.execute(
        f"SELECT run_path, reason FROM view_exports WHERE project = ? AND {_IS_MISSING} LIMIT ?",
        (project, REJECTED_SHOWN),
    )
    return [{"path": path, "reason": reason} for path, reason in rows]


def _failures(view: sqlite3.Connection, project: str) -> list[dict[str, Any]]:
    rows = view.execute(
        "SELECT run_path, reason, attempts FROM view_exports WHERE project = ?"
        " AND state = 'failed' AND state != 'current' ORDER BY position DESC LIMIT ?",
        (project, REJECTED_SHOWN),
    )
    return [{"path": path, "reason": reason, "attempts": n} for path, reason, n in rows]
