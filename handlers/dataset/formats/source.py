"""The logs that an export is made of, each read when its turn comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from handlers.dataset.formats.trajectories import Trajectories, Trajectory
from handlers.dataset.mission import Mission
from handlers.dataset.rows import Rows, read_rows
from handlers.export.foreign import ForeignLog, PhasesSeen
from handlers.project.paths import run_id_of


@dataclass
class Sources:
    """Logs of one mission, and what became of what they hold.

    `phases`: the mission's, one of which each log has to name; empty, any log is taken.
    `pass_over`: a log of another mission is left out, and `foreign` says why.
    `include_failures`: also of episodes that did not succeed. `min_reward`: of single steps, where
    a format is of those (trl). `counts`: what became of each log's lines. `left_out`: by reason,
    steps that are not in the result. `steps`: those that are, by run.
    """

    mission: Mission
    logs: Sequence[Path]
    phases: tuple[str, ...] = ()
    pass_over: bool = False
    include_failures: bool = True
    min_reward: float | None = None
    progress: Callable[[Path], object] = lambda _log: None
    counts: dict[str, dict[str, object]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    foreign: dict[str, ForeignLog] = field(default_factory=dict)

    @property
    def taken(self) -> list[Path]:
        """The logs that were read and are of the mission."""
        return [log for log in self.logs if str(log) in self.counts]

    def rows(self) -> Iterator[Rows]:
        """The rows of each log. Raises ForeignLog, OSError."""
        for log in self.logs:
            with read_rows(log, self.mission, run_id_of(log)) as rows:
                if self._is_wanted(log, rows):
                    self.counts[str(log)] = rows.counts.as_json()
                    yield rows
            self.progress(log)

    def trajectories(self) -> Iterator[Trajectory]:
        """The trajectories that are wanted, of all logs."""
        for rows in self.rows():
            found = Trajectories(rows)
            for trajectory in found:
                if self.include_failures or trajectory.success is True:
                    self.steps[rows.run_id] += len(trajectory)
                    yield trajectory
                else:
                    self.left_out["of an episode that did not succeed"] += len(trajectory)
            if found.left_out:
                self.left_out["an observation, action or reward is unknown"] += found.left_out

    def wanted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows of a batch that are wanted."""
        kept = batch
        if not self.include_failures:
            kept = batch.filter(pc.fill_null(batch["success"], False))
            left = batch.num_rows - kept.num_rows
            if left:
                self.left_out["of an episode that did not succeed"] += left
        if kept.num_rows:
            self.steps[kept["run_id"][0].as_py()] += kept.num_rows
        return kept

    def _is_wanted(self, log: Path, rows: Rows) -> bool:
        """Whether a log is of the mission. Raises ForeignLog where that ends the export."""
        seen = PhasesSeen(self.phases)
        for batch in rows.batches():
            if seen.is_settled:
                return True
            seen.add(pc.unique(batch["phase"]).to_pylist())
        try:
            seen.check(log, self.mission.name)
        except ForeignLog as error:
            if not self.pass_over:
                raise
            self.foreign[str(log)] = error
            return False
        return True
