"""Run logs as projects write them: a tick as an object and as a line, a whole run as bytes."""

from __future__ import annotations

import json
from typing import Any


def record(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A tick with everything that is exported and judged; `...` as a value leaves the key out."""
    tick = {
        "tick": number,
        "phase": "approach",
        "phase_idx": 0,
        "goal_prompt": "walk forward 1.0 meters",
        "action": "walk_forward",
        "action_params": {"speed": 1.0, "distance_m": 1.0},
        "obs": {
            "body_height": 0.28,
            "roll_deg": 0.1,
            "pitch_deg": -0.2,
            "feet_grounded": 4,
            "nearest_m": 0.9,
            "pos_x": -0.1 * number,
            "pos_y": 0.0,
        },
        "reward": 0.5,
        "phase_done": False,
        "phase_failed": False,
        "terminated": False,
        "truncated": False,
        "mission_success": False,
        "step_ok": True,
        "motion": {"label": "moving"},
        "judgment": {"match": True, "severity": 0.0},
    }
    return {key: value for key, value in (tick | changes).items() if value is not ...}


def tick(number: int = 1, **changes: Any) -> bytes:
    """A line of a run log."""
    return json.dumps(record(number, **changes)).encode() + b"\n"


def run(ticks: int = 3, *, success: bool = True, start: int = 1, **changes: Any) -> bytes:
    """A run that ends with its last tick; `changes` are made to every tick."""
    lines = [tick(number, **changes) for number in range(start, start + ticks - 1)]
    ending = {"terminated": True, "mission_success": success}
    return b"".join([*lines, tick(start + ticks - 1, **changes | ending)])
