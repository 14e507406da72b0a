"""The dataset as a job: brought in line with the runs that there are, and recorded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from handlers import recovery
from handlers.dataset.folder.manifest import (
    CONFIGS,
    Duplicate,
    Manifest,
    Shard,
    Split,
    encode_manifest,
    without_twins,
)
from handlers.dataset.folder.place import (
    DATASET_DIR,
    DamagedDataset,
    Place,
    manifest_file,
)
from handlers.dataset.folder.recovery import DATASETS
from handlers.dataset.folder.settings import ExportSettings
from handlers.jobs import JobContext, JobResult, PermanentFailure, with_history
from handlers.project.project import Project
from store import identity
from store.errors import CadenzaError, ProjectNotFound, SpecError, UnsafePathError, one_line
from store.events.envelope import project_stream
from store.events.exports import DatasetProblem, DatasetUpdated
from store.events.files import FilePruned
from store.reads.state import FileRow, State
from store.schema import Connection

if TYPE_CHECKING:
    from handlers.dataset.folder.shards import Recipe, Source

COPY = "it has the same steps as {}"
GONE, REPLACED, REMADE = "the log is gone", "the log has other bytes", "it is made differently now"
CHANGED = "changed since it was recorded; its next event brings it in"
DAMAGED = "its files were not there as they were written"
DAEMON = "cadenzad"
INSTALL = "pip install 'cadenzad[dataset]'"


@with_history
def update(context: JobContext, history: Connection) -> JobResult:
    """Bring a project's dataset in line with its runs. A run that cannot be read is named."""
    assert context.project is not None
    try:
        from handlers.dataset.folder.shards import Recipe

        project = Project.open(context.project)
        place = Place(project.path)
    except ImportError as error:
        reason = f"a dataset needs {error.name}, which is not installed"
        raise PermanentFailure(reason, hint=INSTALL) from None
    except (ProjectNotFound, SpecError, UnsafePathError) as error:
        raise PermanentFailure(error.message, hint=error.hint) from None
    return _Update(context, history, project, place, Recipe(project)).run()


@dataclass
class _Outcome:
    """What came of a run: its shard, whose copy it is, or why it is neither."""

    path: str
    shard: Shard | None = None
    duplicate: Duplicate | None = None
    failed: str = ""
    is_new: bool = False


