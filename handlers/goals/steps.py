"""What was heard of a clause as a step: which action, with which parameters in SI units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose, pi

from handlers.goals.clause import Heard
from handlers.goals.clauses import Tag
from handlers.goals.verbs import ORDERED
from handlers.project.library import PARAMETERS

_GAITS = {
    "walk": "walk_forward",
    "trot": "trot_forward",
    "crawl": "crawl_forward",
    "pace": "pace_forward",
    "bound": "bound_forward",
    "climb": "climb_step",
    "back": "walk_backward",
}
_COUNTABLE = frozenset({"jump", "rear_kick", "shake_hand", "rear_up", "climb", "sit", "bound"})
"""Families whose noun may be counted: five jumps, three steps of a stair."""
_ASIDE = "a step aside, or a turn and a walk? a step aside is assumed"
_TURNS = frozenset({"turn", "face", "turn around", "whirl"})


@dataclass(frozen=True, slots=True)
class GoalStep:
    """One action a goal asks for.

    `parameters`: those the goal says (m, rad, s, whole times, a factor of the speed); what it does
    not say is the action's own default. `words` is `goal[start:end]`, where it stands; `place` what
    it says of where to, "" for nothing.
    """

    action: str
    parameters: Mapping[str, float]
    words: str
    start: int
    end: int
    place: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a clause passes on to one that says less: "walk 1 m, 2 m and 3 m"."""

    family: str
    side: str
    way: str


def step_of(heard: Heard, before: Kept | None, aimed: bool) -> tuple[GoalStep | None, Kept | None]:
    """The step of a clause, None where it asks for none; what is odd becomes heard.doubts.

    `before`: what the clause before it said; `aimed`: where to is told elsewhere.
    """
    clause = heard.clause
    family = _family(heard, before)
    if family is None:
        return None, None
    kept = Kept(family, _side(heard, family, before), _way(heard, before))
    if heard.clause.has("compass") and not heard.sides and not heard.ways:
        return None, kept
    action, around = _action(heard, kept)
    parameters = _parameters(heard, action, family)
    if parameters is None:
        return None, kept
    if around and "rotation_rad" not in parameters:
        parameters["rotation_rad"] = pi
    if family in _TURNS and not kept.side and not _is_half(parameters.get("rotation_rad", 0.0)):
        heard.doubt("ambiguous", clause.start, clause.end, "left or right? left is assumed")
    _expect_place(heard, kept, parameters, aimed)
    place = heard.goal[slice(*heard.place)] if heard.place else ""
    words = heard.goal[clause.start : clause.end]
    return GoalStep(action, parameters, words, clause.start, clause.end, place), kept


def _is_half(angle: float) -> bool:
    """Whether it is the same to which side one turns so far."""
    return (angle > 0 and isclose(angle % pi, 0.0, abs_tol=1e-6)) or isclose(angle % pi, pi)


# -- what is done ----------------------------------------------------------------------------------


def _family(heard: Heard, before: Kept | None) -> str | None:
    """The family of the clause's action; None where it names none."""
    families = list(dict.fromkeys(tag.value for tag in heard.verbs))
    gaits = [tag.value for tag in heard.gaits]
    if len(families) > 1:
        families = _chained(heard, families)
    if (not families and gaits) or (families == ["walk"] and gaits):
        families = [gaits[0]]
    if len(families) > 1:
        heard.doubt("ambiguous", heard.clause.start, heard.clause.end, "two actions at once")
        return None
    if families:
        return families[0]
    return _unspoken(heard, before)


def _chained(heard: Heard, families: list[str]) -> list[str]:
    """ "go sit", "stop walking", "stand and wait": the verb that tells."""
    first = heard.verbs[0]
    if first.text.startswith(("stop", "halt", "pause", "freeze")):
        heard.sides, heard.ways, heard.place = [], [], None
        return ["stand"]
    if first.text.split()[0] in ("go", "continue", "move", "step", "get") and first.value == "walk":
        return families[1:]
    if set(families) == {"walk", "turn"} and heard.sides and heard.verbs[-1].value == "turn":
        return families
    return families


