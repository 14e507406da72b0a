"""What was heard of a clause as a step: which action, with which parameters in SI units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose, pi

from handlers.goals.clause import Heard
from handlers.goals.parameters import parameters_of
from handlers.goals.words.verbs import ORDERED

_GAITS = {
    "walk": "walk_forward",
    "trot": "trot_forward",
    "crawl": "crawl_forward",
    "pace": "pace_forward",
    "bound": "bound_forward",
    "climb": "climb_step",
    "back": "walk_backward",
}
_ASIDE = "a step aside, or a turn and a walk? a step aside is assumed"
_TURNS = frozenset({"turn", "face", "turn around", "whirl"})
_DOWN = frozenset({"sit", "lie_down", "crouch"})
"""Families that end on the ground: who stops that gets up."""


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
    names: bool = False
    """Whether it named a thing by a number: "gate 2", and so perhaps "and 3" as well."""


def step_of(heard: Heard, before: Kept | None, aimed: bool) -> tuple[GoalStep | None, Kept | None]:
    """The step of a clause, None where it asks for none; what is odd becomes heard.doubts.

    `before`: what the clause before it said; `aimed`: where to is told elsewhere.
    """
    clause = heard.clause
    family = _family(heard, before)
    if family is None:
        return None, None
    if heard.sideways and family == "walk":
        family = "side"
    kept = Kept(family, _side(heard, family, before), _way(heard, before), _names(heard))
    if heard.clause.has("compass") and not heard.sides and not heard.ways:
        return None, kept
    action, around = _action(heard, kept)
    parameters = parameters_of(heard, action, family)
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
        return ["stand_up" if families[-1] in _DOWN else "stand"]
    if first.text.split()[0] in ("go", "continue", "move", "step", "get") and first.value == "walk":
        return families[1:]
    if families == ["walk", "back"] and heard.verbs[-1].text == "back":  # as in "go back 1 m"
        return ["back"]
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
    if heard.sides and not (heard.clause.has("word") and not heard.amounts):
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
        if before.names and kinds == {"bare"}:  # "walk to gates 2 and 3"
            why = "the number of another one, or an amount?"
            heard.doubt("ambiguous", heard.clause.start, heard.clause.end, why)
            return None
        return before.family
    if heard.amounts and not heard.aims:
        heard.doubt("nothing", heard.clause.start, heard.clause.end, "what is to be done?")
    return None


def _names(heard: Heard) -> bool:
    """Whether a number of the clause is part of a name."""
    taken = [*heard.amounts, *heard.counts]
    return any(tag.role == "amount" and tag not in taken for tag in heard.clause.tags)


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
    if family == "side":
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
    if family == "whirl" or (family == "turn around" and heard.counts):
        heard.doubt("ambiguous", clause.start, clause.end, "how far round? half is assumed")
    around = family in ("turn around", "whirl") or (way == "backward" and not side)
    finely = "precision_" if heard.clause.has("finely") else ""
    return f"{finely}turn_{side or 'left'}", around


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


# -- where to --------------------------------------------------------------------------------------

_CLIMBED_BY = frozenset({"onto", "on", "up", "up the", "over", "upon"})


def _is_climbed(heard: Heard) -> bool:
    """Whether the place is but what is climbed: "step up onto the ledge"."""
    if heard.place is None or heard.aims:
        return False
    start, end = heard.place
    first, *rest = [tag for tag in heard.clause.tags if start <= tag.start and tag.end <= end]
    things = [tag for tag in rest if tag.role not in ("article", "filler")]
    return first.text in _CLIMBED_BY and [tag.value for tag in things] == ["climb"]


_AT_ONCE = frozenset({"shake_hand"})
"""Families that are done where the robot is, whatever they are said to be done at."""


def _expect_place(heard: Heard, kept: Kept, parameters: Mapping[str, float], aimed: bool) -> None:
    """A doubt where the step's end hangs on a place that the words alone do not give."""
    if kept.family == "climb" and _is_climbed(heard):
        return
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
