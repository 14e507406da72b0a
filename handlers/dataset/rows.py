"""A run log as rows: typed columns, causally aligned, in batches of bounded size.

    with read_rows(log, Mission.of(project), run_id) as rows:
        for batch in rows.batches():      # pyarrow.RecordBatch with schema.SCHEMAS["steps"]
            ...
        rows.episodes, rows.counts

Alignment: a row is an action, and shows in `prompt` and `observation` what was observed before it.
A log's own `obs` is of after the action, so that of the record before is taken: with tick 0, which
our own logs begin with, there is one for the first action; else it is null there, and after a gap.
The canonical action is the judge's of the same moment: in our own logs that of the action's record,
in others that of the record before, for they judge what they saw after an action.

What is known only at an episode's end (returns, outcome, causes) is added in a second pass over the
first one's columns, which wait in an unlinked temporary file. So memory holds one batch, and a few
numbers a step.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Self

import pyarrow as pa

from handlers.dataset.causes import LARGEST
from handlers.dataset.chunk import array_of
from handlers.dataset.columns import columns_of, usable
from handlers.dataset.episodes import End, Episodes, Numbers
from handlers.dataset.mission import Mission
from handlers.dataset.reading import LogSteps, Steps
from handlers.dataset.records import Counts
from handlers.dataset.schema import SCHEMAS
from handlers.dataset.wording import Prompter
from store.events.files import EpisodeFact

BATCH = 4096
"""Rows of a batch, and of a row group."""
CHUNK = 1024
"""Records that are made columns at once: so few that they are still in the processor's cache, and
that memory which was touched before is used again; that took a fifth of the time."""
ALIGNMENT = "causal: prompt(obs[t-1]) with action[t]"

SCHEMA = SCHEMAS["steps"]
_LATE = (
    "episode_id", "episode_length", "terminated", "truncated", "progress_m", "lost_m", "cause",
    "causes", "episode_return", "return_to_go", "advantage", "outcome", "success", "weight",
    "complete",
)  # fmt: skip
"""Columns of the second pass."""
EARLY = pa.schema([column for column in SCHEMA if column.name not in _LATE])
_SUCCESS = {"succeeded": True, "failed": False}


class Rows:
    """The rows of one log; see the module. A context manager that holds the temporary file."""

    def __init__(self, log: Path, mission: Mission, run_id: str, size: int | None) -> None:
        self.run_id, self.log, self._mission = run_id, log, mission
        self.prompter = Prompter(mission.template, mission.name, mission.n_phases)
        self._spool = tempfile.TemporaryFile(prefix="cadenza-rows-")  # noqa: SIM115
        self._numbers = Numbers()
        self._steps = LogSteps(log, size, CHUNK)
        try:
            self._first_pass()
            self._whole = Episodes(self._numbers.arrays(), self._steps.episodes)
            self.causes = self._causes()
        except BaseException:
            self._spool.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()

    @property
    def counts(self) -> Counts:
        """What became of the log's lines."""
        return self._steps.counts

    @property
    def episodes(self) -> tuple[EpisodeFact, ...]:
        """What the log says of its episodes, those without a step included."""
        return self._steps.episodes

    def ends(self) -> list[End]:
        """Every episode that has a row, in order."""
        whole = self._whole
        return list(
            map(End, whole.names(self.run_id), whole.outcomes, whole.lengths, whole.returns,
                self.causes)
        )  # fmt: skip

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, in order. Any number of times."""
        at = 0
        if not self.counts.rows:
            return
        # By its descriptor: the file has no name. Read, not mapped: what is mapped stays resident.
        with (
            pa.OSFile(f"/proc/self/fd/{self._spool.fileno()}") as source,
            pa.ipc.open_stream(source) as reader,
        ):
            for early in reader:
                yield self._finished(early, slice(at, at + early.num_rows))
                at += early.num_rows

    # -- first pass --------------------------------------------------------------------------------

    def _first_pass(self) -> None:
        spool = _Spool(self._spool)
        for steps in self._steps:
            if steps is None:
                self._spool.seek(0)
                self._spool.truncate()
                spool, self._numbers = _Spool(self._spool), Numbers()
                self.prompter.plain = 0
            elif len(steps.rows):
                spool.add(self._early(steps))
        spool.close()

    def _early(self, steps: Steps) -> pa.RecordBatch:
        columns = columns_of(steps, self._mission, self.run_id, self.prompter)
        columns["step"] = self._numbers.add(steps, columns, usable(columns))
        arrays = [array_of(columns[column.name], column.type) for column in EARLY]
        return pa.RecordBatch.from_arrays(arrays, schema=EARLY)

    # -- second pass -------------------------------------------------------------------------------

    def _finished(self, early: pa.RecordBatch, part: slice) -> pa.RecordBatch:
        columns = {name: early.column(at) for at, name in enumerate(early.schema.names)}
        whole = self._whole
        for name, values in whole.by_step.items():
            columns[name] = array_of(values[part], SCHEMA.field(name).type)
        places = whole.places[part]
        for name, told in {
            "episode_id": whole.names(self.run_id),
            "episode_length": whole.lengths,
            "episode_return": whole.returns,
            "outcome": whole.outcomes,
            "success": [_SUCCESS.get(outcome) for outcome in whole.outcomes],
            "cause": [found[0] if found else None for found in self.causes],
            "causes": [None if found is None else list(found) for found in self.causes],
        }.items():
            columns[name] = array_of(told, SCHEMA.field(name).type).take(pa.array(places))
        return pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)

    def _causes(self) -> list[tuple[str, ...] | None]:
        """Each episode's failure modes; None where nobody looked for them."""
        wanted = self._mission.causes
        outcomes = self._whole.outcomes
        if set(outcomes) <= {"succeeded"}:
            return [()] * len(outcomes)
        if wanted is None or self.log.stat().st_size > LARGEST:
            return [() if outcome == "succeeded" else None for outcome in outcomes]
        found: list[tuple[str, ...] | None] = list(wanted.of(self.log))
        return (found + [None] * len(outcomes))[: len(outcomes)]


class _Spool:
    """The first pass's columns, written to a file in batches of BATCH rows."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._writer: Any = None
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        self._rows += batch.num_rows
        while self._rows >= BATCH:
            whole = self._joined()
            self._write(whole.slice(0, BATCH))
            self._rows -= BATCH
            self._waiting = [whole.slice(BATCH)] if self._rows else []

    def close(self) -> None:
        if self._rows:
            self._write(self._joined())
        if self._writer is not None:
            self._writer.close()
        self._file.flush()

    def _joined(self) -> pa.RecordBatch:
        return self._waiting[0] if len(self._waiting) == 1 else pa.concat_batches(self._waiting)

    def _write(self, batch: pa.RecordBatch) -> None:
        self._writer = self._writer or pa.ipc.new_stream(self._file, EARLY)
        self._writer.write_batch(batch)


def read_rows(log: Path, mission: Mission, run_id: str, *, size: int | None = None) -> Rows:
    """The rows of a log's first `size` bytes (None: all). No content makes it raise; OSError does.

    Lines that hold no step are counted by reason (`Rows.counts`), never read otherwise in silence.
    """
    return Rows(log, mission, run_id, size)
