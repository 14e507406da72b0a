"""A brain that has a prompt and never looks at it: nothing that is written there helps or harms."""

from __future__ import annotations

import random
from typing import Any

SYSTEM_PROMPT = """\
PROMPT"""


def decide(observation: dict[str, Any], system_prompt: str) -> dict[str, Any]:
    if random.Random(f"rubble {observation['seed']}").random() < 0.6:
        return {"action": "walk_forward", "distance_m": 0.4}
    return {"action": "turn_left", "rotation_rad": 0.5}
