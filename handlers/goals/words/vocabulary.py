"""What the words of a goal are for: the longest phrase that is known counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, cast

from handlers.goals.words.phrasetable import TABLE
from handlers.goals.words.units import UNITS
from handlers.goals.words.verbs import VERBS

Role = Literal[
    "verb",  # value: the family
    "order",  # a verb as an order
    "side",  # left, right
    "way",  # forward, backward
    "gait",  # value: the family that "in a crawl" asks for
    "sideways",
    "finely",  # the precise turn
    "tempo",  # slow, fast
    "aim",  # reach, find, look for: something the words alone cannot do
    "place",  # to, into, past: what follows says where
    "measure",  # for, by, at, of: nothing before an amount, else as a place
    "context",  # on, in, along: what follows changes nothing
    "company",  # with, like, in a: what follows changes how, and is not understood
    "manner",  # keeping balance: how, up to the next mark
    "not",  # value "back": of what stands before it
    "instead",
    "if",
    "while",
    "until",
    "else",
    "after",
    "before",
    "then",
    "and",
    "or",
    "but",
    "mark",
    "open",
    "close",
    "repeat",  # repeat, do this: what was or will be said
    "again",
    "vague",
    "bound",  # at least, up to, before an amount
    "compass",
    "filler",
    "article",
    "object",  # what its verb (value: the family) is about
    "unit",  # without a number
    "amount",
    "word",  # not known
]


class Sense(NamedTuple):
    """What a phrase is for, and which of its kind it is."""

    role: Role
    value: str = ""


_MARKS = frozenset([",", ";", ".", ":", "!", "?", "\n", "–", "-", "/", "|"])
_SILENT = frozenset(['"', "'", "*", "_", "“", "”", "{", "}"])
"""Marks that say nothing: quotes, stars of a list."""

_BE = tuple(
    (word,) for word in ["is", "are", "be", "was", "were", "being", "looks", "sounds", "seems"]
)
"""What says of something that it is forbidden; "the forbidden zone" is but a name."""

PHRASES: dict[str, list[tuple[tuple[str, ...], Sense]]] = {}


def _fill() -> None:
    senses: dict[tuple[str, ...], Sense] = {}
    table = re.sub(r"^#.*$", "", TABLE, flags=re.M)
    blocks = re.split(r"^([a-z]+) ?([a-z]*):$", table, flags=re.M)
    for role, value, phrases in zip(blocks[1::3], blocks[2::3], blocks[3::3], strict=True):
        for phrase in phrases.split(";"):
            for side in ("left", "right"):
                meant = side if (role, value) == ("side", "left") and "left" in phrase else value
                words = tuple(phrase.replace("left", side).split())
                for be in _BE if value == "back" else ((),):
                    senses[*be, *words] = Sense(cast(Role, role), meant)
    for unit in UNITS:
        if len(unit) > 3:
            senses.setdefault((unit,), Sense("unit"))
    for words, verb in VERBS.items():
        senses[words] = Sense("order" if verb.is_order else "verb", verb.family)
    for words, sense in senses.items():
        PHRASES.setdefault(words[0], []).append((words, sense))
    for known in PHRASES.values():
        known.sort(key=lambda pair: -len(pair[0]))


_fill()
WORDS = frozenset(word for known in PHRASES.values() for words, _ in known for word in words)


def sense_at(words: Sequence[str], index: int) -> tuple[Sense, int] | None:
    """What the longest phrase at a word means, and where it ends; None for a word not known."""
    for phrase, sense in PHRASES.get(words[index], ()):
        if tuple(words[index : index + len(phrase)]) == phrase:
            return sense, index + len(phrase)
    word = words[index]
    if word in _MARKS:
        return Sense("mark", word), index + 1
    if word.endswith("n't"):  # "needn't", "oughtn't": what is not known of them forbids
        return Sense("not"), index + 1
    return (Sense("filler"), index + 1) if word in _SILENT else None
