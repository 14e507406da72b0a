"""Which way a goal and a plan go: left or right, forward or back, up or down, in or out.

Words that mean opposite things stand in the same sentences, so that vectors put them side by side.
A taught goal that goes the other way is therefore no candidate at all, however near it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, zip_longest
from math import isclose, pi
from typing import Any

from handlers.lora.model.encoders.base import torch
from handlers.lora.model.lexicon import Plan, Slot
from handlers.lora.model.text import Text

_POLES: dict[str, tuple[str, int]] = {}
for _axis, _words in {
    "side": ("left leftward leftwards leftmost", "right rightward rightwards rightmost"),
    "way": (
        "forward forwards ahead onward onwards",
        "backward backwards back reverse reversing rearward rearwards retreat withdraw",
    ),
    "height": (
        "up upward upwards upstairs upper ascend rise climb",
        "down downward downwards downstairs lower descend",
    ),
    "inside": ("into inside enter entering", "outside leave leaving"),
}.items():
    for _sign, _said in zip((1, -1), _words, strict=True):
        _POLES |= dict.fromkeys(_said.split(), (_axis, _sign))
AXES = tuple(dict.fromkeys(axis for axis, _ in _POLES.values()))
WAYS = frozenset(_POLES) | {"out", "in"}
"""Words that say which way."""
_OUT_OF = ("inside", -1)
_RETURNS = frozenset({"to", "home", "on", "onto"})
"""What follows a "back" that says where to, and not which way: "trot back to the door"."""
_LEFT_AS_IT_IS = frozenset({"alone", "untouched", "undisturbed", "unharmed", "unbothered", "be"})
"""What follows a "left" of leaving: "with the person left alone"."""
_LEFT_IN = frozenset({("in", "peace"), ("in", "place"), ("as", "is"), ("as", "it"), ("as", "they")})
_HEIGHTS = {"climb_step": 1, "stand_up": 1, "rear_up": 1, "lie_down": -1}

Ways = dict[str, frozenset[int]]
"""Of each axis that is spoken of, the poles: 1 for left, forward, up and in, -1 for the others."""


def without_leaving(words: Sequence[str]) -> list[str]:
    """Words without a "left" that is no side."""
    return [
        word
        for at, word in enumerate(words)
        if word != "left"
        or not (
            _LEFT_AS_IT_IS.intersection(words[at + 1 : at + 2])
            or tuple(words[at + 1 : at + 3]) in _LEFT_IN
        )
    ]


def said(text: Text) -> Ways:
    """The ways that the words of a text name."""
    words = without_leaving(text.words)
    found = [
        _POLES[word]
        for word, after in zip_longest(words, words[1:], fillvalue="")
        if word in _POLES and not (word == "back" and after in _RETURNS)
    ]
    found += [_POLES[w[:-5]] for w in words if w.endswith("-hand") and w[:-5] in _POLES]
    found += [_OUT_OF for pair in pairwise(words) if pair == ("out", "of")]
    return _by_axis(found)


def done(plan: Plan) -> Ways:
    """The ways that a plan takes. One that turns round goes no way in particular."""
    found: list[tuple[str, int]] = []
    for action in plan:
        if action.name.endswith(("_left", "_right")):
            if not turns_round(dict(action.parameters)):
                found.append(("side", 1 if action.name.endswith("_left") else -1))
        elif action.name.endswith(("_forward", "_backward")):
            found.append(("way", 1 if action.name.endswith("_forward") else -1))
        if action.name in _HEIGHTS:
            found.append(("height", _HEIGHTS[action.name]))
    ways = _by_axis(found)
    if any(turns_round(dict(action.parameters)) for action in plan):
        ways.pop("way", None)
    return ways


def as_tensor(ways: Sequence[Ways]) -> Any:
    """[N, axes, 2] bool: whether each names a pole of an axis."""
    rows = [[[sign in one.get(axis, ()) for sign in (1, -1)] for axis in AXES] for one in ways]
    return torch().tensor(rows, dtype=torch().bool)


def opposed(one: Any, other: Any) -> Any:
    """[...] bool, for ways [..., axes, 2]: whether on some axis each goes where the other does not,
    and both go somewhere.
    """
    both = one.any(-1) & other.any(-1)
    return (both & ~(one & other).any(-1)).any(-1)


def known_ways(text: Text, plan: Plan) -> Ways:
    """The ways of something taught: what its words say, and of what they do not its plan."""
    return done(plan) | said(text)


def habit(plans: Iterable[Plan]) -> str:
    """To which side the plans turn about that do nothing else: "left", "right", "" where they do
    not agree. Who looks all around comes back to where they were, and tells nothing.
    """
    alone = [plan[0] for plan in plans if len(plan) == 1]
    about = [act.name for act in alone if _halves(dict(act.parameters)) % 2 == 1]
    sides = {name.rsplit("_", 1)[-1] for name in about}
    return sides.pop() if len(sides) == 1 else ""


def turns_round(parameters: Mapping[str, float | Slot]) -> bool:
    """Whether a turn is by half a circle, or a whole one: the same to either side."""
    return _halves(parameters) > 0


def _halves(parameters: Mapping[str, float | Slot]) -> int:
    """By how many halves of a circle one turns; 0 where it is no whole number of them."""
    angle, repeat = parameters.get("rotation_rad", 0.0), parameters.get("repeat", 1.0)
    if isinstance(angle, Slot):
        return 0
    halves = angle * (repeat if not isinstance(repeat, Slot) else 1.0) / pi
    return round(halves) if isclose(halves, round(halves), abs_tol=0.02) else 0


def _by_axis(found: Iterable[tuple[str, int]]) -> Ways:
    ways: dict[str, set[int]] = {}
    for axis, sign in found:
        ways.setdefault(axis, set()).add(sign)
    return {axis: frozenset(signs) for axis, signs in ways.items()}
