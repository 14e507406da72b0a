"""The brain of this robot: one observation in, one action out.

`decide` follows the rules written in SYSTEM_PROMPT, so editing the prompt changes what the robot
does. Put a language model or a trained policy here and the rest of the project stays as it is.

A rule is one line; what stands in brackets may be left out:

    - when [in PHASE and] CONDITION [and CONDITION]: ACTION [PARAMETER=NUMBER ...]
    - when in PHASE: ACTION [PARAMETER=NUMBER ...]

CONDITIONS, below, lists every condition; `for N ticks` (1 to 20) may follow one. Names of letters,
digits and _ . - stand as they are, others in quotes, as in JSON: seeing "tür/links".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from math import nan
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

Observation = dict[str, Any]


def decide(observation: Observation, system_prompt: str) -> dict[str, Any]:
    """The action for an observation: {"action": name, parameter: number, ...}.

    `observation` is what a run log records for a tick: `phase`, `obs`, `motion`, `visible_tags` ...
    Its `recent` are the observations before it, the newest last: rules "for N ticks" need them.
    What is missing is unknown, and a rule about something unknown does not hold.
    """
    history = [*(observation.get("recent") or []), observation]
    for line in system_prompt.splitlines():
        rule = RULE.fullmatch(line.strip())
        if rule and holds(rule, history):
            pairs = (pair.split("=") for pair in rule["parameters"].split())
            return {"action": plain(rule["action"]), **{name: float(to) for name, to in pairs}}
    return {"action": "stand"}


# -- what conditions say ---------------------------------------------------------------------------


def nearest(seen: list[Observation], side: str = "") -> float:
    """How far (m) it is to the nearest thing, or to the nearest on a side."""
    found = number(seen[-1], "clear_m", side) if side else number(seen[-1], "obs", "nearest_m")
    return found if found >= 0 else nan


def is_tilted(seen: list[Observation], degrees: float) -> bool:
    return any(abs(number(seen[-1], "obs", way)) > degrees for way in ("roll_deg", "pitch_deg"))


def sees(seen: list[Observation], tag: str) -> bool | None:
    tags = seen[-1].get("visible_tags")
    return plain(tag) in tags if isinstance(tags, dict) else None


def distance(seen: list[Observation], place: str) -> float:
    """How far (m) a tag in view is, or where the phase is to be done."""
    if place == "the target":
        return number(seen[-1], "target", "distance_m")
    return number(seen[-1], "visible_tags", plain(place))


def bearing(seen: list[Observation], thing: str) -> float:
    """In which direction (degrees, left positive) that is."""
    if thing == "the target":
        return number(seen[-1], "target", "bearing_deg")
    return number(seen[-1], "tag_bearings", plain(thing.removeprefix("seeing ")))


def tries(seen: list[Observation], action: str) -> int:
    """How often an action was taken in this phase, as far back as is remembered."""
    ticks = number(seen[-1], "phase_tick")
    in_phase = seen[-int(min(ticks, 99)) :] if ticks >= 1 else []
    return sum(past.get("action") == plain(action) for past in in_phase)


CONDITIONS: dict[str, Callable[..., bool]] = {
    "always": lambda seen: True,
    "stuck": lambda seen: part(seen[-1], "motion").get("label") == "stuck",
    "blocked": lambda seen: nearest(seen) < 0.35,
    "blocked on the left": lambda seen: nearest(seen, "left") < 0.5,
    "blocked on the right": lambda seen: nearest(seen, "right") < 0.5,
    "blocked ahead": lambda seen: nearest(seen, "ahead") < 0.5,
    "fallen": lambda seen: is_tilted(seen, 45.0),
    "seeing NAME": lambda seen, tag: sees(seen, tag) is True,
    "not seeing NAME": lambda seen, tag: sees(seen, tag) is False,
    "near NAME": lambda seen, tag: distance(seen, tag) < 0.6,
    "within NUMBER m of PLACE": lambda seen, m, place: distance(seen, place) <= float(m),
    "farther than NUMBER m from PLACE": lambda seen, m, place: distance(seen, place) > float(m),
    "THING more than NUMBER degrees to the left": lambda seen, it, n: bearing(seen, it) > float(n),
    "THING more than NUMBER degrees to the right": lambda seen, it, n: (
        bearing(seen, it) < -float(n)
    ),
    "THING within NUMBER degrees ahead": lambda seen, it, n: abs(bearing(seen, it)) <= float(n),
    "after NUMBER ticks in phase": lambda seen, n: number(seen[-1], "phase_tick") >= float(n),
    "after NUMBER tries of NAME": lambda seen, n, action: tries(seen, action) >= float(n),
}
"""Condition -> whether it is true of the last of some observations. Nothing compares with nan."""


def holds(rule: re.Match[str], history: list[Observation]) -> bool:
    """Whether a rule is for the present phase, and its conditions have held for their ticks."""
    phase = plain(rule["only_in"] or rule["phase"] or "")
    if phase and history[-1].get("phase") != phase:
        return False
    return all(
        len(history) >= int(ticks or 1)
        and all(
            (not phase or history[end - 1].get("phase") == phase) and is_true(said, history[:end])
            for end in range(len(history), len(history) - int(ticks or 1), -1)
        )
        for said, ticks in ((rule["first"], rule["ticks"]), (rule["second"], rule["ticks_2"]))
        if said
    )


def is_true(said: str, seen: list[Observation]) -> bool:
    """Whether a condition is true of the last of these observations."""
    for pattern, condition in READERS:
        match = pattern.fullmatch(said)
        if match:
            return condition(seen, *match.groups())
    return False


# -- how rules are written -------------------------------------------------------------------------

QUOTED = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})+"'
NAME = rf"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*|{QUOTED})"
WORDS = {
    "NAME": NAME,
    "NUMBER": r"[0-9]+(?:\.[0-9]+)?",
    "PLACE": f"(?:the target|{NAME})",
    "THING": f"(?:the target|seeing {NAME})",
}


def pattern_of(condition: str, group: str) -> str:
    """A condition as a regular expression, with each of WORDS in this kind of group."""
    return re.sub("|".join(WORDS), lambda word: f"({group}{WORDS[word[0]]})", condition)


READERS = [(re.compile(pattern_of(said, "")), true) for said, true in CONDITIONS.items()]
ANY = "|".join(pattern_of(said, "?:") for said in CONDITIONS)
TICKS = r"(?:[1-9]|1[0-9]|20)"
RULE = re.compile(
    rf"- when (?:in (?P<only_in>{NAME})|(?:in (?P<phase>{NAME}) and )?"
    rf"(?P<first>{ANY})(?: for (?P<ticks>{TICKS}) ticks)?"
    rf"(?: and (?P<second>{ANY})(?: for (?P<ticks_2>{TICKS}) ticks)?)?)"
    rf": (?P<action>\w+|{NAME})(?P<parameters>(?: \w+={WORDS['NUMBER']})*)"
)


def plain(name: str) -> str:
    """A name without its quotes."""
    return str(json.loads(name)) if name.startswith('"') else name


def part(observation: Observation, name: str) -> dict[str, Any]:
    """A part of an observation; empty when it is not there."""
    value = observation.get(name)
    return value if isinstance(value, dict) else {}


def number(observation: Observation, *names: str) -> float:
    """A finite number in an observation, or nan where there is none; true and false are none."""
    *parts, name = names
    value = (part(observation, parts[0]) if parts else observation).get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        return nan
    return value


if __name__ == "__main__":
    print(decide({"phase": "approach", "obs": {"nearest_m": -1}}, SYSTEM_PROMPT))
