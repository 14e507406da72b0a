"""A goal in one form: politeness and filler left out, numbers and units in SI.

Goals with the same normal form ask for the same: near-duplicates of an exam's goals are found by
it. It is made of words, not of steps, so that goals nobody understands can be compared as well.
"""

from __future__ import annotations

import re
from functools import lru_cache

from handlers.goals.clauses import Tag, tags_of
from handlers.goals.words.quantities import parts
from handlers.goals.words.tokens import tokens

_LEFT_OUT = frozenset({"filler", "article", "measure"})
_UNITS = {"m": "m", "rad": "rad", "s": "s", "n": "times", "speed": "times speed", "bare": ""}


_JOINTS = frozenset({"then"})
_ROUNDS = 4
"""What is left out may bring words together that say something else: until nothing changes."""
_NUMBER = re.compile(r"(?<![\w.])[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?!\w)")
_MARKS = re.compile(r"[,;:.!?]+(?=\s|$)")


def template(goal: str) -> str:
    """The normal form with "#" for every number, without marks: what goals share that differ in
    their numbers and commas alone.
    """
    return _NUMBER.sub("#", normal_form(_MARKS.sub(" ", goal)))


@lru_cache(maxsize=20_000)
def normal_form(goal: str) -> str:
    """The goal in small letters, one way to say each thing; itself for a normal form."""
    for _ in range(_ROUNDS):
        before, goal = goal, _reduced(goal)
        if goal == before:
            break
    return goal


def _reduced(goal: str) -> str:
    made: list[str] = []
    for tag in tags_of(parts(tokens(goal))):
        word = _word(tag, goal)
        if word and not (word in _JOINTS and (not made or made[-1] in _JOINTS)):
            made.append(word)
    while made and made[-1] in _JOINTS:
        made.pop()
    return " ".join(made)


def _word(tag: Tag, goal: str) -> str:
    if tag.amount is not None:
        if tag.amount.flaw is not None:  # as it was written: there is no amount to give
            return " ".join(goal[tag.start : tag.end].lower().split())
        return f"{tag.amount.value:.6g} {_UNITS[tag.amount.kind]}".strip()
    if tag.role in _LEFT_OUT:
        return ""
    if tag.role in ("mark", "then", "and", "open", "close"):
        return "then"
    if tag.role in ("side", "way"):
        return tag.value
    return tag.text