def _unspoken(heard: Heard, before: Kept | None) -> str | None:
    """The action of a clause without a verb: "2 m ahead", "left 90 degrees", ", 3 m"."""
    kinds = {tag.amount.kind for tag in heard.amounts if tag.amount}
    if heard.sideways:
        return "side"
    if heard.ways:
        return before.family if before and before.family in ORDERED and before.family not in (
            "back", "climb") else "walk"  # fmt: skip
    if heard.sides:
        if before is not None and before.family in ("turn", "side", "face") and "rad" not in kinds:
            return "side" if before.family == "side" or "m" in kinds else "turn"
        if "m" in kinds:
            heard.doubt("ambiguous", heard.clause.start, heard.clause.end,
                        _ASIDE)  # fmt: skip
            return "side"
        if "rad" not in kinds and before is None:
            heard.doubt("assumed", heard.clause.start, heard.clause.end, "taken as a turn")
        return "turn"
    if heard.amounts and before is not None:
        return before.family
    if heard.amounts and not heard.aims:
        heard.doubt("nothing", heard.clause.start, heard.clause.end, "what is to be done?")
    return None


def _side(heard: Heard, family: str, before: Kept | None) -> str:
    sides = list(dict.fromkeys(tag.value for tag in heard.sides))
    if len(sides) > 1:
        heard.doubt("ambiguous", heard.clause.start, heard.clause.end, "left or right?")
    if sides:
        return sides[0]
    if not heard.verbs and before is not None and before.family == family:
        return before.side
    return ""


def _way(heard: Heard, before: Kept | None) -> str:
    ways = list(dict.fromkeys(tag.value for tag in heard.ways))
    if len(ways) > 1:
        heard.doubt("ambiguous", heard.clause.start, heard.clause.end, "forward or backward?")
    if ways:
        return ways[0]
    inherits = before is not None and not heard.verbs and not heard.sides
    return before.way if inherits and before is not None else ""


def _action(heard: Heard, kept: Kept) -> tuple[str, bool]:
    """The action of a family with its side and way; and whether it is a turn by half a circle."""
    clause, family, side, way = heard.clause, kept.family, kept.side, kept.way
    if family in _TURNS:
        return _turn(heard, family, side, way)
    if family == "side" or (heard.sideways and family == "walk"):
        if not side:
            heard.doubt("ambiguous", clause.start, clause.end, "left or right? left is assumed")
        if way:
            heard.doubt("ambiguous", clause.start, clause.end, "aside, or forward or backward?")
        return f"side_step_{side or 'left'}", False
    if family in _GAITS:
        return _travel(heard, family, side, way), False
    if side and family not in ("shake_hand", "lie_down", "sit", "stand"):
        heard.doubt("ambiguous", clause.start, clause.end, f"{family} has no side")
    elif side or way:
        what = "no side" if side else "no direction"
        heard.doubt("ambiguous", clause.start, clause.end, f"{family} has {what}")
    return family, False


def _turn(heard: Heard, family: str, side: str, way: str) -> tuple[str, bool]:
    clause = heard.clause
    if way and family in ("turn", "face"):
        heard.doubt("ambiguous", clause.start, clause.end, "a turn goes left or right")
    if family == "whirl":
        heard.doubt("ambiguous", clause.start, clause.end, "how far round? half is assumed")
    around = family in ("turn around", "whirl") or (way == "backward" and not side)
    return f"turn_{side or 'left'}", around


def _travel(heard: Heard, family: str, side: str, way: str) -> str:
    clause = heard.clause
    if side:
        says_step = any(tag.text.startswith("step") for tag in heard.verbs)
        kinds = {tag.amount.kind for tag in heard.amounts if tag.amount}
        if family == "walk" and not way and not heard.place:
            if "rad" in kinds:
                heard.doubt("ambiguous", clause.start, clause.end, "taken as a turn")
                return f"turn_{side}"
            if not says_step:
                heard.doubt("ambiguous", clause.start, clause.end,
                            _ASIDE)  # fmt: skip
            return f"side_step_{side}"
        heard.doubt("ambiguous", clause.start, clause.end, f"forward, or to the {side}?")
    if way == "backward" or family == "back":
        if family not in ("walk", "back"):
            heard.doubt("action", clause.start, clause.end,
                        "the robot only walks backward: a walk is assumed")  # fmt: skip
        elif family == "back" and way == "forward":
            heard.doubt("ambiguous", clause.start, clause.end, "forward or backward?")
        return "walk_backward"
    return _GAITS[family]


# -- how much --------------------------------------------------------------------------------------

