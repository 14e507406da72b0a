"""Projections: how each event changes the state tables; rebuild, replay and compare them.

`apply` folds one event. It is called inside the transaction that appends the event, so the view is
never behind the log. Totals that `status` shows are kept as counters on the project's row: reading
them costs the same after a thousand events and after a million.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from store.events import (
    EpisodeFact,
    Event,
    ExamplesRecorded,
    ExportFailed,
    FileFact,
    FileMoved,
    FilePruned,
    FileRejected,
    FileRemoved,
    LineCounts,
    ProjectChanged,
    ProjectDiscovered,
    ProjectPaused,
    ProjectRemoved,
    ProjectResumed,
    ReactionFailed,
    Recorded,
    RunExported,
    RunExtended,
    RunRead,
    RunRecorded,
    RunReplaced,
    WatchDegraded,
    WatchRestored,
)
from store.jobviews import JOB_HANDLERS
from store.log import EventLog
from store.schema import VIEW_TABLES, memory_view, reset_view

VIEW_NAME = "state"
CODE_VERSION = 2
"""Raise when `apply` or a view table changes: the daemon then rebuilds at its next start."""

Row = tuple[Any, ...]


def apply(view: sqlite3.Connection, record: Recorded) -> None:
    """Fold one event into the view tables of a connection."""
    handler = _HANDLERS.get(type(record.event))
    if handler is not None:
        handler(view, record, record.event)


# -- projects --------------------------------------------------------------------------------------


def _project(record: Recorded) -> str:
    project = record.project
    if project is None:
        raise ValueError(f"{record.type} at {record.position} belongs to no project")
    return project


def _project_known(
    view: sqlite3.Connection, record: Recorded, event: ProjectDiscovered | ProjectChanged
) -> None:
    path = _project(record)
    view.execute(
        "INSERT INTO view_projects (path, name, mission, robot, phases, state, env_sha256)"
        " VALUES (?, ?, ?, ?, ?, 'ready', ?)"
        " ON CONFLICT (path) DO UPDATE SET name = excluded.name, mission = excluded.mission,"
        " robot = excluded.robot, phases = excluded.phases, state = 'ready', reason = '',"
        " env_sha256 = excluded.env_sha256",
        (path, event.name, event.mission, event.robot, json.dumps(event.phases), event.file.sha256),
    )
    _accept_file(view, record, event.file, "config")
    if isinstance(event, ProjectChanged):
        view.execute(
            "UPDATE view_exports SET state = 'stale' WHERE project = ? AND state = 'current'",
            (path,),
        )
        view.execute(
            "UPDATE view_projects SET exports_stale = exports_stale + exports_current,"
            " exports_current = 0 WHERE path = ?",
            (path,),
        )


def _project_removed(view: sqlite3.Connection, record: Recorded, event: ProjectRemoved) -> None:
    view.execute(
        "UPDATE view_projects SET state = 'removed', reason = 'its env.json is gone'"
        " WHERE path = ?",
        (_project(record),),
    )


def _paused(
    view: sqlite3.Connection, record: Recorded, event: ProjectPaused | ProjectResumed
) -> None:
    paused = int(isinstance(event, ProjectPaused))
    view.execute("UPDATE view_projects SET paused = ? WHERE path = ?", (paused, _project(record)))


# -- files -----------------------------------------------------------------------------------------


def _accept_file(
    view: sqlite3.Connection,
    record: Recorded,
    file: FileFact,
    kind: str,
    *,
    run_id: str | None = None,
    rows: int = 0,
    rows_rejected: int = 0,
    twin_of: str | None = None,
    format: str | None = None,
) -> bool:
    return _put_file(
        view, record, file, kind, run_id, 1, "", None, rows, rows_rejected, twin_of, format
    )


def _put_file(
    view: sqlite3.Connection,
    record: Recorded,
    file: FileFact,
    kind: str,
    run_id: str | None,
    accepted: int,
    reason: str,
    line: int | None,
    rows: int,
    rows_rejected: int,
    twin_of: str | None,
    format: str | None = None,
) -> bool:
    """Upsert a file's row and adjust the project's totals of rejected files and of examples.

    Returns whether the file was known before.
    """
    project = _project(record)
    before = view.execute(
        "SELECT kind, accepted, rows FROM view_files WHERE project = ? AND path = ?",
        (project, file.path),
    ).fetchone()
    view.execute(
        "INSERT OR REPLACE INTO view_files (project, path, kind, run_id, revision, dev, ino, size,"
        " mtime_ns, sha256, accepted, reason, line, rows, rows_rejected, twin_of, format, position)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            project,
            file.path,
            kind,
            run_id,
            file.revision,
            file.dev,
            file.ino,
            file.size,
            file.mtime_ns,
            file.sha256,
            accepted,
            reason,
            line,
            rows,
            rows_rejected,
            twin_of,
            format,
            record.position,
        ),
    )
    if before is not None:
        _tally_file(view, project, -1, *before)
    _tally_file(view, project, +1, kind, accepted, rows)
    return before is not None


def _tally_file(
    view: sqlite3.Connection, project: str, sign: int, kind: str, accepted: int, rows: int
) -> None:
    """Add (or with sign -1 take away) what one file contributes to its project's totals."""
    if not accepted:
        _count(view, project, files_rejected=sign)
    elif kind == "exam":
        _count(view, project, examples_exam=sign * rows)
    elif kind == "examples":
        _count(view, project, examples_train=sign * rows)


