"""Steps of a log as columns: all that a record, and the one before it, say.

A column is made for all records of a chunk; which of its values are a step's, because they are of
its own record or of the one before, is a matter of places.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from msgspec import UNSET
from numpy.typing import NDArray

from handlers.dataset.chunk import Chunk, array_of, numbers
from handlers.dataset.mission import Mission
from handlers.dataset.reading import Steps
from handlers.dataset.schema import OBSERVED, SCHEMAS, STATE
from handlers.dataset.wording import Prompter, completions

_TYPES = {column.name: column.type for column in SCHEMAS["steps"]}
_OF_RECORD = {name: name for name in (
    "tick", "phase", "phase_idx", "action", "reward", "phase_done", "phase_failed",
    "mission_success", "step_ok", "signal_event",
)} | {"subtask": "goal_prompt", "time_s": "sim_time_s"}  # fmt: skip
"""Column -> the field of a record that it is."""


def columns_of(
    steps: Steps, mission: Mission, run_id: str, prompter: Prompter
) -> dict[str, pa.Array]:
    """Column -> its values, of all that a record and the one before it say."""
    chunk = steps.chunk
    now, before = _Places(steps.rows), _Places(steps.before)
    foretold = _foretold(chunk)
    advised = _Places(_advisers(steps, foretold))
    constant = {"mission": mission.name, "robot": mission.robot, "run_id": run_id,
                "task": mission.task, "plan": mission.plan}  # fmt: skip
    done = {
        **{name: array_of(chunk.values(of), _TYPES[name]) for name, of in _OF_RECORD.items()},
        **_done(chunk, mission),
        **_judged(chunk, foretold),
    }
    columns = {
        **{name: _repeated(text, len(steps.rows)) for name, text in constant.items()},
        **{name: now.of(values) for name, values in done.items()},
        **{name: advised.of(values) for name, values in _advice(chunk).items()},
        "prompt": prompter.prompts(steps),
        "observation": before.of(chunk.observed),
        "visible_tags": before.of(_tags(chunk)),
    }
    if not mission.include_rationale:
        for name in ("canonical_reason", "model_rationale"):
            columns[name] = pa.nulls(len(steps.rows), pa.string())
    return columns


def _done(chunk: Chunk, mission: Mission) -> dict[str, pa.Array]:
    """What was done, and what came of it."""
    actions = chunk.part("action")
    return {
        "completion": pa.array(completions(actions, chunk.part("action_params")), pa.string()),
        "action_id": pa.array(map(mission.actions.get, actions), pa.int32()),
        "params": chunk.params,
        "next_observation": chunk.observed,
        "motion_label": pa.array(chunk.of_part("motion", "label"), pa.string()),
        "diverged": pa.array(chunk.diverged),
    }


def _judged(chunk: Chunk, foretold: NDArray[np.bool_]) -> dict[str, pa.Array]:
    """What the judge says of what was done."""
    lost_m = chunk.reals("judgment", "progress_lost_m")
    lost_rad = chunk.reals("judgment", "heading_lost_rad")
    return {
        "severity": chunk.reals("judgment", "severity"),
        "matched": pa.array(chunk.of_part("judgment", "match"), pa.bool_()),
        "lost_rad": lost_rad,
        "unmeasured": pa.array(foretold & _unknown(lost_m) & _unknown(lost_rad)),
        "model_rationale": pa.array(chunk.of_part("judgment", "model_rationale"), pa.string()),
    }


def _advice(chunk: Chunk) -> dict[str, pa.Array]:
    """What a judgment says of the canonical action."""
    actions = chunk.of_part("judgment", "canonical_action")
    params = chunk.of_part("judgment", "canonical_params")
    return {
        "canonical_action": pa.array(actions, pa.string()),
        "canonical_completion": pa.array(completions(actions, params), pa.string()),
        "canonical_confidence": chunk.reals("judgment", "canonical_confidence"),
        "canonical_reason": pa.array(chunk.of_part("judgment", "canonical_reason"), pa.string()),
    }


def _foretold(chunk: Chunk) -> NDArray[np.bool_]:
    """Which judgments tell of what was known before the action: those in logs of ours."""
    said = chunk.of_part("judgment", "remaining_m")
    return np.array([value is not UNSET for value in said], dtype=np.bool_)


def _advisers(steps: Steps, foretold: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Where the judgment of the moment of each step is: what it says of the canonical action holds
    there. -1 where there is none, as when the phase was another."""
    rows, before = steps.rows, steps.before
    phases = np.array(steps.chunk.values("phase"), dtype=object)
    same = (before >= 0) & (phases[before] == phases[rows])
    return np.where(foretold[rows], rows, np.where(same, before, -1))


class _Places:
    """Where in a chunk the values are that are wanted; -1 for nowhere."""

    def __init__(self, places: NDArray[np.int64]) -> None:
        self._places = places
        self._in_a_row = len(places) > 0 and places[0] >= 0 and bool(np.all(np.diff(places) == 1))

    def of(self, column: pa.Array) -> pa.Array:
        """A column's values there; null for nowhere."""
        if self._in_a_row:
            return column.slice(int(self._places[0]), len(self._places))
        return column.take(pa.array(self._places, mask=self._places < 0))


def _tags(chunk: Chunk) -> pa.StringArray:
    """What each record says is seen, as its JSON; null where that is no object, or no UTF-8."""
    texts = list(map(bytes, chunk.part("visible_tags")))
    found = [text if text[:1] == b"{" else None for text in texts]
    try:
        return pa.array(found, pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([None if text is None else _utf8(text) for text in found], pa.string())


def _utf8(text: bytes) -> str | None:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return None


def usable(columns: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Which steps offline RL can use but for the reward: both observations are known, the robot has
    the action, and physics has not diverged."""
    known = columns["action_id"].is_valid().to_numpy(zero_copy_only=False)
    for name in ("observation", "next_observation"):
        fields = dict(zip(OBSERVED, columns[name].flatten(), strict=True))
        for state in STATE:
            known = known & fields[state].is_valid().to_numpy(zero_copy_only=False)
    diverged = columns["diverged"].to_numpy(zero_copy_only=False)
    return np.asarray(known & ~diverged, dtype=np.bool_)


def _unknown(column: pa.Array) -> NDArray[np.bool_]:
    return np.isnan(numbers(column))


def _repeated(value: str, times: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), times)
