"""Projects, files, exports and jobs as the view has them: NamedTuples over plain sqlite3 rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from store.reads import live
from store.reads.rows import Rows

if TYPE_CHECKING:
    from store.database.backend import Readable
    from store.reads.shapes import DegradedStatus


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
    position: int = 0


class ExportRow(NamedTuple):
    project: str
    run_path: str
    run_id: str
    state: str
    output: str | None
    output_sha256: str | None
    manifest: str | None
    retryable: bool
    attempts: int
    position: int


class ExportedFile(NamedTuple):
    """An export that should be on disk, and its stat when its bytes were last found right.

    The fields of that stat are None where they never were.
    """

    run_path: str
    run_id: str
    state: str
    output: str
    output_sha256: str
    manifest: str | None
    position: int
    dev: int | None
    ino: int | None
    size: int | None
    mtime_ns: int | None
    ctime_ns: int | None

    @property
    def seen(self) -> tuple[int | None, ...]:
        return self[-5:]


class DatasetRow(NamedTuple):
    """The dataset of a project as it was recorded last. `rows`: config -> rows; `labels`: KTO's."""

    project: str
    manifest: str
    manifest_hash: str
    content: str
    runs: int
    rows: dict[str, int]
    labels: list[int]
    failed: list[dict[str, str]]
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


class WaitingJob(NamedTuple):
    """What decides when a queued job begins: of thousands that wait no more is read."""

    id: int
    project: str
    kind: str
    queued_us: int
    not_before_us: int
    started_us: int | None


class ProjectRow(NamedTuple):
    path: str
    name: str
    state: str
    reason: str
    env_sha256: str | None
    paused: bool = False
    checked_sha256: str | None = None


_PROJECTS = Rows(ProjectRow, "view_projects", "name, path", paused=bool)
_FILES = Rows(FileRow, "view_files", "position", accepted=bool, present=bool)
# Named, as SQLite without statistics takes the primary key, and looks at every file of the project.
_BY_BYTES = Rows(
    FileRow, "view_files INDEXED BY view_files_by_bytes", "position", accepted=bool, present=bool
)
_BY_INODE = Rows(
    FileRow, "view_files INDEXED BY view_files_by_inode", "position", accepted=bool, present=bool
)
_EXPORTED = Rows(
    ExportedFile, "view_exports LEFT JOIN seen ON seen.path = project || '/' || output", "run_path"
)
_EXPORTS = Rows(ExportRow, "view_exports", "position", retryable=bool)
_DATASETS = Rows(
    DatasetRow, "view_datasets", "project", rows=json.loads, labels=json.loads, failed=json.loads
)
_JOBS = Rows(JobRow, "view_jobs", "id DESC", spec=json.loads)
_WAITING = Rows(WaitingJob, "view_jobs", "id")


