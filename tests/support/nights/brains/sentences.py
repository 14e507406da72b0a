"""A brain that reads sentences, and like a language model does not do the same in every run.

    In PHASE, [in N of 10 runs] [when TAG is in view|near] ACTION [by AMOUNT].

The first sentence that fits is followed. A rule of the prompt ("- when ...") comes before them.
"""

from __future__ import annotations

import random
import re
from typing import Any

import reflexes

SYSTEM_PROMPT = """\
PROMPT"""

SENTENCE = re.compile(
    r"In (?P<phase>\w+), (?:in (?P<runs>\d+) of 10 runs )?"
    r"(?:when (?P<tag>\w+) is (?P<how>in view|near) )?(?P<action>\w+)(?: by (?P<by>[\d.]+))?\."
)
NEAR_M = 0.6


def decide(observation: dict[str, Any], system_prompt: str) -> dict[str, Any]:
    rule = reflexes.followed(observation, system_prompt)
    if rule is not None:
        return rule
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
        return reflexes.call(sentence["action"], sentence["by"])
    return {"action": "stand"}
