"""Typed reads of the view for the command line, the reactions and the daemon.

Imports nothing heavy: `cadenzactl status` must start as fast as Python itself allows, so results
are TypedDicts and NamedTuples over plain sqlite3 rows, not pydantic models.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any, NamedTuple, TypedDict

from store.errors import StoreError
from store.improvements import adapter_status, prompt_status
from store.schema import CODE_VERSION, VIEW_NAME

STATUS_SCHEMA = 1
REJECTED_SHOWN = 20
JOBS_SHOWN = 5


class WatchingStatus(TypedDict):
    projects: int
    directories: int


class DegradedStatus(TypedDict):
    code: str
    detail: str


class DaemonStatus(TypedDict):
    """`state`: running | starting | stopping | stopped. `lag`: events not yet reacted to."""

    state: str
    pid: int | None
    started_at: str | None
    version: str | None
    position: int
    lag: int
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
    unfinished: int
    rejected: int
    last: dict[str, Any] | None
    rejected_files: list[RejectedFile]


class ExportsStatus(TypedDict):
    current: int
    stale: int
    failed: int
    records: int
    failures: list[dict[str, Any]]


class JobStatus(TypedDict):
    """`progress` is what the running child last reported (epoch, loss, tick ...)."""

    job: int
    kind: str
    state: str
    attempt: int
    reason: str
    result: str
    progress: dict[str, Any] | None


class ProjectStatus(TypedDict):
    project: str
    path: str
    mission: str | None
    robot: str | None
    state: str
    paused: bool
    reason: str
    runs: RunsStatus
    exports: ExportsStatus
    prompt: dict[str, Any]
    examples: dict[str, int]
    adapter: dict[str, Any]
    jobs: list[JobStatus]
    reactions_failed: int
    last_failure: str


class FileRow(NamedTuple):
    """A file as the view knows it: not `accepted` when rejected, not `present` when removed."""

    project: str
    path: str
    kind: str
    run_id: str | None
    revision: int
    dev: int
    ino: int
    size: int
    mtime_ns: int
    sha256: str
    accepted: bool
    present: bool
    reason: str
    format: str | None = None


class ExportRow(NamedTuple):
    project: str
    run_path: str
    run_id: str
    state: str
    source_sha256: str
    output: str | None
    output_sha256: str | None
    manifest: str | None
    retryable: bool
    attempts: int
    position: int


class JobRow(NamedTuple):
    """A job as the view knows it. `state`: queued running succeeded failed cancelled."""

    id: int
    project: str
    kind: str
    state: str
    attempt: int
    spec: dict[str, Any]
    reason: str
    result: str
    queued_us: int
    not_before_us: int
    started_us: int | None
    ended_us: int | None


class ProjectRow(NamedTuple):
    path: str
    name: str
    state: str
    reason: str
    env_sha256: str | None
    paused: bool = False


class State:
    """Reads of the view over any connection: a reader, the writer inside a unit, or memory."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> sqlite3.Connection:
        """For the reads of store.improvements."""
        return self._connection

    def project(self, path: str) -> ProjectRow | None:
        """A project by its absolute path."""
        rows = self._projects("WHERE path = ?", (path,))
        return rows[0] if rows else None

    def projects(self) -> list[ProjectRow]:
        return self._projects("", ())

    def projects_named(self, name: str) -> list[ProjectRow]:
        return self._projects("WHERE name = ?", (name,))

    def _projects(self, where: str, values: tuple[object, ...]) -> list[ProjectRow]:
        rows = self._connection.execute(
            "SELECT path, name, state, reason, env_sha256, paused FROM view_projects"
            f" {where} ORDER BY name, path",
            values,
        )
        return [ProjectRow._make((*row[:5], bool(row[5]))) for row in rows]

    def file(self, project: str, path: str) -> FileRow | None:
        """A file by its path inside the project."""
        return self._file("project = ? AND path = ?", (project, path))

    def file_by_inode(self, project: str, dev: int, ino: int) -> list[FileRow]:
        """Known files with this identity (hard links share one)."""
        return self._files("project = ? AND dev = ? AND ino = ?", (project, dev, ino))

    def run_with_hash(self, project: str, sha256: str, *, but_not: str) -> FileRow | None:
        """The first recorded run with the same bytes under another path."""
        return self._file(
            "project = ? AND sha256 = ? AND kind = 'run' AND accepted AND present AND path != ?",
            (project, sha256, but_not),
        )

    def job(self, job_id: int) -> JobRow | None:
        rows = self._jobs("id = ?", (job_id,))
        return rows[0] if rows else None

    def jobs(
        self, project: str | None = None, state: str | None = None, limit: int = -1
    ) -> list[JobRow]:
        """Jobs, the newest first, of one project and in one state where those are given."""
        where, values = ["1"], []
        for column, value in (("project", project), ("state", state)):
            if value is not None:
                where.append(f"{column} = ?")
                values.append(value)
        return self._jobs(" AND ".join(where), tuple(values), limit)

    def startable_jobs(self, now_us: int) -> list[JobRow]:
        """Queued jobs that may start, the oldest first: due, not paused, nothing else running."""
        rows = self._jobs(
            "state = 'queued' AND not_before_us <= ? AND project NOT IN"
            " (SELECT project FROM view_jobs WHERE state = 'running')"
            " AND project NOT IN (SELECT path FROM view_projects WHERE paused)",
            (now_us,),
        )
        first: dict[str, JobRow] = {}
        for row in reversed(rows):
            first.setdefault(row.project, row)
        return sorted(first.values(), key=lambda row: row.id)

    def next_job_us(self) -> int | None:
        """When the next queued job becomes due."""
        query = "SELECT min(not_before_us) FROM view_jobs WHERE state = 'queued'"
        found = self._connection.execute(query).fetchone()[0]
        return int(found) if found is not None else None

    def last_episode(self, project: str, path: str) -> int | None:
        """Index of a log's last episode; None for a file that holds none."""
        query = "SELECT max(idx) FROM view_episodes WHERE project = ? AND path = ?"
        index = self._connection.execute(query, (project, path)).fetchone()[0]
        return int(index) if index is not None else None

    def runs(self, project: str) -> list[FileRow]:
        """Accepted run logs that are still there, in the order they were recorded."""
        return self._files("project = ? AND kind = 'run' AND accepted AND present", (project,))

    def files(self, project: str) -> list[FileRow]:
        """Every known file of a project."""
        return self._files("project = ?", (project,))

    def export(self, project: str, run_path: str) -> ExportRow | None:
        """The export of a run."""
        rows = self._exports("project = ? AND run_path = ?", (project, run_path))
        return rows[0] if rows else None

    def exports(self, project: str, state: str | None = None) -> list[ExportRow]:
        if state is None:
            return self._exports("project = ?", (project,))
        return self._exports("project = ? AND state = ?", (project, state))

    def cursor(self, reaction: str) -> int:
        """The last position a reaction finished; 0 before its first."""
        row = self._connection.execute(
            "SELECT position FROM cursors WHERE reaction = ?", (reaction,)
        ).fetchone()
        return int(row[0]) if row else 0

    def seen(self, path: str) -> tuple[int, int, int, int, int] | None:
        """(dev, ino, size, mtime_ns, ctime_ns) of a file when it was last read."""
        row = self._connection.execute(
            "SELECT dev, ino, size, mtime_ns, ctime_ns FROM seen WHERE path = ?", (path,)
        ).fetchone()
        return tuple(row) if row else None

    def progress(self, key: str) -> Any:
        """A live value (see Transaction.set_progress); None when unset."""
        row = self._connection.execute(
            "SELECT value FROM progress WHERE key = ?", (key,)
        ).fetchone()
        return json.loads(row[0]) if row else None

    def degraded(self) -> list[DegradedStatus]:
        rows = self._connection.execute("SELECT code, detail FROM view_degraded ORDER BY position")
        return [{"code": code, "detail": detail} for code, detail in rows]

    def recorded_at(self, position: int) -> float:
        """When the event at a position was recorded, in Unix seconds; 0 for no such event."""
        query = "SELECT recorded_at_us FROM events WHERE position = ?"
        row = self._connection.execute(query, (position,)).fetchone()
        return row[0] / 1_000_000 if row else 0.0

    def head(self) -> int:
        query = "SELECT coalesce(max(position), 0) FROM events"
        return int(self._connection.execute(query).fetchone()[0])

    def _file(self, where: str, values: tuple[object, ...]) -> FileRow | None:
        rows = self._files(where, values, limit=1)
        return rows[0] if rows else None

    def _files(self, where: str, values: tuple[object, ...], limit: int = -1) -> list[FileRow]:
        rows = self._connection.execute(
            "SELECT project, path, kind, run_id, revision, dev, ino, size, mtime_ns, sha256,"
            " accepted, present, reason, format FROM view_files"
            f" WHERE {where} ORDER BY position LIMIT ?",
            (*values, limit),
        )
        return [FileRow._make((*row[:10], bool(row[10]), bool(row[11]), *row[12:])) for row in rows]

    def _jobs(self, where: str, values: tuple[object, ...], limit: int = -1) -> list[JobRow]:
        rows = self._connection.execute(
            "SELECT id, project, kind, state, attempt, spec, reason, result, queued_us,"
            f" not_before_us, started_us, ended_us FROM view_jobs WHERE {where}"
            " ORDER BY id DESC LIMIT ?",
            (*values, limit),
        )
        return [JobRow._make((*row[:5], json.loads(row[5]), *row[6:])) for row in rows]

    def _exports(self, where: str, values: tuple[object, ...]) -> list[ExportRow]:
        rows = self._connection.execute(
            "SELECT project, run_path, run_id, state, source_sha256, output, output_sha256,"
            f" manifest, retryable, attempts, position FROM view_exports WHERE {where}"
            " ORDER BY position",
            values,
        )
        return [ExportRow._make((*row[:8], bool(row[8]), *row[9:])) for row in rows]


