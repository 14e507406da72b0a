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
    ExportLost,
    FileMoved,
    FilePruned,
    FileRejected,
    FileRemoved,
    LineCounts,
    ProjectChanged,
    ProjectChecked,
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
from store.views.rows import insert, put, update
from store.views.totals import (
    count,
    forget,
    lose_export,
    make_stale,
    project_of,
    put_file,
    remove_export,
    set_episodes,
    set_export,
)


def _project_known(
    view: sqlite3.Connection, record: Recorded, event: ProjectDiscovered | ProjectChanged
) -> None:
    project = project_of(record)
    known = view.execute("SELECT env_sha256 FROM view_projects WHERE path = ?", (project,))
    facts: dict[str, object] = {
        "name": event.name,
        "mission": event.mission,
        "robot": event.robot,
        "phases": json.dumps(event.phases),
        "state": "ready",
        "reason": "",
        "env_sha256": event.file.sha256,
    }
    if (event.file.sha256,) != known.fetchone():
        facts["env_since"] = record.position
    if not update(view, "view_projects", {"path": project}, **facts):
        insert(view, "view_projects", {"path": project, **facts})
    put_file(view, record, event.file, "config")
    if isinstance(event, ProjectChanged):
        update(view, "view_exports", {"project": project, "state": "current"}, state="stale")
        view.execute(
            "UPDATE view_projects SET exports_stale = exports_stale + exports_current,"
            " exports_current = 0 WHERE path = ?",
            (project,),
        )


def _project_checked(view: sqlite3.Connection, record: Recorded, event: ProjectChecked) -> None:
    update(
        view,
        "view_projects",
        {"path": project_of(record)},
        checked_sha256=event.env_sha256,
        check_errors=event.errors,
        check_warnings=event.warnings,
        check_hints=event.hints,
        check_findings=json.dumps([fact.model_dump() for fact in event.findings]),
    )


def _project_removed(view: sqlite3.Connection, record: Recorded, event: ProjectRemoved) -> None:
    removed = {"state": "removed", "reason": "its env.json is gone"}
    update(view, "view_projects", {"path": project_of(record)}, **removed)


def _paused(
    view: sqlite3.Connection, record: Recorded, event: ProjectPaused | ProjectResumed
) -> None:
    paused = int(isinstance(event, ProjectPaused))
    update(view, "view_projects", {"path": project_of(record)}, paused=paused)


def _file_rejected(view: sqlite3.Connection, record: Recorded, event: FileRejected) -> None:
    project = project_of(record)
    if event.kind == "config":
        invalid = {"state": "invalid", "reason": event.reason}
        if not update(view, "view_projects", {"path": project}, **invalid):
            insert(view, "view_projects", {"path": project, "name": event.project_name, **invalid})
    reason, line = event.reason, event.line
    put_file(view, record, event.file, event.kind, accepted=False, reason=reason, line=line)


def _file_moved(view: sqlite3.Connection, record: Recorded, event: FileMoved) -> None:
    project = project_of(record)
    old, new = event.previous_path, event.file.path
    if old != new:
        forget(view, project, new)  # the move may have gone over a known file: it is no more
    key = {"project": project, "path": old}
    update(
        view,
        "view_files",
        key,
        path=new,
        run_id=event.run_id,
        revision=event.file.revision,
        dev=event.file.dev,
        ino=event.file.ino,
        size=event.file.size,
        mtime_ns=event.file.mtime_ns,
        position=record.position,
    )
    update(view, "view_episodes", key, path=new)
    update(view, "view_exports", {"project": project, "run_path": old}, run_path=new)
    make_stale(view, project, new)


def _file_removed(view: sqlite3.Connection, record: Recorded, event: FileRemoved) -> None:
    project = project_of(record)
    if event.kind == "run":
        accepted = {"project": project, "path": event.path, "accepted": 1}
        update(view, "view_files", accepted, present=0)
        forget(view, project, event.path, only_rejected=True)
    else:
        forget(view, project, event.path)


def _file_pruned(view: sqlite3.Connection, record: Recorded, event: FilePruned) -> None:
    project = project_of(record)
    if event.kind == "run":
        update(view, "view_files", {"project": project, "path": event.path}, present=0)
    elif event.kind == "export":
        row = view.execute(
            "SELECT run_path FROM view_exports WHERE project = ? AND output = ?",
            (project, event.path),
        ).fetchone()
        if row is not None:
            remove_export(view, project, row[0])
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
    previous_sha256 = put_file(
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
    # With the bytes that it had, it is a log that was away and has come back.
    same_run = isinstance(event, RunExtended) or previous_sha256 == event.file.sha256
    totals: dict[str, int] = {}
    if first_episode is not None:
        totals = set_episodes(
            view,
            project,
            path,
            first_episode,
            event.episodes,
            record.position,
            known=previous_sha256 is not None,
            same_run=same_run,
        )
    count(view, project, json.dumps(_last_run(record, event, lines)), **totals)
    make_stale(view, project, path)


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
    put_file(view, record, event.file, kind, rows=event.rows, rows_rejected=event.rejected)


def _run_exported(view: sqlite3.Connection, record: Recorded, event: RunExported) -> None:
    if event.origin == "manual":
        return  # a copy for its user; the project's own export is untouched
    set_export(
        view,
        project_of(record),
        event.run_path,
        "current",
        event.records,
        run_id=event.run_id,
        source_sha256=event.source_sha256,
        output=event.output,
        output_sha256=event.output_sha256,
        manifest=event.manifest,
        template_sha256=event.template_sha256,
        rejected=event.rejected,
        filtered=event.filtered,
        warnings=json.dumps(event.warnings),
        position=record.position,
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
        "failed",
        run_id=event.run_id,
        source_sha256=event.source_sha256,
        reason=event.reason,
        retryable=int(event.retryable),
        attempts=(old[0] if old else 0) + 1,
        position=record.position,
    )


def _export_lost(view: sqlite3.Connection, record: Recorded, event: ExportLost) -> None:
    lose_export(view, project_of(record), event.run_path, event.reason)


def _reaction_failed(view: sqlite3.Connection, record: Recorded, event: ReactionFailed) -> None:
    if record.project is not None:
        view.execute(
            "UPDATE view_projects SET reactions_failed = reactions_failed + 1, last_failure = ?"
            " WHERE path = ?",
            (f"{event.reaction} at {record.causation}: {event.message}", record.project),
        )


def _watch_degraded(view: sqlite3.Connection, record: Recorded, event: WatchDegraded) -> None:
    put(
        view,
        "view_degraded",
        {"code": event.code, "detail": event.detail, "position": record.position},
    )


def _watch_restored(view: sqlite3.Connection, record: Recorded, event: WatchRestored) -> None:
    view.execute("DELETE FROM view_degraded WHERE code = ?", (event.code,))


RUN_HANDLERS: Mapping[type[Event], Callable[[sqlite3.Connection, Recorded, Any], None]] = {
    ProjectDiscovered: _project_known,
    ProjectChanged: _project_known,
    ProjectChecked: _project_checked,
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
    ExportLost: _export_lost,
    ReactionFailed: _reaction_failed,
    WatchDegraded: _watch_degraded,
    WatchRestored: _watch_restored,
}
