"""How far, how much and how long: a clause's amounts as the parameters of its action."""

from __future__ import annotations

from math import pi

from handlers.goals.clause import Heard
from handlers.goals.clauses import Tag
from handlers.goals.tempo import SPEEDS
from handlers.goals.words.amount import Amount
from handlers.project.library import PARAMETERS

_TRAVELLING = ("walk_", "trot_", "crawl_", "pace_", "bound_", "climb_", "side_step_")
_COUNTABLE = frozenset({"jump", "rear_kick", "shake_hand", "rear_up", "climb", "sit", "bound"})
"""Families whose noun may be counted: five jumps, three steps of a stair."""
_NAMES = {"m": "distance_m", "rad": "rotation_rad", "s": "duration_s", "speed": "speed"}
_ASSUMED = {"rotation_rad": ("degrees", pi / 180), "distance_m": ("meters", 1.0),
            "duration_s": ("seconds", 1.0)}  # fmt: skip
_REFUSED = frozenset({"unit", "limit"})
"""Flaws of amounts of which there is no saying what they come to: nothing is done by them."""


def parameters_of(heard: Heard, action: str, family: str) -> dict[str, float] | None:
    """The parameters a clause says (m, rad, s); None where one of them rules the step out."""
    found: dict[str, float] = {}
    said: dict[str, Tag] = {}
    for tag in heard.amounts:
        assert tag.amount is not None
        if tag.amount.flaw in _REFUSED:
            return None
        if tag.amount.kind == "bare":
            named = _without_unit(heard, tag, tag.amount, action, family)
            if named == ("", 0.0):
                continue
        else:
            named = _NAMES.get(tag.amount.kind, ""), tag.amount.value
        if named is None:
            return None
        name, value = named
        if name not in (*_takes(action), "speed"):
            heard.doubt("unit", tag.start, tag.end, f"{action} takes no such amount")
            return None
        if name in found:
            heard.doubt("ambiguous", tag.start, tag.end, "two amounts of one kind")
            return None
        found[name], said[name] = value, tag
    if "duration_s" in found and len(found.keys() - {"speed"}) > 1:
        why = "an amount and a time: the time is left out"
        heard.doubt("ambiguous", heard.clause.start, heard.clause.end, why)
        del found["duration_s"]
    if heard.tempos:
        found["speed"], said["speed"] = _tempo(heard, found.get("speed")), heard.tempos[0]
    return _limited(heard, found, said)


def _tempo(heard: Heard, speed: float | None) -> float:
    """The factor that "slowly" and "quickly" stand for; one that is said in numbers goes first."""
    first = heard.tempos[0]
    if len({tag.value for tag in heard.tempos}) > 1:
        heard.doubt("ambiguous", first.start, heard.tempos[-1].end, "slowly or quickly?")
    if speed is None:
        return SPEEDS[first.value]
    if (speed - 1) * (SPEEDS[first.value] - 1) < 0:
        heard.doubt("ambiguous", first.start, first.end, f"the speed that is said is {speed:g}")
    return speed


def _takes(action: str) -> tuple[str, ...]:
    """The amounts an action takes, its own first."""
    if "turn_" in action:
        return ("rotation_rad", "duration_s")
    if action.startswith(_TRAVELLING):
        return ("distance_m", "duration_s")
    return ("duration_s",)


def _without_unit(
    heard: Heard, tag: Tag, amount: Amount, action: str, family: str
) -> tuple[str, float] | None:
    """What a bare number stands for: ("", 0.0) for a count, None where it rules the step out."""
    noun = _noun_after(heard, tag)
    if noun in ("step", "steps") and family != "climb":
        heard.doubt("unit", tag.start, tag.end, f"how long are {noun}? say it in meters")
        return None
    if family in _COUNTABLE:
        if noun.endswith(("s", "p", "k")):
            heard.counts.append(tag)
        else:
            heard.doubt("assumed", tag.start, tag.end, "a count is said with 'times'")
        return "", 0.0
    name = _takes(action)[0]
    unit, scale = _ASSUMED[name]
    heard.doubt("assumed", tag.start, tag.end, f"taken as {unit}")
    return name, amount.value * scale


def _noun_after(heard: Heard, tag: Tag) -> str:
    """What stands right after a number, where that may be counted: "five jumps", "3 stairs"."""
    tags = heard.clause.tags
    index = tags.index(tag) + 1
    if index < len(tags) and tags[index].role in ("order", "verb", "object"):
        return tags[index].text.split()[-1]
    return ""


def _limited(
    heard: Heard, found: dict[str, float], said: dict[str, Tag]
) -> dict[str, float] | None:
    """The parameters within what the robot can do."""
    for name, value in found.items():
        limit, tag = PARAMETERS[name], said[name]
        if value <= 0:
            heard.doubt("limit", tag.start, tag.end, "nothing at all cannot be done")
            return None
        if not limit.low <= value <= limit.high * (1 + 1e-4):
            why = f"{name} is {limit.low:g} to {limit.high:.4g}"
            heard.doubt("limit", tag.start, tag.end, why)
        found[name] = min(max(value, limit.low), limit.high)
    return found