# -- status ----------------------------------------------------------------------------------------


def check_view(connection: sqlite3.Connection) -> None:
    """Raise StoreError when the view was folded by another version than this program."""
    row = connection.execute(
        "SELECT code_version FROM projections WHERE name = ?", (VIEW_NAME,)
    ).fetchone()
    if row is not None and row[0] != CODE_VERSION:
        raise StoreError(
            f"the state view is another version's ({row[0]}, this program's is {CODE_VERSION})",
            hint="restart the daemon, or run `cadenzactl rebuild` without one",
        )


def daemon_status(connection: sqlite3.Connection, holder: dict[str, object] | None) -> DaemonStatus:
    """The daemon's state, given who holds the writer lock (None: nobody)."""
    state = State(connection)
    live: dict[str, Any] = state.progress("daemon") or {}
    # Another command may hold the lock for a moment: that is not a running daemon.
    running = holder is not None and holder.get("pid") == live.get("pid")
    head = state.head()
    cursor = connection.execute("SELECT min(position) FROM cursors").fetchone()[0]
    return {
        "state": live.get("state", "running") if running else "stopped",
        "pid": live.get("pid") if running else None,
        "started_at": live.get("started_at") if running else None,
        "version": live.get("version") if running else None,
        "position": head,
        "lag": head - (cursor or 0),
        "degraded": state.degraded(),
        "watching": live["watching"] if running else {"projects": 0, "directories": 0},
        "workspaces": live.get("workspaces", []),
    }


