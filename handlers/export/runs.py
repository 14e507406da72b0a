"""Exports of a project's runs: where each goes, and several of them made at once."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from handlers.export.export import Drafted, draft_run, exported, exported_paths
from handlers.export.files import AsRead, publish_each
from handlers.export.records import Recipe
from handlers.project.paths import CADENZA_DIR, FINETUNE_SUFFIX, RUN_SUFFIX, inside
from handlers.project.project import Project
from handlers.reactions import ReactionPolicy, Tools
from store import identity
from store.errors import CadenzaError, InputError, SpecError, UnsafePathError, one_line
from store.events.base import Event
from store.events.exports import ExportFailed, ExportOptions
from store.reads.state import ExportRow, FileRow, State

CHANGED_SUFFIX = ".changed"


@dataclass(frozen=True, slots=True)
class _Ready:
    """A run whose export is drafted."""

    project: Project
    file: FileRow
    previous: ExportRow | None
    output: str
    manifest: str
    drafted: Drafted


class Batch:
    """Exports that are drafted one after another and put in place together.

    A project's env.json and its settings are read once for all of them: they are of one mission.
    """

    def __init__(self, state: State, tools: Tools) -> None:
        self._state = state
        self._tools = tools
        self._opened: dict[Path, Project] = {}
        self._policies: dict[Path, ReactionPolicy] = {}
        self._taken: set[tuple[str, str]] = set()
        self._alone = False
        self._outcomes: list[_Ready | list[Event]] = []
        self._drafts = contextlib.ExitStack()

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, *_: object) -> None:
        self._drafts.close()  # what was not put in place leaves nothing behind

    def add(self, project: str, run_path: str) -> bool:
        """Draft a run's export. False, and nothing is done, for a run that has to wait.

        Which of two runs of one name has that name for its export is only known once the first is
        recorded; and what a run's export was called before it moved may be another's name by now.
        """
        file = self._state.file(project, run_path)
        if file is None or file.run_id is None or not (file.accepted and file.present):
            self.skip()  # moved, removed or rejected meanwhile: a later event speaks of it
            return True
        try:
            output, manifest = exported_paths(_output_name(self._state, project, file))
        except InputError as error:
            self._outcomes.append([_failed(file, error)])
            return True
        previous = self._state.export(project, file.path)
        renamed = previous is not None and previous.output not in (None, output)
        names = {(project, file.run_id), (project, output)}
        if self._alone or names & self._taken or (renamed and self._taken):
            return False
        self._alone = renamed
        self._taken |= names
        self._outcomes.append(self._draft(Path(project), file, previous, output, manifest))
        return True

    def skip(self) -> None:
        """Nothing is to be exported for an event."""
        self._outcomes.append([])

    def publish(self) -> list[list[Event]]:
        """Put all drafts in place; the events of each run, in the order they were added."""
        ready = [item for item in self._outcomes if isinstance(item, _Ready)]
        errors = iter(publish_each([item.drafted.files for item in ready]))
        return [
            self._published(item, next(errors)) if isinstance(item, _Ready) else item
            for item in self._outcomes
        ]

    def _draft(
        self, project: Path, file: FileRow, previous: ExportRow | None, output: str, manifest: str
    ) -> _Ready | list[Event]:
        try:
            opened = self._open(project)
            drafted = draft_run(
                opened.inside(project / file.path),
                opened.inside(project / output),
                Recipe.of(opened.spec, self._options(project, previous)),
                self._drafts,
                manifest=opened.inside(project / manifest),
                progress=lambda _bytes: self._tools.checkpoint(),
                as_read=_as_read(self._state, file),
            )
        except FileNotFoundError:
            return []
        except CadenzaError as error:
            return [_failed(file, error)]
        except OSError as error:
            return [_refused(file, error)]
        return _Ready(opened, file, previous, output, manifest, drafted)

    def _options(self, project: Path, previous: ExportRow | None) -> ExportOptions:
        """A log that was exported before is this project's, whatever became of env.json."""
        known = previous is not None and previous.output is not None
        if project not in self._policies:
            self._policies[project] = self._tools.policy(str(project))
        return ExportOptions(foreign=known, keys=self._policies[project].keys)

    def _open(self, project: Path) -> Project:
        if project not in self._opened:
            self._opened[project] = Project.open(project)
        return self._opened[project]

    def _published(self, ready: _Ready, error: CadenzaError | OSError | None) -> list[Event]:
        if isinstance(error, CadenzaError):
            return [_failed(ready.file, error)]
        if error is not None:
            return [_refused(ready.file, error)]
        previous, file = ready.previous, ready.file
        if previous is not None and previous.output not in (None, ready.output):
            _remove_if_ours(Path(file.project), previous, self._state)
        assert file.run_id is not None
        event = exported(
            ready.drafted.report,
            run_id=file.run_id,
            run_path=file.path,
            output=ready.output,
            manifest=ready.manifest,
            origin="reactive",
            env_sha256=ready.project.env_sha256 or "",
        )
        return [event]


def export_together(
    wanted: Sequence[tuple[str, str] | None], state: State, tools: Tools
) -> list[list[Event]]:
    """For each (project, run's path), as far as they can be made together, what came of it."""
    with Batch(state, tools) as batch:
        for item in wanted:
            if item is None:
                batch.skip()
            elif not batch.add(*item):
                break
        return batch.publish()


def set_aside(project: Path, row: ExportRow) -> None:
    """Keep an export that somebody changed, under a name that nothing reads."""
    if row.output is None:
        return
    with contextlib.suppress(OSError, UnsafePathError):
        changed = inside(project, project / row.output)
        # With the recorded bytes it is what this reaction wrote before it was cut short.
        if not _is_as_written(changed, row):
            changed.replace(changed.with_name(changed.name + CHANGED_SUFFIX))


def _as_read(state: State, file: FileRow) -> AsRead | None:
    """How a log was when it was taken in, where that was all of it and by today's hash."""
    seen = state.seen(f"{file.project}/{file.path}")
    whole = seen is not None and seen[2] == file.size and identity.is_todays(file.sha256)
    return AsRead(seen, file.sha256) if seen is not None and whole else None


def _is_as_written(path: Path, row: ExportRow) -> bool:
    known = row.output_sha256 or ""
    return identity.of_file(path, like=known) == known


def _failed(file: FileRow, error: CadenzaError) -> ExportFailed:
    permanent = isinstance(error, InputError | SpecError | UnsafePathError)
    return _failure(file, error.message, retryable=not permanent)


def _refused(file: FileRow, error: OSError) -> ExportFailed:
    reason = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return _failure(file, one_line(reason), retryable=True)


def _failure(file: FileRow, reason: str, *, retryable: bool) -> ExportFailed:
    assert file.run_id is not None
    return ExportFailed(
        run_id=file.run_id,
        run_path=file.path,
        source_sha256=file.sha256,
        reason=reason,
        retryable=retryable,
    )


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
        if _is_as_written(old, row):
            old.unlink()
            if row.manifest is not None:
                inside(project, project / row.manifest).unlink()