def _count(
    view: sqlite3.Connection, project: str, last_run: str | None = None, /, **changes: int
) -> None:
    """Add to counters of a project's row, and set its last run, in one statement."""
    wanted: dict[str, object] = {name: change for name, change in changes.items() if change}
    terms = [f"{name} = {name} + ?" for name in wanted]
    if last_run is not None:
        wanted["last_run"] = last_run
        terms.append("last_run = ?")
    if wanted:
        view.execute(
            f"UPDATE view_projects SET {', '.join(terms)} WHERE path = ?",
            (*wanted.values(), project),
        )


def _file_rejected(view: sqlite3.Connection, record: Recorded, event: FileRejected) -> None:
    project = _project(record)
    if event.kind == "config":
        view.execute(
            "INSERT INTO view_projects (path, name, state, reason) VALUES (?, ?, 'invalid', ?)"
            " ON CONFLICT (path) DO UPDATE SET state = 'invalid', reason = excluded.reason",
            (project, event.project_name, event.reason),
        )
    _put_file(view, record, event.file, event.kind, None, 0, event.reason, event.line, 0, 0, None)


def _file_moved(view: sqlite3.Connection, record: Recorded, event: FileMoved) -> None:
    project = _project(record)
    old, new = event.previous_path, event.file.path
    if old != new:
        _forget(view, project, new)  # the move may have gone over a known file: it is no more
    view.execute(
        "UPDATE view_files SET path = ?, run_id = ?, revision = ?, dev = ?, ino = ?, size = ?,"
        " mtime_ns = ?, position = ? WHERE project = ? AND path = ?",
        (
            new,
            event.run_id,
            event.file.revision,
            event.file.dev,
            event.file.ino,
            event.file.size,
            event.file.mtime_ns,
            record.position,
            project,
            old,
        ),
    )
    view.execute(
        "UPDATE view_episodes SET path = ? WHERE project = ? AND path = ?", (new, project, old)
    )
    view.execute(
        "UPDATE view_exports SET run_path = ? WHERE project = ? AND run_path = ?",
        (new, project, old),
    )
    _make_stale(view, project, new)


def _file_removed(view: sqlite3.Connection, record: Recorded, event: FileRemoved) -> None:
    project = _project(record)
    if event.kind == "run":
        view.execute(
            "UPDATE view_files SET present = 0 WHERE project = ? AND path = ? AND accepted",
            (project, event.path),
        )
        _forget(view, project, event.path, only_rejected=True)
    else:
        _forget(view, project, event.path)


