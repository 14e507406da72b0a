"""A brain that reads English alone: habits, and before them what is said in "If ..., do ..."."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import inf
from typing import Any

from habits import habit

SYSTEM_PROMPT = """\
PROMPT"""

Observation = dict[str, Any]
SAID = re.compile(
    r"- If (?:you are in phase (?P<phase>\w+)(?: and )?)?(?P<held>.*), do (?P<action>\w+)"
    r"(?: with (?P<given>.+))?\."
)
TICKS = re.compile(r"(.+) for (\d+) ticks")


def decide(observation: Observation, system_prompt: str) -> dict[str, Any]:
    seen = [*observation.get("recent", []), observation]
    for line in system_prompt.splitlines():
        said = SAID.fullmatch(line.strip())
        if said is None or said["phase"] not in (None, observation["phase"]):
            continue
        if all(has_held(part, seen, said["phase"]) for part in said["held"].split(" and ") if part):
            given = re.findall(r"(\w+)=([\d.]+)", said["given"] or "")
            return {"action": said["action"], **{name: float(value) for name, value in given}}
    return habit(observation, system_prompt)


def has_held(part: str, seen: list[Observation], phase: str | None) -> bool:
    """Whether a condition is true of as many observations, the last ones, as it says."""
    longer = TICKS.fullmatch(part)
    part, ticks = (longer[1], int(longer[2])) if longer else (part, 1)
    return len(seen) >= ticks and all(
        phase in (None, seen[end - 1]["phase"]) and is_true(part, seen[:end])
        for end in range(len(seen), len(seen) - ticks, -1)
    )


def is_true(part: str, seen: list[Observation]) -> bool:
    for words, test in CONDITIONS.items():
        found = re.fullmatch(words, part)
        if found:
            return test(seen, *found.groups())
    return False


def distance(seen: list[Observation], place: str) -> float | None:
    if place == "the target":
        return (seen[-1].get("target") or {}).get("distance_m")
    return seen[-1]["visible_tags"].get(place)


def bearing(seen: list[Observation], thing: str) -> float:
    """In degrees, left positive; where it is not known no number, of which nothing is true."""
    if thing == "the target is":
        found = (seen[-1].get("target") or {}).get("bearing_deg")
    else:
        found = (seen[-1].get("tag_bearings") or {}).get(thing.removeprefix("you see "))
    return inf - inf if found is None else float(found)


def is_near(seen: list[Observation], place: str, least: float, most: float) -> bool:
    found = distance(seen, place)
    return found is not None and least < found <= most


def clear(seen: list[Observation], side: str) -> float:
    if not side:
        found = seen[-1]["obs"]["nearest_m"]
    else:
        found = (seen[-1].get("clear_m") or {}).get(side.split()[-1])
    return inf if found is None or found < 0 else float(found)


def tries(seen: list[Observation], action: str) -> int:
    return sum(past.get("action") == action for past in seen if past["phase"] == seen[-1]["phase"])


def tilt(seen: list[Observation]) -> float:
    return max(abs(seen[-1]["obs"]["roll_deg"]), abs(seen[-1]["obs"]["pitch_deg"]))


CONDITIONS: dict[str, Callable[..., bool]] = {
    r"at any time": lambda seen: True,
    r"you are stuck": lambda seen: seen[-1]["motion"]["label"] == "stuck",
    r"you are blocked()": lambda seen, side: clear(seen, side) < 0.35,
    r"you are blocked ((?:on the )?\w+)": lambda seen, side: clear(seen, side) < 0.5,
    r"you have fallen": lambda seen: tilt(seen) > 45,
    r"you see (\w+)": lambda seen, tag: tag in seen[-1]["visible_tags"],
    r"you do not see (\w+)": lambda seen, tag: tag not in seen[-1]["visible_tags"],
    r"you are near (\w+)": lambda seen, tag: is_near(seen, tag, 0, 0.6),
    r"you are within (\S+) m of (.+)": lambda seen, m, at: is_near(seen, at, -1, float(m)),
    r"you are farther than (\S+) m from (.+)": lambda seen, m, at: is_near(seen, at, float(m), inf),
    r"(.+) more than (\S+) degrees to the left": lambda seen, it, n: bearing(seen, it) > float(n),
    r"(.+) more than (\S+) degrees to the right": lambda seen, it, n: bearing(seen, it) < -float(n),
    r"(.+) within (\S+) degrees ahead": lambda seen, it, n: abs(bearing(seen, it)) <= float(n),
    r"(\d+) ticks of this phase are over": lambda seen, n: (
        (seen[-1].get("phase_tick") or 0) >= int(n)
    ),
    r"you have tried (\w+) (\d+) times in this phase": lambda seen, action, n: (
        tries(seen, action) >= int(n)
    ),
}
"""What a condition says -> whether it is true of the last of some observations."""
