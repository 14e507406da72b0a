"""A log's rows as trajectories: arrays of what a policy sees, does and gets.

A trajectory is the part of an episode in which all of it is known: from the first step after which
no observation, action or reward is missing, to the episode's end. Steps before that (the first of a
log without a reset observation; those before a gap) are counted, not filled in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from handlers.dataset.rows import Rows
from handlers.dataset.schema import OBSERVED, PARAMS, STATE
from handlers.project.library import PARAMETERS

Reals: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

_NEUTRAL = np.array([PARAMETERS[name].neutral for name in PARAMS])
_COLUMNS = (
    "observation", "next_observation", "action_id", "params", "reward", "terminated", "truncated",
    "subtask", "episode_id", "phase_idx", "complete", "weight",
)  # fmt: skip
_OF_EPISODE = ("episode_id", "outcome", "success", "cause", "robot", "task", "plan")


@dataclass(frozen=True)
class Trajectory:
    """T steps of one episode; `observations` has T+1 rows of STATE (m, degrees, a count).

    `actions`: ids of the robot's library, [T]. `params`: PARAMS of each action, [T, 6]; what the
    log leaves out is the value that changes nothing. `ended` and `cut_off` are `terminated` and
    `truncated` of the rows: never both. `weights`: how good an example each step is, 0 to 1, NaN
    where that is unknown.
    """

    run_id: str
    episode_id: str
    robot: str
    task: str
    plan: str
    outcome: str
    success: bool | None
    cause: str | None
    observations: Reals
    actions: NDArray[np.int64]
    params: Reals
    rewards: Reals
    ended: Flags
    cut_off: Flags
    phases: NDArray[np.int64]
    goals: Sequence[str]
    weights: Reals

    def __len__(self) -> int:
        return len(self.actions)


class Trajectories:
    """The trajectories of a log; afterwards `left_out` counts the steps that are in none."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.left_out = 0

    def __iter__(self) -> Iterator[Trajectory]:
        parts: list[pa.RecordBatch] = []
        for batch in self._rows.batches():
            bounds = _bounds(batch["episode_length"].to_pylist(), batch["step"].to_pylist())
            for begin, end, closes in bounds:
                parts.append(batch.slice(begin, end - begin))
                if closes:
                    yield from self._of(parts)
                    parts = []

    def _of(self, parts: Sequence[pa.RecordBatch]) -> Iterator[Trajectory]:
        """The trajectory of an episode, if it has a step of which all is known."""
        episode = pa.Table.from_batches(parts)
        columns = {name: episode[name].combine_chunks() for name in _COLUMNS}
        known = _flags(columns["complete"])
        begin = int(known.argmax()) if known.any() else len(known)
        self.left_out += begin
        if begin == len(known):
            return
        before, after = _matrix(columns["observation"]), _matrix(columns["next_observation"])
        params = _matrix(columns["params"], PARAMS, PARAMS)[begin:]
        told = {name: episode[name][0].as_py() for name in _OF_EPISODE}
        phases = np.nan_to_num(_numbers(columns["phase_idx"]))[begin:]
        yield Trajectory(
            run_id=self._rows.run_id,
            **told,
            observations=np.vstack([before[begin:], after[-1:]]),
            actions=_numbers(columns["action_id"])[begin:].astype(np.int64),
            params=np.where(np.isnan(params), _NEUTRAL, params),
            rewards=_numbers(columns["reward"])[begin:],
            ended=_flags(columns["terminated"])[begin:],
            cut_off=_flags(columns["truncated"])[begin:],
            phases=phases.astype(np.int64),
            weights=_numbers(columns["weight"])[begin:],
            goals=[goal or told["task"] for goal in columns["subtask"].to_pylist()[begin:]],
        )


def _bounds(lengths: Sequence[int], steps: Sequence[int]) -> Iterator[tuple[int, int, bool]]:
    """Where episodes begin and end within a batch, and whether they end there at all."""
    at = 0
    while at < len(steps):
        end = min(at + lengths[at] - steps[at], len(steps))
        yield at, end, steps[end - 1] == lengths[at] - 1
        at = end


def _matrix(structs: Any, names: Sequence[str] = STATE, fields: Sequence[str] = OBSERVED) -> Reals:
    """Columns of a struct, [T, len(names)]; NaN is unknown."""
    flat = dict(zip(fields, structs.flatten(), strict=True))
    return np.column_stack([_numbers(flat[name]) for name in names])


def _numbers(column: Any) -> Reals:
    values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)


def _flags(column: Any) -> Flags:
    return np.array([value is True for value in column.to_pylist()], dtype=np.bool_)
