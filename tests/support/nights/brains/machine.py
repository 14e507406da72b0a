"""A brain that is a state machine: the legs of a route, one after the other.

    Route in PHASE: ACTION AMOUNT x TIMES, ACTION AMOUNT x TIMES ...

The last leg goes on for ever. A rule of the prompt ("- when ...") comes before the route, and the
route goes on afterwards where it was.
"""

from __future__ import annotations

import re
from typing import Any

from habits import call
from reflexes import followed

SYSTEM_PROMPT = """\
PROMPT"""

ROUTE = re.compile(r"^Route in (?P<phase>\w+): (?P<legs>.+)$", re.M)
LEG = re.compile(r"(?P<action>\w+) (?P<amount>[\d.]+) x (?P<times>\d+)")
done: dict[str, int] = {}
"""Phase -> steps of its route that were taken."""


def decide(observation: dict[str, Any], system_prompt: str) -> dict[str, Any]:
    rule = followed(observation, system_prompt)
    if rule is not None:
        return rule
    phase = observation["phase"]
    routes = {found["phase"]: found["legs"] for found in ROUTE.finditer(system_prompt)}
    steps = [
        call(leg["action"], leg["amount"])
        for leg in LEG.finditer(routes.get(phase, ""))
        for _ in range(int(leg["times"]))
    ]
    if not steps:
        return {"action": "stand"}
    done[phase] = done.get(phase, -1) + 1
    return steps[min(done[phase], len(steps) - 1)]
