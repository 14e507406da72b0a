"""A goal in words as action calls: "walk forward 1.5 meters, then turn left 30 degrees".

Clauses are split at connectives; a clause's verb names the action, its numbers the parameters. A
clause without a known verb ("while keeping balance") says nothing and is skipped.
"""

from __future__ import annotations

import re
from math import pi, radians

from handlers.mission.locomotion.skill import Call

_SPLIT = re.compile(
    r"\b(?:and then|then|and|before|after that|while|without)\b|[,;.:—–](?!\d)", re.I
)

_VERBS: tuple[tuple[str, str], ...] = (
    (r"stand up|get up|rise", "stand_up"),
    (r"side[- ]?step(?:s|ping)?|strafe|shuffle", "side_step"),
    (r"turn|rotate|spin|pivot|face|about-face", "turn"),
    (r"(?:walk|step|move|go|crawl)\w* back(?:ward)?s?|back (?:up|out|off|away)|reverse|retreat",
     "walk_backward"),
    (r"crawl|creep|squeeze|sneak|duck", "crawl_forward"),
    (r"trot|run|jog|hurry|rush", "trot_forward"),
    (r"climb|mount|step (?:up|onto|over)", "climb_step"),
    (r"pace", "pace_forward"),
    (r"bound|gallop", "bound_forward"),
    (r"jump|hop|leap", "jump"),
    (r"rear up", "rear_up"),
    (r"kick", "rear_kick"),
    (r"shake|wave|greet|handshake", "shake_hand"),
    (r"sit", "sit"),
    (r"lie|lay|rest", "lie_down"),
    (r"walk|move|go|head|advance|march|proceed|continue|approach|step", "walk_forward"),
    (r"stand|wait|stop|hold|stay|pause|halt|freeze", "stand"),
)  # fmt: skip
_PATTERNS = tuple((re.compile(rf"\b(?:{words})\b", re.I), action) for words, action in _VERBS)

_WORDS = {
    "a": 1.0, "an": 1.0, "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0,
    "seven": 7.0, "eight": 8.0, "nine": 9.0, "ten": 10.0, "half": 0.5, "half a": 0.5,
    "quarter": 0.25,
}  # fmt: skip
_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
_UNIT = re.compile(
    rf"(?P<number>\d+(?:\.\d+)?|\.\d+|{_WORD})\s*-?\s*"
    r"(?P<unit>centimet(?:er|re)s?|cm|met(?:er|re)s?|m|feet|foot|ft|degrees?|deg|°|"
    r"radians?|rad|seconds?|secs?|s|times)(?![a-z])",
    re.I,
)
_TIMES = re.compile(r"\b(once|twice|thrice)\b", re.I)


def parse_goal(goal: str) -> list[Call]:
    """The calls a goal prompt spells out, in order; empty when it names none."""
    calls = []
    for clause in _SPLIT.split(goal):
        call = _clause(clause) if clause else None
        if call is not None:
            calls.append(call)
    return calls


def _clause(clause: str) -> Call | None:
    found = [
        (match.start(), order, action)
        for order, (pattern, action) in enumerate(_PATTERNS)
        if (match := pattern.search(clause))
    ]
    if not found:
        return None
    # The verb that comes first; of several that begin there, the more telling one.
    _, _, action = min(found)
    return _call(action, clause)


def _call(action: str, clause: str) -> Call | None:
    amounts = _amounts(clause)
    side = _side(clause)
    repeat = int(amounts.get("times", 1))
    if action == "turn":
        default = pi if re.search(r"\baround\b|other way|about-face", clause, re.I) else 0.0
        angle = amounts.get("rad", default)
        return Call(f"turn_{side or 'left'}", rotation_rad=round(angle, 6), repeat=repeat)
    if action == "side_step":
        distance = amounts.get("m", 0.0)
        return Call(f"side_step_{side or 'left'}", distance_m=distance, repeat=repeat)
    if action.endswith(("forward", "backward")) or action == "climb_step":
        if action == "walk_forward" and re.search(r"\bback(?:ward)?s?\b", clause, re.I):
            action = "walk_backward"
        return Call(
            action,
            distance_m=amounts.get("m", 0.0),
            duration_s=amounts.get("s", 0.0),
            repeat=repeat,
        )
    return Call(action, duration_s=amounts.get("s", 0.0), repeat=repeat)


def _side(clause: str) -> str | None:
    match = re.search(r"\b(left|right)\b", clause, re.I)
    return match[1].lower() if match else None


def _amounts(clause: str) -> dict[str, float]:
    """The quantities of a clause in m, rad, s and times; ranges are those of the library."""
    found: dict[str, float] = {}
    for match in _UNIT.finditer(clause):
        text, unit = match["number"].lower(), match["unit"].lower()
        value = _WORDS[text] if text in _WORDS else float(text)
        if unit.startswith(("centi", "cm")):
            found["m"] = min(value / 100.0, 20.0)
        elif unit.startswith(("f",)):
            found["m"] = min(value * 0.3048, 20.0)
        elif unit.startswith("m"):
            found["m"] = min(value, 20.0)
        elif unit.startswith(("d", "°")):
            found["rad"] = min(radians(value), 2 * pi)
        elif unit.startswith("r"):
            found["rad"] = min(value, 2 * pi)
        elif unit == "times":
            found["times"] = min(max(round(value), 1), 10)
        else:
            found["s"] = min(value, 60.0)
    word = _TIMES.search(clause)
    if word:
        found["times"] = {"once": 1, "twice": 2, "thrice": 3}[word[1].lower()]
    return found
