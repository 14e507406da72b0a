"""How events about projects, files, runs and exports change the view."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from store.database.backend import ABSENT
from store.events.base import Event
from store.events.envelope import Recorded
from store.events.exports import DatasetUpdated, ExportFailed, ExportLost, RunExported
from store.events.files import (
    ExamplesRecorded,
    FileMoved,
    FilePruned,
    FileRejected,
    FileRemoved,
    ProjectChanged,
    ProjectChecked,
    ProjectDiscovered,
    ProjectPaused,
    ProjectRemoved,
    ProjectResumed,
    RunExtended,
    RunRead,
    RunRecorded,
    RunReplaced,
)
from store.events.process import ReactionFailed, WatchDegraded, WatchRestored
from store.views.adapters import adapter_pruned
from store.views.rows import insert, update
from store.views.totals import (
    Content,
    Export,
    forget,
    lose_export,
    make_stale,
    project_of,
    put_file,
    remove_export,
    set_episodes,
    set_export,
)
from store.views.view import Key, View


def look_ahead(view: View, records: Sequence[Recorded]) -> None:
    """Look up at once what the folding of these events asks for one by one: a run's rows."""
    runs: list[Key] = []
    exports: list[Key] = []
    for record in records:
        event = record.event
        if isinstance(event, RunExported | ExportFailed):
            exports.append((record.project, event.run_path))
        elif isinstance(event, RunRead):
            runs.append((record.project, event.file.path))
    view.files.look_up(runs)
    view.exports.look_up([*runs, *exports])


def _project_known(view: View, record: Recorded, event: ProjectDiscovered | ProjectChanged) -> None:
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
    put_file(view, project, record.position, event.file, Content("config"))
    if isinstance(event, ProjectChanged):
        update(view, "view_exports", {"project": project, "state": "current"}, state="stale")
        view.execute(
            "UPDATE view_projects SET exports_stale = exports_stale + exports_current,"
            " exports_current = 0 WHERE path = ?",
            (project,),
        )


def _project_checked(view: View, record: Recorded, event: ProjectChecked) -> None:
    update(
        view,
        "view_projects",
        {"path": project_of(record)},
        checked_sha256=event.env_sha256,
        check_errors=event.errors,
        check_warnings=event.warnings,
        check_hints=event.hints,
        check_findings=json.dumps([fact.as_shape() for fact in event.findings]),
    )


def _project_removed(view: View, record: Recorded, event: ProjectRemoved) -> None:
    removed = {"state": "removed", "reason": "its env.json is gone"}
    update(view, "view_projects", {"path": project_of(record)}, **removed)


def _paused(view: View, record: Recorded, event: ProjectPaused | ProjectResumed) -> None:
    paused = int(isinstance(event, ProjectPaused))
    update(view, "view_projects", {"path": project_of(record)}, paused=paused)


def _file_rejected(view: View, record: Recorded, event: FileRejected) -> None:
    project = project_of(record)
    if event.kind == "config":
        invalid = {"state": "invalid", "reason": event.reason}
        if not update(view, "view_projects", {"path": project}, **invalid):
            insert(view, "view_projects", {"path": project, "name": event.project_name, **invalid})
    content = Content(event.kind, accepted=False, reason=event.reason, line=event.line)
    put_file(view, project, record.position, event.file, content)


def _file_moved(view: View, record: Recorded, event: FileMoved) -> None:
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
    view.files.note(project, new)
    view.exports.note(project, new)
    make_stale(view, project, new)


def _file_removed(view: View, record: Recorded, event: FileRemoved) -> None:
    project = project_of(record)
    if event.kind == "run":
        accepted = {"project": project, "path": event.path, "accepted": 1}
        update(view, "view_files", accepted, present=0)
        forget(view, project, event.path, only_rejected=True)
    else:
        forget(view, project, event.path)


def _file_pruned(view: View, record: Recorded, event: FilePruned) -> None:
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


