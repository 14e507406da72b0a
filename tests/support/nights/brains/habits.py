"""Habits that a prompt tells of in sentences. Like a language model's, they differ between runs.

    In PHASE, [in N of 10 runs] [when TAG is in view|near] ACTION [by AMOUNT].

The first sentence that fits is followed.
"""

from __future__ import annotations

import random
import re
from typing import Any

SENTENCE = re.compile(
    r"In (?P<phase>\w+), (?:in (?P<runs>\d+) of 10 runs )?"
    r"(?:when (?P<tag>\w+) is (?P<how>in view|near) )?(?P<action>\w+)(?: by (?P<by>[\d.]+))?\."
)
NEAR_M = 0.6


def habit(observation: dict[str, Any], system_prompt: str) -> dict[str, Any]:
    """What the robot does when no rule says otherwise."""
    dice = random.Random(f"{observation['phase']} {observation['seed']}").random() * 10
    for sentence in SENTENCE.finditer(system_prompt):
        if sentence["phase"] != observation["phase"]:
            continue
        if sentence["runs"] and dice >= int(sentence["runs"]):
            continue
        distance = observation["visible_tags"].get(sentence["tag"])
        far = sentence["how"] == "near" and distance is not None and distance >= NEAR_M
        if sentence["tag"] and (distance is None or far):
            continue
        return call(sentence["action"], sentence["by"])
    return {"action": "stand"}


def call(action: str, amount: str | None) -> dict[str, Any]:
    """An action with how far (m) or how much (rad) it goes."""
    if amount is None:
        return {"action": action}
    name = "rotation_rad" if action.startswith("turn") else "distance_m"
    return {"action": action, name: float(amount)}
