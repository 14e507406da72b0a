"""When the daemon exports: a run arrives or changes, env.json changes, somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from handlers.export.export import exported_paths
from handlers.export.runs import export_together, set_aside
from handlers.reactions import Tools
from store.events.base import Event
from store.events.envelope import Recorded
from store.events.exports import ExportLost, ExportRequested, RunExported
from store.events.files import (
    FileMoved,
    FilePruned,
    ProjectChanged,
    ProjectDiscovered,
    ProjectResumed,
    RunExtended,
    RunRecorded,
    RunReplaced,
)
from store.reads.state import ExportRow, FileRow, State

MAX_ATTEMPTS = 8


def export_on_run(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """A run that arrived, grew, changed or moved is exported to the project's exports folder."""
    return export_on_runs([event], state, tools)[0]


def export_on_runs(
    events: Sequence[Recorded], state: State, tools: Tools
) -> Sequence[Sequence[Event]]:
    """The same for several at once."""
    return export_together([_run_of(event, state, tools) for event in events], state, tools)


def _run_of(event: Recorded, state: State, tools: Tools) -> tuple[str, str] | None:
    """The (project, path) of the run to export for an event; None for no run."""
    fact, project = event.event, event.project
    assert isinstance(fact, RunRecorded | RunExtended | RunReplaced | FileMoved)
    assert project is not None
    if _is_paused(event, state) or not tools.policy(project).export:
        return None
    if isinstance(fact, FileMoved):
        file = state.file(project, fact.file.path)
        if file is None or file.format != "mission":
            return None  # examples, an orchestrator's log, or moved on since
    elif fact.format == "orchestrator":
        return None
    return project, fact.file.path


def export_on_request(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """A requested export; one with its own output is made by whoever asked, and only noted here."""
    return export_on_requests([event], state, tools)[0]


def export_on_requests(
    events: Sequence[Recorded], state: State, tools: Tools
) -> Sequence[Sequence[Event]]:
    """The same for several at once."""
    wanted: list[tuple[str, str] | None] = []
    for event in events:
        fact = event.event
        assert isinstance(fact, ExportRequested)
        assert event.project is not None
        wanted.append((event.project, fact.run_path) if fact.output is None else None)
    return export_together(wanted, state, tools)


def export_on_loss(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """An export that is gone or was changed is made again; what somebody made of it is kept."""
    fact = event.event
    assert isinstance(fact, ExportLost)
    if _is_paused(event, state):
        return []  # resuming the project asks for it
    assert event.project is not None
    lost = state.export(event.project, fact.run_path)
    file = state.file(event.project, fact.run_path)
    if fact.reason == "changed" and lost is not None and file is not None and file.present:
        set_aside(Path(event.project), lost)
    return export_together([(event.project, fact.run_path)], state, tools)[0]


def request_on_project(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """A new or changed env.json, or an end of a pause: every run that lacks its export is asked."""
    assert event.project is not None
    if _is_paused(event, state) or not tools.policy(event.project).export:
        return
    reason = _REASONS[type(event.event)]
    # Without a pause, a run that has no export yet has just come: its own event exports it.
    resumed = isinstance(event.event, ProjectResumed)
    pruned = _pruned(event.stream, state) if resumed else {}
    for run in state.runs(event.project):
        export = state.export(event.project, run.path)
        passed_over = resumed and run.position > pruned.get(_output(run), 0)
        lacking = passed_over if export is None else _is_of_before(export, event, state)
        if run.format == "mission" and lacking:
            yield ExportRequested(run_path=run.path, reason=reason)


def _is_of_before(export: ExportRow, event: Recorded, state: State) -> bool:
    """Whether an export is not of the env.json that there is now.

    One that was under way when env.json changed is recorded after that, and is as it was before.
    """
    if export.state != "current" or export.position < event.position:
        return export.state != "current"
    (data,) = state.connection.execute(
        "SELECT data FROM events WHERE position = ?", (export.position,)
    ).fetchone()
    project = state.project(export.project)
    made = RunExported.of_json(data).env_sha256
    return project is not None and made not in ("", project.env_sha256)


_REASONS: Mapping[type[Event], str] = {
    ProjectDiscovered: "env.json is valid now",
    ProjectChanged: "env.json changed",
    ProjectResumed: "the project was resumed",
}


def _pruned(stream: str, state: State) -> dict[str, int]:
    """Exports that were pruned, and where the log says so: they are not missed."""
    query = "SELECT position, data FROM events WHERE stream = ? AND type = ?"
    rows = state.connection.execute(query, (stream, FilePruned.type_name()))
    facts = ((position, FilePruned.of_json(data)) for position, data in rows)
    return {fact.path: position for position, fact in facts if fact.kind == "export"}


def _output(run: FileRow) -> str:
    return "" if run.run_id is None else exported_paths(run.run_id)[0]


def _is_paused(event: Recorded, state: State) -> bool:
    """Nothing is done for a paused project; resuming it asks for what was left out."""
    assert event.project is not None
    project = state.project(event.project)
    return project is not None and project.paused


Waited = Callable[[object, float, float], float]
"""(key, until in Unix seconds, seconds asked for) -> seconds left: see cadenzad.waits."""


def retries(state: State, project: str, left: Waited) -> list[Event]:
    """Requests for failed exports that may work now: after 1, 2, 4 ... minutes, then given up.

    And for those that share a file, as two runs of one name did in earlier versions.
    """
    return [
        *(
            ExportRequested(run_path=path, reason="its export is in another run's file")
            for path in state.shared_exports(project)
        ),
        *_retries(state, project, left),
    ]


def _retries(state: State, project: str, left: Waited) -> Iterable[ExportRequested]:
    for row in state.exports(project, "failed"):
        if not row.retryable or row.attempts >= MAX_ATTEMPTS:
            continue
        wait_s = 60.0 * 2 ** (row.attempts - 1)
        until = state.recorded_at(row.position) + wait_s
        if not left((project, row.run_path), until, wait_s):
            yield ExportRequested(run_path=row.run_path, reason=f"retry {row.attempts}")
