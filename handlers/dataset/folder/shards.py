"""A run's shards: its rows as one Parquet file a config, written once.

A shard's name ends in a hash of the log's bytes and of the recipe, so that other rows always have
another name. Row groups are written as they are made: memory holds one of them.
"""

from __future__ import annotations

import platform
import re
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from handlers.dataset.configs import Configs, Filters
from handlers.dataset.folder.manifest import SCHEMA as MANIFEST_SCHEMA
from handlers.dataset.folder.manifest import (
    Duplicate,
    EpisodeNote,
    Manifest,
    Shard,
    ShardFile,
    Split,
    content_of,
)
from handlers.dataset.folder.place import READABLE, Place, short
from handlers.dataset.mission import Mission
from handlers.dataset.rows import ALIGNMENT, Rows, read_rows
from handlers.dataset.schema import CONFIGS, OBSERVED, SCHEMAS, STATE, VERSION
from handlers.export.foreign import PhasesSeen
from handlers.project.project import Project
from store import identity
from store.durable import Draft

LEVEL = 1
"""Of zstd: the next levels take twice the time for a tenth of the size."""
FREE_TEXT = {"prompt", "visible_tags", "canonical_reason", "model_rationale"}
"""Columns of which hardly a value comes twice: no dictionary is tried for them."""


@dataclass(frozen=True)
class Source:
    """A run's log: the hash of its first `size` bytes is known."""

    run_id: str
    run_path: str
    log: Path
    size: int
    hash: str


class Recipe:
    """All that shapes a row besides the log: the mission, the filters, the schema's version."""

    schema_version = VERSION

    def __init__(self, project: Project) -> None:
        wanted = project.spec.vla_finetune
        self.project = project
        self.mission = Mission.of(project)
        self.filters = Filters(wanted.include_failures, wanted.min_reward)
        shape = [VERSION, self.mission.as_json(), self.filters.as_json()]
        self.hash = identity.of(msgspec.json.encode(shape))

    def name_of(self, source: Source) -> str:
        """What the files of a run are called, without folder and suffix."""
        key = f"{source.run_id}\n{source.hash}\n{self.hash}"
        # A loader takes the path for a pattern: nothing in it may stand for something else.
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", source.run_id).lstrip(".")[:100]
        return f"{plain}-{short(identity.of(key.encode('utf-8', 'surrogatepass')))}"

    def manifest(
        self, shards: tuple[Shard, ...], split: Split, duplicates: tuple[Duplicate, ...] = ()
    ) -> Manifest:
        """The manifest of shards that were made by this recipe."""
        mission = self.mission
        return Manifest(
            schema=MANIFEST_SCHEMA,
            schema_version=VERSION,
            mission=mission.name,
            robot=mission.robot,
            description=self.project.spec.description,
            alignment=ALIGNMENT,
            recipe=self.hash,
            template=mission.template,
            template_hash=identity.of(mission.template.encode("utf-8", "surrogatepass")),
            template_problem=mission.template_problem,
            actions=tuple(mission.actions),
            filters=self.filters.as_json(),
            split=split,
            shards=shards,
            duplicates=duplicates,
            content=content_of(shards),
            made_with={
                "msgspec": msgspec.__version__,
                "numpy": np.__version__,
                "pyarrow": pa.__version__,
                "python": platform.python_version(),
            },
        )


def write_shards(
    place: Place, source: Source, recipe: Recipe, progress: Callable[[], object] = lambda: None
) -> Shard:
    """Write a run's files, durably but for the folders' own sync, and say what they hold.

    A config that has no row of the run has no file. Raises OSError; ForeignLog for the log of
    another mission.
    """
    phases = PhasesSeen([phase.name for phase in recipe.project.spec.phases])
    name = recipe.name_of(source)
    with (
        read_rows(source.log, recipe.mission, source.run_id, size=source.size) as rows,
        ExitStack() as stack,
    ):
        files = {
            config: _File(place.shard(config, name), SCHEMAS[config], stack) for config in CONFIGS
        }
        made = _Made(Configs(recipe.filters, tuple(recipe.mission.actions)))
        for batch in rows.batches():
            made.write(batch, files)
            phases.add(pc.unique(batch.column("phase")).to_pylist())
            progress()
        phases.check(source.log, recipe.mission.name)
        written = {config: found for config in CONFIGS if (found := files[config].finish())}
        return _shard(name, source, rows, made, written)


