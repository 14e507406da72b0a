"""Rows -> what a trainer reads: sft, dpo, kto and rl are the steps that serve it.

A preference says that one action is better than another. It is made only where that is known: the
judge is confident of the canonical action, the robot has it, and what was done lost progress, by
more than LOST_M (m) or LOST_RAD (rad); an act that neither measures, a pose or a signal, must have
been found wrong by WRONG. KTO's labels are the same knowledge: false where a preference is made,
true for what the judge took for what was asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from handlers.dataset.chunk import true
from handlers.dataset.schema import OBSERVED, SCHEMAS, STATE

LOST_M, LOST_RAD = 0.2, 0.2
"""Progress lost above which an action is rejected: about what a push in the side takes."""
WRONG = 0.5
"""Severity from which an act is rejected that loses no way: nothing gained of what was to gain."""
CONFIDENT = 0.5
"""Confidence from which the canonical action is one, as for env.json's rewards and for mining."""

NO_PROMPT = "no observation before the action"
DIVERGED = "physics had diverged"
FAILED = "the episode did not succeed"
NO_REWARD = "reward unknown"
LOW_REWARD = "reward below the minimum"
NO_CANONICAL = "no canonical action"
UNKNOWN = "the robot does not have the canonical action"
UNSURE = "the canonical action is not sure enough"
SAME = "what was done is the canonical action"
NOTHING_LOST = "too little was lost to prefer another action"
NO_SEVERITY = "severity unknown"
NEITHER = "neither what was asked nor progress lost"
BROKEN = "an observation, action or reward is unknown from here on"

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Filters:
    """Which steps are wanted. `include_failures` and `min_reward` as in env.json: the first is of
    whole episodes, the second of single steps, in sft and kto alone. rl has whole trajectories."""

    include_failures: bool = True
    min_reward: float | None = None
    lost_m: float = LOST_M
    lost_rad: float = LOST_RAD
    wrong: float = WRONG
    confident: float = CONFIDENT

    def as_json(self) -> dict[str, float | bool | None]:
        return asdict(self)


