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
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from handlers.dataset.causes import LARGEST
from handlers.dataset.columns import array_of, columns_of, usable
from handlers.dataset.episodes import End, Episodes, Numbers
from handlers.dataset.mission import Mission
from handlers.dataset.reading import Counts, LogSteps, Step
from handlers.dataset.schema import SCHEMAS
from handlers.dataset.wording import Prompter
from store.events.files import EpisodeFact

BATCH = 4096
"""Rows of a batch, and of a row group."""
ALIGNMENT = "causal: prompt(obs[t-1]) with action[t]"

SCHEMA = SCHEMAS["steps"]
_LATE = (
    "episode_id", "episode_length", "terminated", "truncated", "progress_m", "lost_m", "cause",
    "causes", "episode_return", "return_to_go", "advantage", "outcome", "success", "weight",
    "complete",
)  # fmt: skip
"""Columns of the second pass."""
_SUCCESS = {"succeeded": True, "failed": False}


class Rows:
    """The rows of one log; see the module. A context manager that holds the temporary file."""

    def __init__(self, log: Path, mission: Mission, run_id: str, size: int | None) -> None:
        self.run_id, self.log, self._mission = run_id, log, mission
        self.prompter = Prompter(mission.template, mission.name, mission.n_phases)
        self._spool = tempfile.TemporaryFile(prefix="cadenza-rows-")  # noqa: SIM115
        self._numbers = Numbers()
        self._steps = LogSteps(log, size)
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
        early = pa.schema([column for column in SCHEMA if column.name not in _LATE])
        writer: Any = None
        pending: list[Step] = []
        for step in self._steps:
            if step is None:
                self._spool.seek(0)
                self._spool.truncate()
                writer, pending, self._numbers = None, [], Numbers()
                continue
            pending.append(step)
            if len(pending) == BATCH:
                writer = writer or pa.ipc.new_stream(self._spool, early)
                writer.write_batch(self._early(pending, early))
                pending = []
        if pending:
            writer = writer or pa.ipc.new_stream(self._spool, early)
            writer.write_batch(self._early(pending, early))
        if writer is not None:
            writer.close()
        self._spool.flush()

    def _early(self, steps: Sequence[Step], schema: pa.Schema) -> pa.RecordBatch:
        columns = columns_of(steps, self._mission, self.run_id, self.prompter)
        columns["step"] = self._numbers.add(steps, usable(columns))
        return pa.RecordBatch.from_arrays(
            [array_of(columns[column.name], column.type) for column in schema], schema=schema
        )

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


def read_rows(log: Path, mission: Mission, run_id: str, *, size: int | None = None) -> Rows:
    """The rows of a log's first `size` bytes (None: all). No content makes it raise; OSError does.

    Lines that hold no step are counted by reason (`Rows.counts`), never read otherwise in silence.
    """
    return Rows(log, mission, run_id, size)