class _Update:
    """One bringing up of one dataset."""

    def __init__(
        self,
        context: JobContext,
        history: Connection,
        project: Project,
        place: Place,
        recipe: Recipe,
    ) -> None:
        self._context, self._project, self._place = context, project, place
        self._recipe = recipe
        self._history = history
        self._state = State(self._history)
        settings = context.settings.of(ExportSettings)
        self._split = Split(salt=settings.salt, test=settings.test)
        self._twins_count = settings.twins
        self._notes: list[str] = []
        self._is_in_force = False
        self._before = self._in_force()

    def run(self) -> JobResult:
        if recovery.has_led_to((DatasetUpdated,), self._context.job, self._history):
            return JobResult((), recovery.FINISHED_BEFORE)
        self._place.prepare()
        outcomes = list(self._outcomes())
        shards = [outcome.shard for outcome in outcomes if outcome.shard is not None]
        shards += self._kept(outcomes)
        manifest = self._manifest(shards, [one.duplicate for one in outcomes if one.duplicate])
        if (
            manifest == self._before
            and self._is_in_force
            and not any(outcome.failed for outcome in outcomes)
        ):
            return JobResult((), _summary(manifest, "unchanged", self._notes))
        event = self._event(manifest, outcomes)
        recovery.note(DATASETS, self._project.path, self._history, self._context.job, [event])
        self._place.put_in_force(manifest)
        self._place.tidy()
        self._notes += [f"{problem.run_path}: {problem.reason}" for problem in event.failed]
        return JobResult((event,), _summary(manifest, f"{len(event.added)} added", self._notes))

    def _manifest(self, shards: list[Shard], known: list[Duplicate]) -> Manifest:
        """What there is now, each run once. `known`: copies of runs among `shards`."""
        shards.sort(key=lambda shard: (shard.run_id, shard.run_path))
        if self._twins_count:
            return self._recipe.manifest(tuple(shards), self._split)
        kept, found = without_twins(shards)
        duplicates = sorted((*found, *known), key=lambda twin: (twin.run_id, twin.run_path))
        return self._recipe.manifest(kept, self._split, tuple(duplicates))

    def _in_force(self) -> Manifest | None:
        try:
            if (manifest := self._place.current()) is not None:
                self._is_in_force = True
                return manifest
        except DamagedDataset as error:
            self._notes.append(f"made anew, because {error.message}")
        return self._place.only_manifest()

    # -- runs --------------------------------------------------------------------------------------

    def _outcomes(self) -> Iterator[_Outcome]:
        runs = [row for row in self._state.runs(str(self._project.path)) if row.format == "mission"]
        known = {shard.name: shard for shard in self._before.shards} if self._before else {}
        copies = self._copies(runs)
        for at, row in enumerate(runs):
            self._context.report({"step": row.run_id, "done": at, "total": len(runs)})
            if (duplicate := copies.get(row.path)) is not None:
                yield _Outcome(row.path, duplicate=duplicate)
                continue
            try:
                yield self._outcome(row, known)
            except OSError as error:
                where = f"{error.filename}: " if error.filename else ""
                yield _Outcome(row.path, failed=one_line(f"{where}{error.strerror or error}"))
            except CadenzaError as error:
                # The run is named beside it, once.
                reason = error.message.removeprefix(f"{self._project.path / row.path}: ")
                yield _Outcome(row.path, failed=one_line(reason))

    def _copies(self, runs: list[FileRow]) -> dict[str, Duplicate]:
        """Runs that are still what they were: copies of runs that are still what they were."""
        before = self._before
        if before is None or before.recipe != self._recipe.hash or self._twins_count:
            return {}
        now = {row.path: row.sha256 for row in runs}
        still = {s.run_path for s in before.shards if now.get(s.run_path) == s.source_hash}
        return {
            twin.run_path: twin
            for twin in before.duplicates
            if twin.twin_of in still and now.get(twin.run_path) == twin.source_hash
        }

    def _outcome(self, row: FileRow, known: dict[str, Shard]) -> _Outcome:
        from handlers.dataset.folder.shards import Source, write_shards

        log = self._project.inside(row.path)
        assert row.run_id is not None
        source = Source(row.run_id, row.path, log, row.size, row.sha256)
        shard = known.get(self._recipe.name_of(source))
        if shard is not None and shard.run_path == row.path:
            if self._is_there(shard):
                return _Outcome(row.path, shard)
            self._notes.append(f"{row.path}: made anew: {DAMAGED}")
        before = _stat(log)
        shard = write_shards(self._place, source, self._recipe)
        if not (before == _stat(log) == (row.dev, row.ino, row.size, row.mtime_ns)) and not (
            _still(source)
        ):
            return _Outcome(row.path, failed=CHANGED)
        return _Outcome(row.path, shard, is_new=True)

    def _is_there(self, shard: Shard) -> bool:
        """Whether a shard's files lie where they were written, and by hand with the same bytes.

        The daemon, which looks at each batch of runs, leaves their bytes to `verify`.
        """
        by_hand = self._context.spec.get("by", DAEMON) != DAEMON
        try:
            return all(
                path.stat().st_size == file.size
                and (not by_hand or identity.of_file(path, like=file.hash) == file.hash)
                for config, file in shard.files.items()
                for path in [self._place.shard(config, shard.name)]
            )
        except OSError:
            return False

    def _kept(self, outcomes: list[_Outcome]) -> list[Shard]:
        """Shards as they are of logs that housekeeping deleted, or that cannot be read just now."""
        before = self._before
        if before is None or before.schema_version != self._recipe.schema_version:
            return []
        wanted = self._pruned() - {outcome.path for outcome in outcomes}
        if before.recipe == self._recipe.hash:
            wanted |= {outcome.path for outcome in outcomes if outcome.failed}
        return [s for s in before.shards if s.run_path in wanted and self._is_there(s)]

    def _pruned(self) -> set[str]:
        """Logs that housekeeping deleted: what was made of them outlives them."""
        query = "SELECT data FROM events WHERE stream = ? AND type = ?"
        stream = project_stream(str(self._project.path))
        rows = self._history.execute(query, (stream, FilePruned.type_name()))
        facts = [FilePruned.of_json(data) for (data,) in rows]
        return {fact.path for fact in facts if fact.kind == "run"}

    # -- what is recorded --------------------------------------------------------------------------

    def _event(self, manifest: Manifest, outcomes: list[_Outcome]) -> DatasetUpdated:
        data = encode_manifest(manifest)
        inside = {shard.run_path for shard in manifest.shards}
        return DatasetUpdated(
            manifest=f"{DATASET_DIR}/{manifest_file(data)}",
            manifest_hash=identity.of(data),
            content=manifest.content,
            runs=len(manifest.shards),
            rows={config: manifest.rows(config) for config in CONFIGS},
            labels=manifest.labels(),
            added=tuple(one.path for one in outcomes if one.is_new and one.path in inside),
            left=tuple(self._left(manifest, {outcome.path for outcome in outcomes})),
            failed=tuple(
                DatasetProblem(run_path=outcome.path, reason=outcome.failed)
                for outcome in outcomes
                if outcome.failed
            ),
            by=str(self._context.spec.get("by", DAEMON)),
        )

    def _left(self, manifest: Manifest, there: set[str]) -> Iterator[DatasetProblem]:
        """The shards that are in force no longer, and why."""
        names = {shard.name for shard in manifest.shards}
        copies = {twin.run_path: twin.twin_of for twin in manifest.duplicates}
        for shard in self._before.shards if self._before else ():
            if shard.name in names:
                continue
            reason = GONE
            if (twin := copies.get(shard.run_path)) is not None:
                reason = COPY.format(twin)
            elif shard.run_path in there:
                row = self._state.file(str(self._project.path), shard.run_path)
                same = row is not None and row.sha256 == shard.source_hash
                reason = REMADE if same else REPLACED
            yield DatasetProblem(run_path=shard.run_path, reason=reason)


def _summary(manifest: Manifest, what: str, notes: list[str]) -> str:
    rows = ", ".join(f"{config} {manifest.rows(config):,}" for config in CONFIGS)
    return "; ".join([f"{len(manifest.shards)} runs ({what}), rows: {rows}", *notes])


def _stat(path: Path) -> tuple[int, int, int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _still(source: Source) -> bool:
    """Whether the log still begins with the bytes that were recorded."""
    return identity.of_file(source.log, size=source.size, like=source.hash) == source.hash