class Configs:
    """Makes the configs of one mission's rows. `actions`: the robot's."""

    def __init__(self, filters: Filters, actions: Sequence[str]) -> None:
        self._filters = filters
        self._actions = pa.array(actions, pa.string())

    def of(self, config: str, steps: pa.RecordBatch) -> tuple[pa.RecordBatch, Counter[str]]:
        """A config's rows of a batch of steps, and how many are not in it by the reason."""
        if config == "steps":
            return steps, Counter()
        return _MAKERS[config](self, steps)

    def _sft(self, steps: pa.RecordBatch) -> tuple[pa.RecordBatch, Counter[str]]:
        kept, left = _sift(steps, [*self._unusable(steps), *self._unwanted(steps)])
        return _renamed(kept, "sft", {}), left

    def _dpo(self, steps: pa.RecordBatch) -> tuple[pa.RecordBatch, Counter[str]]:
        without = [*self._unusable(steps), *self._unsure(steps)]
        same = true(pc.equal(steps["canonical_completion"], steps["completion"]))
        kept, left = _sift(
            steps,
            [*without, (SAME, same), (NOTHING_LOST, ~self._loses(steps)),
             (NO_SEVERITY, true(pc.is_null(steps["severity"])))],
        )  # fmt: skip
        new = {"chosen": "canonical_completion", "rejected": "completion", "margin": "severity"}
        return _renamed(kept, "dpo", new), left

    def _kto(self, steps: pa.RecordBatch) -> tuple[pa.RecordBatch, Counter[str]]:
        sure = np.ones(steps.num_rows, dtype=np.bool_)
        for _, mask in self._unsure(steps):
            sure &= ~mask
        same = true(pc.equal(steps["canonical_completion"], steps["completion"]))
        loses = self._loses(steps)
        bad = sure & loses & ~same
        good = true(steps["matched"]) & ~loses
        steps = steps.append_column("label", pa.array(good))
        kept, left = _sift(
            steps,
            [*self._unusable(steps), (NEITHER, ~(good | bad)),
             (NO_SEVERITY, true(pc.is_null(steps["severity"]))), *self._unwanted(steps, ~bad)],
        )  # fmt: skip
        return _renamed(kept, "kto", {}), left

    def _rl(self, steps: pa.RecordBatch) -> tuple[pa.RecordBatch, Counter[str]]:
        failed = [] if self._filters.include_failures else [(FAILED, ~true(steps["success"]))]
        kept, left = _sift(steps, [(BROKEN, ~true(steps["complete"])), *failed])
        columns = {name: kept[name] for name in kept.schema.names}
        for name in ("observation", "next_observation"):
            columns[name] = _vectors(kept[name])
        columns["goal"] = kept["subtask"]
        schema = SCHEMAS["rl"]
        return pa.RecordBatch.from_arrays([columns[n] for n in schema.names], schema=schema), left

    # -- why not -----------------------------------------------------------------------------------

    def _unusable(self, steps: pa.RecordBatch) -> list[tuple[str, Mask]]:
        return [
            (NO_PROMPT, true(pc.is_null(steps["prompt"]))),
            (DIVERGED, true(steps["diverged"])),
        ]

    def _unwanted(self, steps: pa.RecordBatch, where: Mask | None = None) -> list[tuple[str, Mask]]:
        """What env.json does not want as an example; `where`: of these alone."""
        found: list[tuple[str, Mask]] = []
        among = np.ones(steps.num_rows, dtype=np.bool_) if where is None else where
        if not self._filters.include_failures:
            found.append((FAILED, among & ~true(steps["success"])))
        if self._filters.min_reward is not None:
            low = true(pc.less(steps["reward"], self._filters.min_reward))
            found.append((NO_REWARD, among & true(pc.is_null(steps["reward"]))))
            found.append((LOW_REWARD, among & low))
        return found

    def _unsure(self, steps: pa.RecordBatch) -> list[tuple[str, Mask]]:
        canonical = steps["canonical_action"]
        sure = true(pc.greater_equal(steps["canonical_confidence"], self._filters.confident))
        return [
            (NO_CANONICAL, true(pc.is_null(canonical))),
            (UNKNOWN, ~true(pc.is_in(canonical, self._actions))),
            (UNSURE, ~sure),
        ]

    def _loses(self, steps: pa.RecordBatch) -> Mask:
        """Where what was done lost progress."""
        wanted = self._filters
        return (
            true(pc.greater(steps["lost_m"], wanted.lost_m))
            | true(pc.greater(steps["lost_rad"], wanted.lost_rad))
            | (true(steps["unmeasured"]) & true(pc.greater_equal(steps["severity"], wanted.wrong)))
        )


_MAKERS: Mapping[str, Callable[[Configs, pa.RecordBatch], tuple[pa.RecordBatch, Counter[str]]]] = {
    "sft": Configs._sft,
    "dpo": Configs._dpo,
    "kto": Configs._kto,
    "rl": Configs._rl,
}


def _sift(
    steps: pa.RecordBatch, reasons: Sequence[tuple[str, Mask]]
) -> tuple[pa.RecordBatch, Counter[str]]:
    """The rows that no reason holds for; each other is counted by its first reason."""
    left: Counter[str] = Counter()
    keep = np.ones(steps.num_rows, dtype=np.bool_)
    for reason, mask in reasons:
        if hits := int((keep & mask).sum()):
            left[reason] += hits
        keep &= ~mask
    return steps.filter(pa.array(keep)), left


def _renamed(kept: pa.RecordBatch, config: str, new: Mapping[str, str]) -> pa.RecordBatch:
    """A config's columns, those in `new` under another name."""
    schema = SCHEMAS[config]
    columns = [kept[new.get(name, name)] for name in schema.names]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _vectors(observations: pa.StructArray) -> pa.FixedSizeListArray:
    """Observations as vectors: float64, as long as STATE."""
    fields = observations.flatten()
    stacked = np.column_stack(
        [fields[OBSERVED.index(name)].to_numpy(zero_copy_only=False) for name in STATE]
    )
    flat = pa.array(stacked.reshape(-1), pa.float64())
    return pa.FixedSizeListArray.from_arrays(flat, len(STATE))
