"""Run logs as projects write them: a tick as an object and as a line, a whole run as bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
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


def judged(
    ticks: int = 6, *, seed: int = 0, success: bool = True, **changes: Any
) -> list[dict[str, Any]]:
    """The records of a run of ours: tick 0, then moves that the judge measured.

    Every third move loses half a metre, every fifth turns away by a radian; the others are what
    was asked. The last ends the run.
    """
    rng = random.Random(seed)
    records = [record(0, action=..., action_params=..., reward=..., judgment=..., motion=...)]
    left = 3.0
    for number in range(1, ticks + 1):
        bad_move, bad_turn = number % 3 == 0, number % 5 == 0
        wanted = {"rotation_rad": 0.5} if bad_move or bad_turn else {"distance_m": 1}
        judgment = {
            "match": not (bad_move or bad_turn),
            "severity": 0.9 if bad_move or bad_turn else 0.0,
            "canonical_action": "turn_left" if bad_move or bad_turn else "walk_forward",
            "canonical_params": wanted,
            "canonical_confidence": 0.9,
            "canonical_reason": "the way leads left",
            "model_rationale": None,
            "remaining_m": round(left, 3),
            "progress_lost_m": 0.5 if bad_move else None if bad_turn else 0.0,
            "heading_lost_rad": 1.0 if bad_turn else None,
        }
        left += 0.2 if bad_move else 0.0 if bad_turn else -0.3
        obs = record(number)["obs"] | {
            "pos_x": rng.gauss(-1.0, 0.3),
            "pos_y": rng.gauss(0.0, 0.3),
            "body_height": rng.gauss(0.28, 0.01),
            "roll_deg": rng.gauss(0, 2),
            "pitch_deg": rng.gauss(0, 2),
        }
        ending = {"terminated": True, "mission_success": success, "phase_failed": not success}
        new = {"judgment": judgment, "obs": obs, "reward": rng.gauss(0, 1), "seed": seed}
        records.append(record(number, **new, **changes, **(ending if number == ticks else {})))
    return records


def as_log(records: Iterable[dict[str, Any]]) -> bytes:
    """Records as the lines of a log."""
    return b"".join(json.dumps(item).encode() + b"\n" for item in records)
