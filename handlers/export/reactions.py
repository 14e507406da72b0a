"""When the daemon exports: a run arrives or changes, env.json changes, somebody asks."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

from handlers.export.export import export_run, exported, exported_paths
from handlers.export.records import Recipe
from handlers.project.paths import CADENZA_DIR, FINETUNE_SUFFIX, RUN_SUFFIX, inside
from handlers.project.project import Project
from handlers.reactions import Tools
from store.errors import CadenzaError, InputError, SpecError, UnsafePathError, one_line
from store.events.base import Event
from store.events.envelope import Recorded
from store.events.files import (
    ExportFailed,
    ExportLost,
    ExportOptions,
    ExportRequested,
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
CHANGED_SUFFIX = ".changed"


def export_on_run(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """A run that arrived, grew, changed or moved is exported to the project's exports folder."""
    fact = event.event
    assert isinstance(fact, RunRecorded | RunExtended | RunReplaced | FileMoved)
    if _is_paused(event, state):
        return []
    if not isinstance(fact, FileMoved):
        return [] if fact.format == "orchestrator" else _export(event, fact.file.path, state, tools)
    file = state.file(event.project, fact.file.path) if event.project is not None else None
    if file is None or file.format != "mission":
        return []  # examples, an orchestrator's log, or moved on since
    return _export(event, fact.file.path, state, tools)


def export_on_request(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """A requested export; one with its own output is made by whoever asked, and only noted here."""
    fact = event.event
    assert isinstance(fact, ExportRequested)
    return _export(event, fact.run_path, state, tools) if fact.output is None else []


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
        _set_aside(Path(event.project), lost)
    return _export(event, fact.run_path, state, tools)


def request_on_project(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """A new or changed env.json, or an end of a pause: every run that lacks its export is asked."""
    assert event.project is not None
    if _is_paused(event, state):
        return
    reason = _REASONS[type(event.event)]
    # Without a pause, a run that has no export yet has just come: its own event exports it.
    resumed = isinstance(event.event, ProjectResumed)
    pruned = _pruned(event.stream, state) if resumed else {}
    for run in state.runs(event.project):
        export = state.export(event.project, run.path)
        passed_over = resumed and run.position > pruned.get(_output(run), 0)
        lacking = passed_over if export is None else export.state != "current"
        if run.format == "mission" and lacking:
            yield ExportRequested(run_path=run.path, reason=reason)


_REASONS: Mapping[type[Event], str] = {
    ProjectDiscovered: "env.json is valid now",
    ProjectChanged: "env.json changed",
    ProjectResumed: "the project was resumed",
}


def _pruned(stream: str, state: State) -> dict[str, int]:
    """Exports that were pruned, and where the log says so: they are not missed."""
    query = "SELECT position, data FROM events WHERE stream = ? AND type = ?"
    rows = state.connection.execute(query, (stream, FilePruned.type_name()))
    facts = ((position, FilePruned.model_validate_json(data)) for position, data in rows)
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


def _export(event: Recorded, run_path: str, state: State, tools: Tools) -> list[Event]:
    assert event.project is not None
    project = Path(event.project)
    file = state.file(event.project, run_path)
    if file is None or file.run_id is None or not (file.accepted and file.present):
        return []  # moved, removed or rejected meanwhile: a later event speaks of it
    previous = state.export(event.project, run_path)
    try:
        output, manifest = exported_paths(_output_name(state, event.project, file))
        opened = Project.open(project)
        report = export_run(
            opened.inside(project / run_path),
            opened.inside(project / output),
            Recipe.of(opened.spec, ExportOptions()),
            manifest=opened.inside(project / manifest),
            progress=lambda _bytes: tools.checkpoint(),
        )
    except FileNotFoundError:
        return []
    except CadenzaError as error:
        permanent = isinstance(error, InputError | SpecError | UnsafePathError)
        return [_failed(file, error.message, retryable=not permanent)]
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return [_failed(file, one_line(reason), retryable=True)]
    if previous is not None and previous.output not in (None, output):
        _remove_if_ours(project, previous, state)
    return [
        exported(
            report,
            run_id=file.run_id,
            run_path=run_path,
            output=output,
            manifest=manifest,
            origin="reactive",
        )
    ]


def _failed(file: FileRow, reason: str, *, retryable: bool) -> ExportFailed:
    assert file.run_id is not None
    return ExportFailed(
        run_id=file.run_id,
        run_path=file.path,
        source_sha256=file.sha256,
        reason=reason,
        retryable=retryable,
    )


def _set_aside(project: Path, row: ExportRow) -> None:
    """Keep an export that somebody changed, under a name that nothing reads."""
    if row.output is None:
        return
    with contextlib.suppress(OSError, UnsafePathError):
        changed = inside(project, project / row.output)
        # With the recorded bytes it is what this reaction wrote before it was cut short.
        if hashlib.sha256(changed.read_bytes()).hexdigest() != row.output_sha256:
            changed.replace(changed.with_name(changed.name + CHANGED_SUFFIX))


def _output_name(state: State, project: str, file: FileRow) -> str:
    """What a run's export is called by: its id, or its file's whole name if that is another's.

    `b.log.jsonl` and `b.jsonl` are both run b. Whoever has the name keeps it; who has none yet
    leaves it to a `*.log.jsonl`, then to the first in the order of paths. Raises InputError where
    both names are others'.
    """
    assert file.run_id is not None

    def rank(path: str) -> tuple[bool, str]:
        return not path.endswith(RUN_SUFFIX), path

    runs = state.runs_of(project, f"{CADENZA_DIR}/{file.run_id}")
    rivals = [run.path for run in runs if run.run_id == file.run_id and run.format == "mission"]
    owners = _owners(state, project, file.run_id) or rivals
    if file.path == min(owners, key=rank, default=file.path):
        return file.run_id
    name = PurePosixPath(file.path).name
    if any(path != file.path for path in _owners(state, project, name)):
        raise InputError(
            f"{file.path}: the exports {file.run_id} and {name} are other runs': rename the log"
        )
    return name


def _owners(state: State, project: str, name: str) -> list[str]:
    """The runs whose export is called by a name; more than one only in logs of earlier versions."""
    output, _ = exported_paths(name)
    rows = state.exports_of(project, f"{CADENZA_DIR}/{name}")
    return [row.run_path for row in rows if row.output == output]


def _remove_if_ours(project: Path, row: ExportRow, state: State) -> None:
    """Remove an export under a run's former name, unless it is another's or was changed since."""
    assert row.output is not None
    name = PurePosixPath(row.output).name.removesuffix(FINETUNE_SUFFIX)
    if any(path != row.run_path for path in _owners(state, str(project), name)):
        return
    with contextlib.suppress(OSError, UnsafePathError):
        old = inside(project, project / row.output)
        if hashlib.sha256(old.read_bytes()).hexdigest() == row.output_sha256:
            old.unlink()
            if row.manifest is not None:
                inside(project, project / row.manifest).unlink()