def _file_pruned(view: sqlite3.Connection, record: Recorded, event: FilePruned) -> None:
    project = _project(record)
    if event.kind == "run":
        view.execute(
            "UPDATE view_files SET present = 0 WHERE project = ? AND path = ?",
            (project, event.path),
        )
    elif event.kind == "export":
        row = view.execute(
            "SELECT run_path FROM view_exports WHERE project = ? AND output = ?",
            (project, event.path),
        ).fetchone()
        if row is not None:
            _set_export(view, project, row[0], None)


def _forget(
    view: sqlite3.Connection, project: str, path: str, *, only_rejected: bool = False
) -> None:
    """Remove a file, its episodes and its export from the view, and from the totals."""
    row = view.execute(
        "SELECT kind, accepted, rows FROM view_files WHERE project = ? AND path = ?",
        (project, path),
    ).fetchone()
    if row is not None and only_rejected and row[1]:
        return
    if row is not None:
        _tally_file(view, project, -1, *row)
    _count(view, project, **_set_episodes(view, project, path, 0, (), position=0))
    _set_export(view, project, path, None)
    view.execute("DELETE FROM view_files WHERE project = ? AND path = ?", (project, path))


# -- runs ------------------------------------------------------------------------------------------


def _run_recorded(
    view: sqlite3.Connection, record: Recorded, event: RunRecorded | RunReplaced
) -> None:
    _run(view, record, event, first_episode=0, twin_of=event.twin_of)


def _run_extended(view: sqlite3.Connection, record: Recorded, event: RunExtended) -> None:
    first = event.episodes[0].index if event.episodes else None
    _run(view, record, event, first_episode=first, twin_of=None)


def _run(
    view: sqlite3.Connection,
    record: Recorded,
    event: RunRead,
    *,
    first_episode: int | None,
    twin_of: str | None,
) -> None:
    project, path, lines = _project(record), event.file.path, event.lines
    known = _accept_file(
        view,
        record,
        event.file,
        "run",
        run_id=event.run_id,
        rows=lines.valid,
        rows_rejected=lines.rejected,
        twin_of=twin_of,
        format=event.format,
    )
    totals: dict[str, int] = {}
    if first_episode is not None:
        totals = _set_episodes(
            view, project, path, first_episode, event.episodes, record.position, known=known
        )
    _count(view, project, json.dumps(_last_run(record, event, lines)), **totals)
    _make_stale(view, project, path)


def _last_run(record: Recorded, event: RunRead, lines: LineCounts) -> dict[str, object]:
    last = event.episodes[-1] if event.episodes else None
    return {
        "run": event.run_id,
        "path": event.file.path,
        "outcome": last.outcome if last else "unknown",
        "reason": last.reason if last else "",
        "ticks": last.ticks if last else 0,
        "reward": last.reward if last else None,
        "lines_rejected": lines.rejected,
        "recorded_at": record.recorded_at.isoformat().replace("+00:00", "Z"),
    }


def _set_episodes(
    view: sqlite3.Connection,
    project: str,
    path: str,
    first: int,
    episodes: tuple[EpisodeFact, ...],
    position: int,
    *,
    known: bool = True,
) -> dict[str, int]:
    """Replace a log's episodes from index `first` on; returns the changes of the totals.

    A log that was not `known` before has no episodes to replace.
    """
    totals = {"runs_total": 0, "runs_succeeded": 0, "runs_failed": 0}

    def tally(outcome: str, sign: int) -> None:
        totals["runs_total"] += sign
        if outcome in ("succeeded", "failed"):
            totals[f"runs_{outcome}"] += sign

    old: list[Row] = []
    if known:
        old = view.execute(
            "SELECT outcome FROM view_episodes WHERE project = ? AND path = ? AND idx >= ?",
            (project, path, first),
        ).fetchall()
    for (outcome,) in old:
        tally(outcome, -1)
    if old:
        view.execute(
            "DELETE FROM view_episodes WHERE project = ? AND path = ? AND idx >= ?",
            (project, path, first),
        )
    for episode in episodes:
        tally(episode.outcome, +1)
    view.executemany(
        "INSERT INTO view_episodes (project, path, idx, outcome, reason, ticks, reward,"
        " phases_done, last_phase, first_line, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                project,
                path,
                episode.index,
                episode.outcome,
                episode.reason,
                episode.ticks,
                episode.reward,
                episode.phases_done,
                episode.last_phase,
                episode.first_line,
                position,
            )
            for episode in episodes
        ],
    )
    return totals


