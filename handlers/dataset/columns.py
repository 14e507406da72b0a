"""Steps of a log as columns: all that a record, and the one before it, say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from handlers.dataset.mission import Mission
from handlers.dataset.reading import Step, diverged
from handlers.dataset.schema import OBSERVED, PARAMS, STATE
from handlers.dataset.wire import Judged, Record
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
    advice = [_adviser(step) for step in steps]
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
        "visible_tags": _tags(befores),
        "motion_label": [record.motion.label for record in records],
        "canonical_action": [item.canonical_action for item in advice],
        "canonical_completion": [
            None
            if (action := item.canonical_action) is None
            else completion(action, item.canonical_params)
            for item in advice
        ],
        "canonical_confidence": [item.canonical_confidence for item in advice],
        "canonical_reason": [
            item.canonical_reason if mission.include_rationale else None for item in advice
        ],
        "model_rationale": [
            item.model_rationale if mission.include_rationale else None for item in judged
        ],
        "unmeasured": [
            item.progress_lost_m is None and item.heading_lost_rad is None
            if item.is_of_before
            else False
            for item in judged
        ],
        "diverged": pa.array([diverged(record) for record in records], pa.bool_()),
    }


_NOBODY = Judged()


def _adviser(step: Step) -> Judged:
    """The judgment of the moment of a step: what it says of the canonical action holds there."""
    judged = step.record.judgment
    if judged.is_of_before:
        return judged
    before = step.before
    return _NOBODY if before is None or before.phase != step.record.phase else before.judgment


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
    # Column by column: a tuple for each item would be looked through by the collector.
    columns = (list(map(attrgetter(name), items)) for name in names)
    return pa.StructArray.from_arrays(
        [array_of(column, pa.float64()) for column in columns], names=list(names)
    )


def _tags(records: Sequence[Record | None]) -> pa.StringArray:
    """What each record says is seen, as its JSON; null where that is no object, or no UTF-8."""
    texts = [None if record is None else bytes(record.visible_tags) for record in records]
    found = [text if text is not None and text[:1] == b"{" else None for text in texts]
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
    known = np.array([at is not None for at in columns["action_id"]], dtype=np.bool_)
    for name in ("observation", "next_observation"):
        fields = dict(zip(OBSERVED, columns[name].flatten(), strict=True))
        for state in STATE:
            known &= fields[state].is_valid().to_numpy(zero_copy_only=False)
    known &= ~columns["diverged"].to_numpy(zero_copy_only=False)
    return np.asarray(known, dtype=np.bool_)


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