_KINDS = {"m": "distance_m", "rad": "rotation_rad", "s": "duration_s", "speed": "speed"}
_ASSUMED = {"rotation_rad": ("degrees", pi / 180), "distance_m": ("meters", 1.0),
            "duration_s": ("seconds", 1.0)}  # fmt: skip
_REFUSED = frozenset({"range", "unit"})
"""Amounts of which there is no saying what they come to: nothing is done by them."""


def _takes(action: str) -> tuple[str, ...]:
    """The amounts an action takes, its own first."""
    if action.startswith("turn"):
        return ("rotation_rad", "duration_s")
    if action.startswith("side_step") or action in _GAITS.values():
        return ("distance_m", "duration_s")
    return ("duration_s",)


def _parameters(heard: Heard, action: str, family: str) -> dict[str, float] | None:
    """The parameters a clause says; None where one of them rules the step out."""
    found: dict[str, float] = {}
    for tag in heard.amounts:
        assert tag.amount is not None
        if tag.amount.flaw in ("range", "unit", "limit"):
            return None
        name = _KINDS.get(tag.amount.kind, "")
        value = tag.amount.value
        if tag.amount.kind == "bare":
            noun = _noun_after(heard, tag)
            if noun in ("step", "steps") and family != "climb":
                heard.doubt("unit", tag.start, tag.end, f"how long are {noun}? say it in meters")
                return None
            if family in _COUNTABLE and _counts_noun(heard, tag):
                heard.counts.append(tag)
                continue
            name = _takes(action)[0]
            unit, scale = _ASSUMED[name]
            if family in _COUNTABLE:
                heard.doubt("assumed", tag.start, tag.end, "a count is said with 'times'")
                continue
            heard.doubt("assumed", tag.start, tag.end, f"taken as {unit}")
            value *= scale
        if name not in (*_takes(action), "speed"):
            heard.doubt("unit", tag.start, tag.end, f"{action} takes no such amount")
            return None
        if name in found:
            heard.doubt("ambiguous", tag.start, tag.end, "two amounts of one kind")
            return None
        found[name] = value
    if "duration_s" in found and len(found.keys() - {"speed"}) > 1:
        heard.doubt("ambiguous", heard.clause.start, heard.clause.end,
                    "an amount and a time: the time is left out")  # fmt: skip
        del found["duration_s"]
    return _limited(heard, found)


def _noun_after(heard: Heard, tag: Tag) -> str:
    """What stands right after a number, where that may be counted: "five jumps", "3 stairs"."""
    tags = heard.clause.tags
    index = tags.index(tag) + 1
    if index < len(tags) and tags[index].role in ("order", "verb", "object"):
        return tags[index].text.split()[-1]
    return ""


def _counts_noun(heard: Heard, tag: Tag) -> bool:
    return _noun_after(heard, tag).endswith(("s", "p", "k"))


def _limited(heard: Heard, found: dict[str, float]) -> dict[str, float] | None:
    """The parameters within what the robot can do, the count of the clause included."""
    for name, value in found.items():
        limit = PARAMETERS[name]
        tag = next(tag for tag in heard.amounts if tag.amount)
        if value <= 0:
            heard.doubt("limit", tag.start, tag.end, "nothing at all cannot be done")
            return None
        if not limit.low <= value <= limit.high * (1 + 1e-4):
            heard.doubt("limit", tag.start, tag.end,
                        f"{name} is {limit.low:g} to {limit.high:.4g}")  # fmt: skip
        found[name] = min(max(value, limit.low), limit.high)
    return found


_AT_ONCE = frozenset({"shake_hand"})
"""Families that are done where the robot is, whatever they are said to be done at."""


def _expect_place(heard: Heard, kept: Kept, parameters: Mapping[str, float], aimed: bool) -> None:
    """A doubt where the step's end hangs on a place that the words alone do not give."""
    goes_so_far = kept.way and "distance_m" in parameters
    turns_so_far = kept.side and "rotation_rad" in parameters
    if aimed or goes_so_far or turns_so_far or kept.family in _AT_ONCE:
        return
    clause = heard.clause
    if heard.place is not None:
        why = "where that is the words alone do not say: give a direction and a distance"
        heard.doubt("place", *heard.place, why)
    elif heard.aims:
        heard.doubt("place", clause.start, clause.end, "what comes of it cannot be told from words")