def _examples_recorded(view: sqlite3.Connection, record: Recorded, event: ExamplesRecorded) -> None:
    kind = "exam" if event.split == "exam" else "examples"
    _accept_file(view, record, event.file, kind, rows=event.rows, rows_rejected=event.rejected)


# -- exports ---------------------------------------------------------------------------------------

_EXPORT_COLUMNS = (
    "run_id",
    "state",
    "source_sha256",
    "output",
    "output_sha256",
    "manifest",
    "template_sha256",
    "records",
    "rejected",
    "filtered",
    "reason",
    "retryable",
    "attempts",
    "warnings",
    "position",
)


_PUT_EXPORT = (
    f"INSERT OR REPLACE INTO view_exports (project, run_path, {', '.join(_EXPORT_COLUMNS)})"
    f" VALUES (?, ?, {', '.join('?' * len(_EXPORT_COLUMNS))})"
)


def _set_export(
    view: sqlite3.Connection, project: str, path: str, new: dict[str, Any] | None
) -> None:
    """Put (or with None remove) a run's export, and adjust the project's totals."""
    old = view.execute(
        "SELECT state, records FROM view_exports WHERE project = ? AND run_path = ?",
        (project, path),
    ).fetchone()
    changes = {"exports_current": 0, "exports_stale": 0, "exports_failed": 0, "exports_records": 0}
    if old is not None:
        changes[f"exports_{old[0]}"] -= 1
        changes["exports_records"] -= old[1]
    if new is not None:
        changes[f"exports_{new['state']}"] += 1
        changes["exports_records"] += new["records"]
        values = (new[column] for column in _EXPORT_COLUMNS)
        view.execute(_PUT_EXPORT, (project, path, *values))
    elif old is not None:
        view.execute("DELETE FROM view_exports WHERE project = ? AND run_path = ?", (project, path))
    _count(view, project, **changes)


def _make_stale(view: sqlite3.Connection, project: str, path: str) -> None:
    """What was exported of a run is no longer what an export would give now."""
    changed = view.execute(
        "UPDATE view_exports SET state = 'stale'"
        " WHERE project = ? AND run_path = ? AND state = 'current'",
        (project, path),
    ).rowcount
    if changed:
        _count(view, project, exports_current=-1, exports_stale=+1)


def _run_exported(view: sqlite3.Connection, record: Recorded, event: RunExported) -> None:
    if event.origin == "manual":
        return  # a copy for its user; the project's own export is untouched
    _set_export(
        view,
        _project(record),
        event.run_path,
        {
            "run_id": event.run_id,
            "state": "current",
            "source_sha256": event.source_sha256,
            "output": event.output,
            "output_sha256": event.output_sha256,
            "manifest": event.manifest,
            "template_sha256": event.template_sha256,
            "records": event.records,
            "rejected": event.rejected,
            "filtered": event.filtered,
            "reason": "",
            "retryable": 0,
            "attempts": 0,
            "warnings": json.dumps(event.warnings),
            "position": record.position,
        },
    )


