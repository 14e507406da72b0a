"""Steps of a log as columns: all that a record, and the one before it, say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa

from handlers.dataset.mission import Mission
from handlers.dataset.reading import Step, diverged
from handlers.dataset.schema import OBSERVED, PARAMS
from handlers.dataset.wire import NOTHING, Params, Record
from handlers.dataset.wording import Prompter, completion

_OF_RECORD: Mapping[str, Callable[[Record], Any]] = {
    **{name: attrgetter(name) for name in (
        "tick", "phase", "phase_idx", "action", "reward", "phase_done", "phase_failed",
        "mission_success", "step_ok", "signal_event")},
    "time_s": attrgetter("sim_time_s"),
}  # fmt: skip
_OF_JUDGMENT: Mapping[str, Callable[[Any], Any]] = {
    "severity": attrgetter("severity"),
    "matched": attrgetter("match"),
    "lost_rad": attrgetter("heading_lost_rad"),
}


def columns_of(
    steps: Sequence[Step], mission: Mission, run_id: str, prompter: Prompter
) -> dict[str, Any]:
    """Column -> its values, of all that a record and the one before it say."""
    records = [step.record for step in steps]
    befores = [step.before for step in steps]
    judged = [record.judgment for record in records]
    advice = [_advice(step) for step in steps]
    actions = [record.action or "" for record in records]
    ids = mission.actions
    prompt = prompter.prompt
    before_it, after_it = _observed(steps)
    constant = {"mission": mission.name, "robot": mission.robot, "run_id": run_id,
                "task": mission.task, "plan": mission.plan}  # fmt: skip
    return {
        **{name: _repeated(text, len(records)) for name, text in constant.items()},
        **{name: [get(record) for record in records] for name, get in _OF_RECORD.items()},
        **{name: [get(item) for item in judged] for name, get in _OF_JUDGMENT.items()},
        "subtask": [record.goal_prompt for record in records],
        "prompt": [
            None if before is None else prompt(record, before.obs)
            for record, before in zip(records, befores, strict=True)
        ],
        "completion": [completion(r.action or "", r.action_params) for r in records],
        "action_id": [ids.get(action) for action in actions],
        "params": _struct([r.action_params for r in records], PARAMS),
        "observation": before_it,
        "next_observation": after_it,
        "visible_tags": [_tags(before) for before in befores],
        "motion_label": [record.motion.label for record in records],
        "canonical_action": [action for action, _, _, _ in advice],
        "canonical_completion": [
            None if action is None else completion(action, params)
            for action, params, _, _ in advice
        ],
        "canonical_confidence": [sure for _, _, sure, _ in advice],
        "canonical_reason": [why if mission.include_rationale else None for _, _, _, why in advice],
        "model_rationale": [
            item.model_rationale if mission.include_rationale else None for item in judged
        ],
        "unmeasured": [
            item.progress_lost_m is None and item.heading_lost_rad is None
            if item.is_of_before
            else False
            for item in judged
        ],
        "diverged": [diverged(record) for record in records],
    }


def _advice(step: Step) -> tuple[str | None, Params, float | None, str | None]:
    """The canonical action of the moment of a step: name, parameters, confidence, reason."""
    judged = step.record.judgment
    if not judged.is_of_before:
        before = step.before
        if before is None or before.phase != step.record.phase:
            return None, judged.canonical_params, None, None
        judged = before.judgment
    return (
        judged.canonical_action,
        judged.canonical_params,
        judged.canonical_confidence,
        judged.canonical_reason,
    )


def _observed(steps: Sequence[Step]) -> tuple[pa.Array, pa.Array]:
    """What was observed before each step, null where that is unknown, and after it.

    What is seen before a step is nearly always what was seen after the one before: it is made a
    column once.
    """
    records = [step.record for step in steps]
    places: list[int | None] = []
    last: Record | None = None
    for at, step in enumerate(steps):
        before = step.before
        if before is None:
            places.append(None)
        elif before is last:
            places.append(at - 1)
        else:  # a reset observation, or a record of the batch before
            places.append(len(records))
            records.append(before)
        last = step.record
    for record in records:
        if record.obs.yaw_deg is None:
            record.obs.yaw_deg = record.yaw_deg  # our own logs have it beside `obs`
    seen = _struct([record.obs for record in records], OBSERVED)
    return seen.take(pa.array(places, pa.int32())), seen.slice(0, len(steps))


def _struct(items: Sequence[Any], names: Sequence[str]) -> pa.StructArray:
    rows = zip(*map(attrgetter(*names), items), strict=True)
    return pa.StructArray.from_arrays(
        [array_of(column, pa.float64()) for column in rows], names=list(names)
    )


def _tags(record: Record | None) -> str | None:
    if record is None or not record.visible_tags or record.visible_tags == NOTHING:
        return None
    text = bytes(record.visible_tags)
    try:
        return text.decode() if text.startswith(b"{") else None
    except UnicodeDecodeError:
        return None


def _repeated(value: str, times: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), times)


def array_of(values: Any, kind: pa.DataType) -> pa.Array:
    """Values as a column; of an array, what is not finite is unknown, and becomes null."""
    if isinstance(values, pa.Array):
        return values
    if isinstance(values, np.ndarray):
        mask = ~np.isfinite(values) if values.dtype.kind == "f" else None
        return pa.array(values, kind, mask=mask)
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, OverflowError):
        if kind != pa.float64():
            raise
        return pa.array([None if v is None else float(v) for v in values], kind)
