"""How events about projects, files, runs and exports change the view."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from store.events.base import Event
from store.events.envelope import Recorded
from store.events.files import (
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
    RunExported,
    RunExtended,
    RunRead,
    RunRecorded,
    RunReplaced,
)
from store.events.process import ReactionFailed, WatchDegraded, WatchRestored
from store.views.adapters import adapter_pruned
from store.views.totals import (
    count,
    forget,
    make_stale,
    project_of,
    put_file,
    set_episodes,
    set_export,
)


def _project_known(
    view: sqlite3.Connection, record: Recorded, event: ProjectDiscovered | ProjectChanged
) -> None:
    path = project_of(record)
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
        (project_of(record),),
    )


def _paused(
    view: sqlite3.Connection, record: Recorded, event: ProjectPaused | ProjectResumed
) -> None:
    paused = int(isinstance(event, ProjectPaused))
    view.execute("UPDATE view_projects SET paused = ? WHERE path = ?", (paused, project_of(record)))


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
    return put_file(
        view, record, file, kind, run_id, 1, "", None, rows, rows_rejected, twin_of, format
    )


def _file_rejected(view: sqlite3.Connection, record: Recorded, event: FileRejected) -> None:
    project = project_of(record)
    if event.kind == "config":
        view.execute(
            "INSERT INTO view_projects (path, name, state, reason) VALUES (?, ?, 'invalid', ?)"
            " ON CONFLICT (path) DO UPDATE SET state = 'invalid', reason = excluded.reason",
            (project, event.project_name, event.reason),
        )
    put_file(view, record, event.file, event.kind, None, 0, event.reason, event.line, 0, 0, None)


def _file_moved(view: sqlite3.Connection, record: Recorded, event: FileMoved) -> None:
    project = project_of(record)
    old, new = event.previous_path, event.file.path
    if old != new:
        forget(view, project, new)  # the move may have gone over a known file: it is no more
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
    make_stale(view, project, new)


def _file_removed(view: sqlite3.Connection, record: Recorded, event: FileRemoved) -> None:
    project = project_of(record)
    if event.kind == "run":
        view.execute(
            "UPDATE view_files SET present = 0 WHERE project = ? AND path = ? AND accepted",
            (project, event.path),
        )
        forget(view, project, event.path, only_rejected=True)
    else:
        forget(view, project, event.path)


def _file_pruned(view: sqlite3.Connection, record: Recorded, event: FilePruned) -> None:
    project = project_of(record)
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
            set_export(view, project, row[0], None)
    elif event.kind == "adapter":
        adapter_pruned(view, project, event.path)


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
    project, path, lines = project_of(record), event.file.path, event.lines
    same_run = isinstance(event, RunExtended) or _holds(view, project, event.file)
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
        totals = set_episodes(
            view,
            project,
            path,
            first_episode,
            event.episodes,
            record.position,
            known=known,
            same_run=same_run,
        )
    count(view, project, json.dumps(_last_run(record, event, lines)), **totals)
    make_stale(view, project, path)


def _holds(view: sqlite3.Connection, project: str, file: FileFact) -> bool:
    """Whether these bytes are known under this path: a log that was away and has come back."""
    query = "SELECT 1 FROM view_files WHERE project = ? AND path = ? AND sha256 = ?"
    return view.execute(query, (project, file.path, file.sha256)).fetchone() is not None


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


def _examples_recorded(view: sqlite3.Connection, record: Recorded, event: ExamplesRecorded) -> None:
    kind = "exam" if event.split == "exam" else "examples"
    _accept_file(view, record, event.file, kind, rows=event.rows, rows_rejected=event.rejected)


def _run_exported(view: sqlite3.Connection, record: Recorded, event: RunExported) -> None:
    if event.origin == "manual":
        return  # a copy for its user; the project's own export is untouched
    set_export(
        view,
        project_of(record),
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
    project = project_of(record)
    old = view.execute(
        "SELECT attempts FROM view_exports WHERE project = ? AND run_path = ?",
        (project, event.run_path),
    ).fetchone()
    set_export(
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


RUN_HANDLERS: Mapping[type[Event], Callable[[sqlite3.Connection, Recorded, Any], None]] = {
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
}
