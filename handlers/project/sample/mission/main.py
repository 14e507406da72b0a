"""The brain of this robot: one observation in, one action out.

`decide` follows the rules written in SYSTEM_PROMPT, so editing the prompt changes what the robot
does. Put a language model or a trained policy here and the rest of the project stays as it is.
"""

from __future__ import annotations

import re
from typing import Any

SYSTEM_PROMPT = """\
You guide a rescue dog through a collapsed hall, one short move at a time.
Look at the last observation, then follow the first rule whose condition holds:

- when fallen: stand_up
- when stuck: walk_backward distance_m=0.3
- when blocked: turn_left rotation_rad=0.7
- when near victim: signal_victim_found
- when in approach: walk_forward distance_m=0.5
- when in patrol: trot_forward distance_m=1.0
- when always: walk_forward distance_m=0.3

Never step onto the person. Short moves are better than long ones while rubble is close.
"""

RULE = re.compile(
    r"^- when (?P<condition>[\w ]+): (?P<action>\w+)(?P<parameters>( \w+=[\d.]+)*)\s*$"
)
FALLEN_DEG = 45.0
BLOCKED_M = 0.35
NEAR_M = 0.6


def decide(observation: dict[str, Any], system_prompt: str) -> dict[str, Any]:
    """The action for an observation: {"action": name, parameter: number, ...}.

    `observation` is what a run log records for a tick: `phase`, `obs`, `motion`, `visible_tags`.
    What is missing from it is unknown, and a rule about something unknown does not hold.
    """
    for line in system_prompt.splitlines():
        rule = RULE.match(line.strip())
        if rule and holds(rule["condition"], observation):
            pairs = (pair.split("=") for pair in rule["parameters"].split())
            return {"action": rule["action"], **{name: float(value) for name, value in pairs}}
    return {"action": "stand"}


def holds(condition: str, observation: dict[str, Any]) -> bool:
    """Whether a rule's condition is true of an observation."""
    obs = observation.get("obs") or {}
    visible = observation.get("visible_tags") or {}
    word, _, rest = condition.partition(" ")
    match word:
        case "always":
            return True
        case "in":
            return bool(observation.get("phase") == rest)
        case "seeing":
            return rest in visible
        case "near":
            return number(visible, rest, NEAR_M) < NEAR_M
        case "stuck":
            return (observation.get("motion") or {}).get("label") == "stuck"
        case "blocked":
            return 0 <= number(obs, "nearest_m", -1.0) < BLOCKED_M
        case "fallen":
            tilt = max(abs(number(obs, "roll_deg", 0.0)), abs(number(obs, "pitch_deg", 0.0)))
            return tilt > FALLEN_DEG
    return False


def number(values: dict[str, Any], name: str, unknown: float) -> float:
    """A number from an observation, or `unknown` when it holds none by that name."""
    value = values.get(name)
    return float(value) if isinstance(value, int | float) else unknown


if __name__ == "__main__":
    print(decide({"phase": "approach", "obs": {"nearest_m": -1}}, SYSTEM_PROMPT))
