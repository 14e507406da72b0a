"""Typed reads of the view for the command line, the reactions and the daemon.

Imports nothing heavy: `cadenzactl status` must start as fast as Python itself allows, so results
are TypedDicts and NamedTuples over plain sqlite3 rows, not pydantic models.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any, NamedTuple, TypedDict

STATUS_SCHEMA = 1
REJECTED_SHOWN = 20


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


class ProjectStatus(TypedDict):
    project: str
    path: str
    mission: str | None
    robot: str | None
    state: str
    reason: str
    runs: RunsStatus
    exports: ExportsStatus
    prompt: dict[str, Any]
    examples: dict[str, int]
    adapter: dict[str, Any]
    jobs: list[dict[str, Any]]
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


class ProjectRow(NamedTuple):
    path: str
    name: str
    state: str
    reason: str
    env_sha256: str | None


class State:
    """Reads of the view over any connection: a reader, the writer inside a unit, or memory."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def project(self, path: str) -> ProjectRow | None:
        """A project by its absolute path."""
        row = self._connection.execute(
            "SELECT path, name, state, reason, env_sha256 FROM view_projects WHERE path = ?",
            (path,),
        ).fetchone()
        return ProjectRow(*row) if row else None

    def projects(self) -> list[ProjectRow]:
        rows = self._connection.execute(
            "SELECT path, name, state, reason, env_sha256 FROM view_projects ORDER BY name, path"
        )
        return [ProjectRow(*row) for row in rows]

    def projects_named(self, name: str) -> list[ProjectRow]:
        rows = self._connection.execute(
            "SELECT path, name, state, reason, env_sha256 FROM view_projects"
            " WHERE name = ? ORDER BY path",
            (name,),
        )
        return [ProjectRow(*row) for row in rows]

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
            f" accepted, present, reason FROM view_files WHERE {where} ORDER BY position LIMIT ?",
            (*values, limit),
        )
        return [FileRow._make((*row[:10], bool(row[10]), bool(row[11]), row[12])) for row in rows]

    def _exports(self, where: str, values: tuple[object, ...]) -> list[ExportRow]:
        rows = self._connection.execute(
            "SELECT project, run_path, run_id, state, source_sha256, output, output_sha256,"
            f" manifest, retryable, attempts, position FROM view_exports WHERE {where}"
            " ORDER BY position",
            values,
        )
        return [ExportRow._make((*row[:8], bool(row[8]), *row[9:])) for row in rows]


# -- status ----------------------------------------------------------------------------------------


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
        # Nothing has judged or trained yet: these say so until the capabilities that do exist.
        "prompt": {"version": None, "state": "not judged"},
        "examples": {"train": row["examples_train"], "exam": row["examples_exam"]},
        "adapter": {"deployed": None, "verdict": None, "scores": {}, "next_steps": []},
        "jobs": [],
        "reactions_failed": row["reactions_failed"],
        "last_failure": row["last_failure"],
    }


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