class _Made:
    """What is counted while a run's rows are written."""

    def __init__(self, configs: Configs) -> None:
        self._configs = configs
        self.left_out: dict[str, Counter[str]] = {config: Counter() for config in CONFIGS}
        self.labels: Counter[bool] = Counter()
        self._content = identity.Digest()
        self._steps = identity.Digest()
        self._any = False

    def write(self, steps: pa.RecordBatch, files: dict[str, _File]) -> None:
        self._content.update(steps.serialize())
        self._steps.update(_steps_alone(steps).serialize())
        self._any = self._any or bool(steps.num_rows)
        for config in CONFIGS:
            kept, left = self._configs.of(config, steps)
            self.left_out[config].update(left)
            files[config].write(kept)
            if config == "kto":
                self.labels.update(kept["label"].to_pylist())

    @property
    def content(self) -> str:
        return self._content.value()

    @property
    def steps_hash(self) -> str:
        return self._steps.value() if self._any else ""


def _steps_alone(rows: pa.RecordBatch) -> pa.RecordBatch:
    """What a run has in common with a copy of it: what was done, what came of it."""
    seen = dict(zip(OBSERVED, rows["next_observation"].flatten(), strict=True))
    alone = {name: rows[name] for name in ("step", "completion", "reward")}
    return pa.RecordBatch.from_pydict(alone | {name: seen[name] for name in STATE})


class _File:
    """A config's file of a run, which comes to be with its first row."""

    def __init__(self, target: Path, schema: pa.Schema, stack: ExitStack) -> None:
        self._target, self._schema, self._stack = target, schema, stack
        self._draft: Draft | None = None
        self._writer: Any = None
        self._rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        if not batch.num_rows:
            return
        if self._draft is None:
            self._draft = self._stack.enter_context(Draft(self._target, mode=READABLE))
            columns = self._schema.names
            self._writer = pq.ParquetWriter(
                self._draft.path,
                self._schema,
                compression="zstd",
                compression_level=LEVEL,
                use_dictionary=[
                    name for name in columns
                    if self._schema.field(name).type == pa.string() and name not in FREE_TEXT
                ],
            )  # fmt: skip
        self._writer.write_batch(batch)
        self._rows += batch.num_rows

    def finish(self) -> ShardFile | None:
        """Put the file in place, its bytes safe on disk; None where there is no row."""
        if self._draft is None:
            return None
        self._writer.close()
        self._draft.sync()
        self._draft.replace()
        return ShardFile(
            hash=identity.of_file(self._target), size=self._target.stat().st_size, rows=self._rows
        )


def _shard(
    name: str, source: Source, rows: Rows, made: _Made, files: dict[str, ShardFile]
) -> Shard:
    return Shard(
        run_id=source.run_id,
        run_path=source.run_path,
        source_hash=source.hash,
        source_size=source.size,
        name=name,
        content=made.content,
        files=files,
        episodes=tuple(
            EpisodeNote(id=end.id, outcome=end.outcome, steps=end.steps, total=end.total,
                        causes=end.causes)
            for end in rows.ends()
        ),
        lines=rows.counts.as_json(),
        left_out={c: dict(sorted(left.items())) for c, left in made.left_out.items() if left},
        labels=(made.labels[True], made.labels[False]),
        plain_prompts=rows.prompter.plain,
        steps_hash=made.steps_hash,
    )  # fmt: skip