def _export_failed(view: sqlite3.Connection, record: Recorded, event: ExportFailed) -> None:
    if event.origin == "manual":
        return
    project = _project(record)
    old = view.execute(
        "SELECT attempts FROM view_exports WHERE project = ? AND run_path = ?",
        (project, event.run_path),
    ).fetchone()
    _set_export(
        view,
        project,
        event.run_path,
        {
            "run_id": event.run_id,
            "state": "failed",
            "source_sha256": event.source_sha256,
            "output": None,
            "output_sha256": None,
            "manifest": None,
            "template_sha256": None,
            "records": 0,
            "rejected": 0,
            "filtered": 0,
            "reason": event.reason,
            "retryable": int(event.retryable),
            "attempts": (old[0] if old else 0) + 1,
            "warnings": "[]",
            "position": record.position,
        },
    )


# -- the daemon ------------------------------------------------------------------------------------


def _reaction_failed(view: sqlite3.Connection, record: Recorded, event: ReactionFailed) -> None:
    if record.project is not None:
        view.execute(
            "UPDATE view_projects SET reactions_failed = reactions_failed + 1, last_failure = ?"
            " WHERE path = ?",
            (f"{event.reaction} at {record.causation}: {event.message}", record.project),
        )


def _watch_degraded(view: sqlite3.Connection, record: Recorded, event: WatchDegraded) -> None:
    view.execute(
        "INSERT OR REPLACE INTO view_degraded (code, detail, position) VALUES (?, ?, ?)",
        (event.code, event.detail, record.position),
    )


def _watch_restored(view: sqlite3.Connection, record: Recorded, event: WatchRestored) -> None:
    view.execute("DELETE FROM view_degraded WHERE code = ?", (event.code,))


_HANDLERS: Mapping[type[Event], Callable[[sqlite3.Connection, Recorded, Any], None]] = {
    ProjectDiscovered: _project_known,
    ProjectChanged: _project_known,
    ProjectRemoved: _project_removed,
    FileRejected: _file_rejected,
    FileMoved: _file_moved,
    FileRemoved: _file_removed,
    FilePruned: _file_pruned,
    ProjectPaused: _paused,
    ProjectResumed: _paused,
    RunRecorded: _run_recorded,
    RunReplaced: _run_recorded,
    RunExtended: _run_extended,
    ExamplesRecorded: _examples_recorded,
    RunExported: _run_exported,
    ExportFailed: _export_failed,
    ReactionFailed: _reaction_failed,
    WatchDegraded: _watch_degraded,
    WatchRestored: _watch_restored,
    **JOB_HANDLERS,
}


# -- replay ----------------------------------------------------------------------------------------


def replay(
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    *,
    until: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Fold history from `source` into the empty view of `target`; returns the events read."""
    count = 0
    for count, record in enumerate(EventLog(source).read(until=until), start=1):
        apply(target, record)
        if progress is not None and count % 1000 == 0:
            progress(count)
    return count


def view_as_of(
    source: sqlite3.Connection, until: int, progress: Callable[[int], None] | None = None
) -> sqlite3.Connection:
    """The view as it was after position `until`, in memory."""
    view = memory_view()
    view.execute("BEGIN")
    replay(source, view, until=until, progress=progress)
    view.execute("COMMIT")
    return view


def rebuild(connection: sqlite3.Connection) -> int:
    """Fold the whole history anew, inside the caller's transaction; returns the events read."""
    reset_view(connection)
    count = replay(connection, connection)
    connection.execute(
        "INSERT OR REPLACE INTO projections (name, code_version, position) VALUES (?, ?, ?)",
        (VIEW_NAME, CODE_VERSION, EventLog(connection).head()),
    )
    return count


def is_outdated(connection: sqlite3.Connection) -> bool:
    """Whether the view was folded by other code than this."""
    row = connection.execute(
        "SELECT code_version FROM projections WHERE name = ?", (VIEW_NAME,)
    ).fetchone()
    return row is None or row[0] != CODE_VERSION


def view_hash(connection: sqlite3.Connection) -> str:
    """SHA-256 over every row of every view table, in key order."""
    digest = hashlib.sha256()
    for table in VIEW_TABLES:
        digest.update(table.encode())
        for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3"):
            digest.update(repr(row).encode())
    return digest.hexdigest()