def project_statuses(view: sqlite3.Connection, path: str | None = None) -> list[ProjectStatus]:
    """The state of every project, or of the one at an absolute path."""
    where, values = ("WHERE path = ?", (path,)) if path is not None else ("", ())
    cursor = view.execute(f"SELECT * FROM view_projects {where} ORDER BY name, path", values)
    names = [column[0] for column in cursor.description]
    return [_project_status(view, dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def _project_status(view: sqlite3.Connection, row: dict[str, Any]) -> ProjectStatus:
    return {
        "project": row["name"],
        "path": row["path"],
        "mission": row["mission"],
        "robot": row["robot"],
        "state": row["state"],
        "paused": bool(row["paused"]),
        "reason": row["reason"],
        "runs": {
            "total": row["runs_total"],
            "succeeded": row["runs_succeeded"],
            "failed": row["runs_failed"],
            "unfinished": row["runs_total"] - row["runs_succeeded"] - row["runs_failed"],
            "rejected": row["files_rejected"],
            "last": json.loads(row["last_run"]) if row["last_run"] else None,
            "rejected_files": _rejected(view, row["path"]) if row["files_rejected"] else [],
        },
        "exports": {
            "current": row["exports_current"],
            "stale": row["exports_stale"],
            "failed": row["exports_failed"],
            "records": row["exports_records"],
            "failures": _failures(view, row["path"]) if row["exports_failed"] else [],
        },
        "prompt": prompt_status(view, row["path"]),
        "examples": {"train": row["examples_train"], "exam": row["examples_exam"]},
        "adapter": adapter_status(view, row["path"]),
        "jobs": job_statuses(view, row["path"]),
        "reactions_failed": row["reactions_failed"],
        "last_failure": row["last_failure"],
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


def job_key(job: int) -> str:
    """The progress key of a job."""
    return f"job:{job}"


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


def _failures(view: sqlite3.Connection, project: str) -> list[dict[str, Any]]:
    rows = view.execute(
        "SELECT run_path, reason, attempts FROM view_exports WHERE project = ?"
        " AND state = 'failed' AND state != 'current' ORDER BY position DESC LIMIT ?",
        (project, REJECTED_SHOWN),
    )
    return [{"path": path, "reason": reason, "attempts": n} for path, reason, n in rows]