def _run_recorded(view: View, record: Recorded, event: RunRecorded | RunReplaced) -> None:
    _run(view, record, event, first_episode=0, twin_of=event.twin_of)


def _run_extended(view: View, record: Recorded, event: RunExtended) -> None:
    first = event.episodes[0].index if event.episodes else None
    _run(view, record, event, first_episode=first, twin_of=None)


def _run(
    view: View,
    record: Recorded,
    event: RunRead,
    *,
    first_episode: int | None,
    twin_of: str | None,
) -> None:
    project, path, lines = project_of(record), event.file.path, event.lines
    content = Content(
        "run",
        run_id=event.run_id,
        rows=lines.valid,
        rows_rejected=lines.rejected,
        twin_of=twin_of,
        format=event.format,
    )
    previous_sha256 = put_file(view, project, record.position, event.file, content)
    # With the bytes that it had, it is a log that was away and has come back.
    same_run = isinstance(event, RunExtended) or previous_sha256 == event.file.sha256
    if first_episode is not None:
        set_episodes(
            view,
            project,
            path,
            first_episode,
            event.episodes,
            record.position,
            known=previous_sha256 is not None,
            same_run=same_run,
        )
    view.set_last_run(project, record)
    make_stale(view, project, path)


def _examples_recorded(view: View, record: Recorded, event: ExamplesRecorded) -> None:
    kind = "exam" if event.split == "exam" else "examples"
    content = Content(kind, rows=event.rows, rows_rejected=event.rejected)
    put_file(view, project_of(record), record.position, event.file, content)


def _run_exported(view: View, record: Recorded, event: RunExported) -> None:
    if event.origin == "manual":
        return  # a copy for its user; the project's own export is untouched
    export = Export(
        "current",
        event.records,
        event.run_id,
        event.output,
        event.output_sha256,
        ABSENT if event.manifest is None else event.manifest,
        event.rejected,
        event.filtered,
        warnings=json.dumps(event.warnings) if event.warnings else "[]",
        position=record.position,
    )
    set_export(view, project_of(record), event.run_path, export)


def _export_failed(view: View, record: Recorded, event: ExportFailed) -> None:
    if event.origin == "manual":
        return
    project = project_of(record)
    export = Export(
        "failed",
        0,
        event.run_id,
        reason=event.reason,
        retryable=int(event.retryable),
        position=record.position,
    )
    set_export(view, project, event.run_path, export)


def _export_lost(view: View, record: Recorded, event: ExportLost) -> None:
    lose_export(view, project_of(record), event.run_path, event.reason)


def _dataset_updated(view: View, record: Recorded, event: DatasetUpdated) -> None:
    view.put(
        "view_datasets",
        {
            "project": project_of(record),
            "manifest": event.manifest,
            "manifest_hash": event.manifest_hash,
            "content": event.content,
            "runs": event.runs,
            "rows": json.dumps(event.rows),
            "labels": json.dumps(event.labels),
            "failed": json.dumps([problem.as_shape() for problem in event.failed]),
            "position": record.position,
        },
    )


def _reaction_failed(view: View, record: Recorded, event: ReactionFailed) -> None:
    if record.project is not None:
        view.execute(
            "UPDATE view_projects SET reactions_failed = reactions_failed + 1, last_failure = ?"
            " WHERE path = ?",
            (f"{event.reaction} at {record.causation}: {event.message}", record.project),
        )


def _watch_degraded(view: View, record: Recorded, event: WatchDegraded) -> None:
    view.put(
        "view_degraded",
        {"code": event.code, "detail": event.detail, "position": record.position},
    )


def _watch_restored(view: View, record: Recorded, event: WatchRestored) -> None:
    view.execute("DELETE FROM view_degraded WHERE code = ?", (event.code,))


RUN_HANDLERS: Mapping[type[Event], Callable[[View, Recorded, Any], None]] = {
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
    DatasetUpdated: _dataset_updated,
    ReactionFailed: _reaction_failed,
    WatchDegraded: _watch_degraded,
    WatchRestored: _watch_restored,
}
