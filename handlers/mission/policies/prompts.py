"""A goal in words as action calls: "walk forward 1.5 meters, then turn left 30 degrees".

Clauses are split at connectives; a clause's verb names the action, its numbers the parameters. A
clause without a known verb ("while keeping balance") says nothing and is skipped.
"""

from __future__ import annotations

import re
from math import pi

from handlers.mission.locomotion.skill import Call
from handlers.project.goals import COUNTS, NUMBERS, PARTS, UNITS
from handlers.project.library import PARAMETERS

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

_WORDS: dict[str, float] = {
    "a": 1.0,
    "an": 1.0,
    **{word: value for word, value in NUMBERS.items() if 1 <= value <= 10},
    "half": PARTS["half"],
    "half a": PARTS["half"],
    "quarter": PARTS["quarter"],
}
_UNIT_WORDS = """centimeters centimetres centimeter centimetre cm meters metres meter metre m feet
foot ft degrees degree deg radians radian rad seconds second secs sec s times"""
_AMOUNT = re.compile(
    # A number is tried from its first digit only, and a gap in one way: a goal of nothing but
    # digits or spaces would take hours.
    rf"(?P<number>(?<!\d)\d+(?:\.\d+)?|\.\d+|{'|'.join(sorted(_WORDS, key=len, reverse=True))})"
    r"\s*(?:-\s*)?"
    rf"(?P<unit>{'|'.join(_UNIT_WORDS.split())}|°)(?![a-z])",
    re.I,
)
_MOST = {
    "m": PARAMETERS["distance_m"].high,
    "rad": PARAMETERS["rotation_rad"].high,
    "s": PARAMETERS["duration_s"].high,
}
_COUNT = re.compile(rf"\b({'|'.join(COUNTS)})\b", re.I)


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
    repeat = int(amounts.get("n", 1))
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
    """The quantities of a clause by kind (m, rad, s; n: times), within what an action takes."""
    found: dict[str, float] = {}
    for match in _AMOUNT.finditer(clause):
        text, unit = match["number"].casefold(), match["unit"].casefold()
        value = _WORDS[text] if text in _WORDS else float(text)
        kind, scale = UNITS["degrees" if unit == "°" else unit]
        # Divided, not multiplied: 57 / 100 is 0.57, and 57 * 0.01 is a little more.
        value = value / 100.0 if unit.startswith("c") else value * scale
        found[kind] = _repeats(value) if kind == "n" else min(value, _MOST[kind])
    word = _COUNT.search(clause)
    if word:
        found["n"] = COUNTS[word[1].lower()]
    return found


def _repeats(times: float) -> int:
    most = PARAMETERS["repeat"]
    return int(min(max(round(times), most.low), most.high))
