"""The brain of this robot: one observation in, one action out.

`decide` follows the rules written in SYSTEM_PROMPT, so editing the prompt changes what the robot
does. Put a language model or a trained policy here and the rest of the project stays as it is.

A rule is one line; what stands in brackets may be left out:

    - when [in PHASE and] CONDITION [for N ticks]: ACTION [PARAMETER=NUMBER ...]
    - when in PHASE: ACTION [PARAMETER=NUMBER ...]

CONDITION is always, stuck, blocked, fallen, seeing TAG or near TAG. N is 1 to 20.
"""

from __future__ import annotations

import re
from typing import Any

SYSTEM_PROMPT = """\
You guide a rescue dog through a collapsed hall, one short move at a time.
Look at the last observation, then follow the first rule whose condition holds:

- when fallen: stand_up
- when near victim: signal_victim_found
- when stuck: walk_backward distance_m=0.3
- when blocked: turn_left rotation_rad=0.7
- when in approach: walk_forward distance_m=0.5
- when in patrol: trot_forward distance_m=1.0
- when always: walk_forward distance_m=0.3

Never step onto the person. Short moves are better than long ones while rubble is close.
"""

NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
CONDITION = rf"(?:always|stuck|blocked|fallen|(?:seeing|near)[ ]{NAME})"
RULE = re.compile(
    rf"""- [ ] when [ ]
    (?: in [ ] (?P<only_in>{NAME})
      | (?: in [ ] (?P<phase>{NAME}) [ ] and [ ] )?
        (?P<condition>{CONDITION})
        (?: [ ] for [ ] (?P<ticks>[1-9]|1[0-9]|20) [ ] ticks )?
    )
    : [ ] (?P<action>\w+) (?P<parameters>(?:[ ]\w+=[0-9]+(?:\.[0-9]+)?)*)
    """,
    re.VERBOSE,
)
FALLEN_DEG = 45.0
BLOCKED_M = 0.35
NEAR_M = 0.6


def decide(observation: dict[str, Any], system_prompt: str) -> dict[str, Any]:
    """The action for an observation: {"action": name, parameter: number, ...}.

    `observation` is what a run log records for a tick: `phase`, `obs`, `motion`, `visible_tags`.
    Its `recent` are the observations before it, the newest last: rules "for N ticks" need them.
    What is missing is unknown, and a rule about something unknown does not hold.
    """
    history = [*(observation.get("recent") or []), observation]
    for line in system_prompt.splitlines():
        rule = RULE.fullmatch(line.strip())
        if rule and has_held(rule, history):
            pairs = (pair.split("=") for pair in rule["parameters"].split())
            return {"action": rule["action"], **{name: float(value) for name, value in pairs}}
    return {"action": "stand"}


def has_held(rule: re.Match[str], history: list[dict[str, Any]]) -> bool:
    """Whether a rule's phase is the present one and its condition has held for its ticks."""
    ticks = int(rule["ticks"] or 1)
    phase = rule["only_in"] or rule["phase"]
    return len(history) >= ticks and all(
        (phase is None or past.get("phase") == phase) and holds(rule["condition"] or "always", past)
        for past in history[-ticks:]
    )


def holds(condition: str, observation: dict[str, Any]) -> bool:
    """Whether a condition is true of one observation."""
    obs, visible = part(observation, "obs"), part(observation, "visible_tags")
    word, _, tag = condition.partition(" ")
    match word:
        case "always":
            return True
        case "stuck":
            return bool(part(observation, "motion").get("label") == "stuck")
        case "blocked":
            nearest = number(obs, "nearest_m")
            return nearest is not None and 0 <= nearest < BLOCKED_M
        case "fallen":
            tilts = number(obs, "roll_deg"), number(obs, "pitch_deg")
            return any(tilt is not None and abs(tilt) > FALLEN_DEG for tilt in tilts)
        case "seeing":
            return tag in visible
        case "near":
            distance = number(visible, tag)
            return distance is not None and distance < NEAR_M
    return False


def part(observation: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of an observation; empty when it is not there."""
    value = observation.get(name)
    return value if isinstance(value, dict) else {}


def number(values: dict[str, Any], name: str) -> float | None:
    """A finite number, or None when there is none by that name; true and false are none."""
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        return None
    return value


if __name__ == "__main__":
    print(decide({"phase": "approach", "obs": {"nearest_m": -1}}, SYSTEM_PROMPT))
