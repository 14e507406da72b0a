"""Every column of every config: the same for all projects, so that datasets of many concatenate.

A *row* is one step: an action, what was observed before it (`observation`, which is what the
prompt shows) and after it (`next_observation`). A null is unknown, which is neither 0 nor false.
Floats are the log's own, all 64 bits. What is open-ended in a log (tags) is a string of JSON: no
column's type depends on what a project happened to log.
"""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa

VERSION = 1
"""Raise when a column is added, changed or removed."""

OBSERVED = (
    "body_height",
    "roll_deg",
    "pitch_deg",
    "feet_grounded",
    "nearest_m",
    "pos_x",
    "pos_y",
    "yaw_deg",
)
"""An observation's values: m, degrees, a count; `nearest_m` is -1 where nothing is near."""
STATE = OBSERVED[:7]
"""Those that every log has: the vector of offline RL, in this order."""
PARAMS = ("speed", "extension", "repeat", "distance_m", "rotation_rad", "duration_s")

_text, _real, _flag = pa.string(), pa.float64(), pa.bool_()
_observation = pa.struct([(name, _real) for name in OBSERVED])
_params = pa.struct([(name, _real) for name in PARAMS])
_state = pa.list_(_real, len(STATE))


class Column(NamedTuple):
    """A column: its name, type, and meaning with its unit."""

    name: str
    type: pa.DataType
    meaning: str


_WHO = (
    Column("mission", _text, "name of the mission, as env.json has it"),
    Column("robot", _text, "go1, go2, g1 or the project's own"),
    Column("run_id", _text, "the log's file name without its suffix; decides the split"),
    Column("episode_id", _text, "the run id; `run_id#2` for a second run in the same file"),
    Column("step", pa.int32(), "actions of the episode before this one"),
    Column("tick", pa.int64(), "the log's own number of the step"),
    Column("phase", _text, "phase in which the action was chosen"),
    Column("phase_idx", pa.int32(), "its place, from 0"),
)
_HOW_IT_WENT = (
    Column("outcome", _text, "of the episode: succeeded, failed, interrupted, unfinished"),
    Column("success", _flag, "whether it succeeded; null for one that was cut off or goes on"),
    Column("severity", _real, "0 to 1: how wrong the log's judge found the action"),
    Column("weight", _real, "0 to 1: how good an example the step is (RA-BC; docs/dataset.md)"),
)
_RETURNS = (
    Column("return_to_go", _real, "sum of the rewards from this step to the episode's end"),
    Column("advantage", _real, "return-to-go less the episode's mean reward times the steps left"),
)
_PROMPT = Column("prompt", _text, "env.json's template with the observation before the action")
_COMPLETION = Column("completion", _text, "the action and its parameters as JSON, after a space")

STEPS = (
    *_WHO,
    Column("episode_length", pa.int32(), "steps of the episode"),
    Column("time_s", _real, "simulated time when the action had ended, s"),
    Column("task", _text, "the mission's description, or its name"),
    Column("subtask", _text, "goal of the phase in words (goal_prompt)"),
    Column("plan", _text, "goals of all phases in order, one a line"),
    _PROMPT,
    _COMPLETION,
    Column("action", _text, "name of the action"),
    Column("action_id", pa.int32(), "its place in the robot's library; null: not one of its"),
    Column("params", _params, "what the log gives: factors, a count, m, rad, s"),
    Column("observation", _observation, "before the action: m, degrees, a count"),
    Column("next_observation", _observation, "after it"),
    Column("visible_tags", _text, "before the action: JSON of tag -> distance (m)"),
    Column("reward", _real, "of the step"),
    Column("terminated", _flag, "the episode ended here, and not by running out of time"),
    Column("truncated", _flag, "it was cut off here: by time, by somebody, or the log just stops"),
    Column("phase_done", _flag, "the phase was done by the step"),
    Column("phase_failed", _flag, "the phase failed by the step"),
    Column("mission_success", _flag, "the mission was done by the step"),
    Column("step_ok", _flag, "the step was carried out"),
    Column("diverged", _flag, "the pose after it is one that physics does not allow"),
    Column("complete", _flag, "observations, action and reward are known from here to the end"),
    Column("motion_label", _text, "stuck, moving, navigating, reaching_goal"),
    Column("signal_event", _text, "correct, false_positive, missed, none"),
    Column("canonical_action", _text, "what a careful operator would have done instead"),
    Column("canonical_completion", _text, "the same as `completion` spells it"),
    Column("canonical_confidence", _real, "0 to 1"),
    Column("canonical_reason", _text, "why, in the judge's words"),
    Column("matched", _flag, "the judge took the action for what was asked"),
    Column("lost_m", _real, "way that the action lost, m"),
    Column("lost_rad", _real, "facing that it lost, rad"),
    Column("unmeasured", _flag, "neither says anything of this action: a pose, a signal"),
    Column("model_rationale", _text, "why the model chose it, in its words"),
    Column("progress_m", _real, "by how much the way to the phase's target became shorter, m"),
    Column("cause", _text, "why the episode did not succeed: the first of `causes`"),
    Column("causes", pa.list_(_text), "failure modes that it shows (docs/judge.md), in order"),
    Column("episode_return", _real, "sum of the episode's rewards"),
    *_RETURNS,
    *_HOW_IT_WENT,
)

_LABELLED = (
    Column("canonical_confidence", _real, "0 to 1"),
    Column("lost_m", _real, "way that the action lost, m"),
    Column("lost_rad", _real, "facing that it lost, rad"),
)

SFT = (_PROMPT, _COMPLETION, *_WHO, *_HOW_IT_WENT)
DPO = (
    _PROMPT,
    Column("chosen", _text, "the canonical action"),
    Column("rejected", _text, "what was done"),
    Column("margin", _real, "the severity: by how much chosen is better (TRL's reward trainer)"),
    *_WHO,
    *_HOW_IT_WENT,
    *_LABELLED,
)
KTO = (
    _PROMPT,
    _COMPLETION,
    Column("label", _flag, "true: what was asked for; false: it lost progress"),
    *_WHO,
    *_HOW_IT_WENT,
    *_LABELLED,
)
RL = (
    *_WHO,
    Column("observation", _state, f"before the action: {', '.join(STATE)}"),
    Column("action_id", pa.int32(), "the action's place in the robot's library"),
    Column("params", _params, "what the log gives: factors, a count, m, rad, s"),
    Column("reward", _real, "of the step"),
    Column("next_observation", _state, "after it"),
    Column("terminated", _flag, "the episode ended here, and not by running out of time"),
    Column("truncated", _flag, "it was cut off here"),
    Column("goal", _text, "goal of the phase in words"),
    *_RETURNS,
    *_HOW_IT_WENT,
)

COLUMNS = {"steps": STEPS, "sft": SFT, "dpo": DPO, "kto": KTO, "rl": RL}
"""Config -> its columns, in order."""

SCHEMAS: dict[str, pa.Schema] = {
    config: pa.schema([(column.name, column.type) for column in columns])
    for config, columns in COLUMNS.items()
}
"""Config -> the schema of all its files."""
CONFIGS = tuple(COLUMNS)