class State:
    """Reads of the view over any connection: a reader, the writer inside a unit, or memory."""

    def __init__(self, connection: Readable) -> None:
        self._connection = connection

    @property
    def connection(self) -> Readable:
        """For the reads of store.reads.improvements."""
        return self._connection

    def project(self, path: str) -> ProjectRow | None:
        """A project by its absolute path."""
        return _PROJECTS.first(self._connection, "path = ?", path)

    def projects(self) -> list[ProjectRow]:
        return _PROJECTS.where(self._connection, "TRUE")

    def projects_named(self, name: str) -> list[ProjectRow]:
        """Projects of a name, or whose path ends so: "rescue", "lab/rescue"."""
        parts = name.strip("/").rpartition("/")
        named = _PROJECTS.where(self._connection, "name = ?", parts[2])
        if not parts[0]:
            return named
        return [row for row in named if row.path.endswith(f"/{name.strip('/')}")]

    def file(self, project: str, path: str) -> FileRow | None:
        """A file by its path inside the project."""
        return _FILES.first(self._connection, "project = ? AND path = ?", project, path)

    def file_by_inode(self, project: str, dev: int, ino: int) -> list[FileRow]:
        """Known files with this identity (hard links share one)."""
        condition = "project = ? AND dev = ? AND ino = ?"
        return _BY_INODE.where(self._connection, condition, project, dev, ino)

    def run_with_bytes(
        self, project: str, size: int, known: str, *, but_not: str
    ) -> FileRow | None:
        """The first recorded run with the same bytes (see store.identity) under another path."""
        # The plus keeps SQLite from putting the hash into substr(), which the index then is not of.
        return _BY_BYTES.first(
            self._connection,
            "project = ? AND size = ? AND substr(sha256, 1, 13) = substr(?, 1, 13) AND +sha256 = ?"
            " AND kind = 'run' AND accepted AND present AND path != ?",
            project,
            size,
            known,
            known,
            but_not,
        )

    def older_hash(self, project: str, size: int) -> str | None:
        """What a run of this size is known by that has the hash of an older log; None for none."""
        runs = (
            "SELECT sha256 FROM view_files INDEXED BY view_files_by_bytes WHERE project = ?1 AND"
            " size = ?2 AND kind = 'run' AND accepted AND present AND substr(sha256, 1, 13)"
        )
        query = f"{runs} < 'blake3:' UNION ALL {runs} > 'blake3;' LIMIT 1"
        row = self._connection.execute(query, (project, size)).fetchone()
        return str(row[0]) if row else None

    def job(self, job_id: int) -> JobRow | None:
        return _JOBS.first(self._connection, "id = ?", job_id)

    def jobs(
        self, project: str | None = None, state: str | None = None, limit: int | None = None
    ) -> list[JobRow]:
        """Jobs, the newest first, of one project and in one state where those are given."""
        where, values = ["TRUE"], []
        for column, value in (("project", project), ("state", state)):
            if value is not None:
                where.append(f"{column} = ?")
                values.append(value)
        return _JOBS.where(self._connection, " AND ".join(where), *values, limit=limit)

    def waiting_jobs(self) -> list[WaitingJob]:
        """Queued jobs, the oldest first."""
        return _WAITING.where(self._connection, "state = 'queued'")

    def waiting_count(self) -> int:
        """How many jobs are queued."""
        query = "SELECT count(*) FROM view_jobs WHERE state = 'queued'"
        return int(self._connection.execute(query).fetchone()[0])

    def held_projects(self) -> set[str]:
        """Projects of which no job may start: one of theirs runs, or they are paused."""
        query = (
            "SELECT project FROM view_jobs WHERE state = 'running'"
            " UNION SELECT path FROM view_projects WHERE paused"
        )
        return {project for (project,) in self._connection.execute(query)}

    def last_episode(self, project: str, path: str) -> int | None:
        """Index of a log's last episode; None for a file that holds none."""
        query = "SELECT max(idx) FROM view_episodes WHERE project = ? AND path = ?"
        index = self._connection.execute(query, (project, path)).fetchone()[0]
        return int(index) if index is not None else None

    def runs(self, project: str) -> list[FileRow]:
        """Accepted run logs that are still there, in the order they were recorded."""
        condition = "project = ? AND kind = 'run' AND accepted AND present"
        return _FILES.where(self._connection, condition, project)

    def present_files(self, project: str) -> Iterator[FileRow]:
        """Every known file of a project that has not gone, by path."""
        return _FILES.each(self._connection, "project = ? AND present", project, by="path")

    def export(self, project: str, run_path: str) -> ExportRow | None:
        """The export of a run."""
        condition = "project = ? AND run_path = ?"
        return _EXPORTS.first(self._connection, condition, project, run_path)

    def exports(self, project: str, state: str | None = None) -> list[ExportRow]:
        if state is None:
            return _EXPORTS.where(self._connection, "project = ?", project)
        return _EXPORTS.where(self._connection, "project = ? AND state = ?", project, state)

    def projects_of_failed_exports(self) -> set[str]:
        """The projects with an export that failed."""
        # Both conditions, as the index is of the first.
        failed = "state != 'current' AND state = 'failed'"
        query = f"SELECT DISTINCT project FROM view_exports WHERE {failed}"
        return {project for (project,) in self._connection.execute(query)}

    def exported_files(self, project: str) -> Iterator[ExportedFile]:
        """The exports of a project that should be on disk, in its own folder, by run."""
        return _EXPORTED.each(
            self._connection,
            "project = ? AND state IN ('current', 'stale') AND output NOT NULL",
            project,
            by="run_path",
        )

    def dataset(self, project: str) -> DatasetRow | None:
        """What was last recorded of a project's dataset."""
        return _DATASETS.first(self._connection, "project = ?", project)

    def lag(self) -> int:
        """Events that not every reaction has come to yet."""
        query = "SELECT coalesce(min(position), 0) FROM cursors"
        return self.head() - int(self._connection.execute(query).fetchone()[0])

    def exports_of(self, project: str, beginning: str) -> list[ExportRow]:
        """The exports of runs whose path is this, or goes on with a dot."""
        condition = "project = ? AND run_path >= ? AND run_path < ?"
        after = beginning + chr(ord(".") + 1)
        rows = _EXPORTS.where(self._connection, condition, project, beginning, after)
        return [row for row in rows if row.run_path[len(beginning) :][:1] in ("", ".")]

    def runs_of(self, project: str, beginning: str) -> list[FileRow]:
        """Accepted run logs that are still there, whose path goes on after this with a dot."""
        condition = (
            "project = ? AND path >= ? AND path < ? AND kind = 'run' AND accepted AND present"
        )
        after = beginning + chr(ord(".") + 1)
        return _FILES.where(self._connection, condition, project, f"{beginning}.", after)

    def shared_exports(self, project: str) -> list[str]:
        """Runs whose current export is in the same file as another's, as it once could be."""
        query = (
            "SELECT run_path FROM view_exports WHERE project = ?1 AND state = 'current' AND output"
            " IN (SELECT output FROM view_exports WHERE project = ?1 GROUP BY output"
            " HAVING count(*) > 1) ORDER BY run_path"
        )
        return [path for (path,) in self._connection.execute(query, (project,))]

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
        return live.progress(self._connection, key)

    def degraded(self) -> list[DegradedStatus]:
        return live.degraded(self._connection)

    def recorded_at(self, position: int) -> float:
        """When the event at a position was recorded, in Unix seconds; 0 for no such event."""
        query = "SELECT recorded_at_us FROM events WHERE position = ?"
        row = self._connection.execute(query, (position,)).fetchone()
        return row[0] / 1_000_000 if row else 0.0

    def head(self) -> int:
        return live.head(self._connection)
