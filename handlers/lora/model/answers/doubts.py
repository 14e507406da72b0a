"""What a goal says that its plan does not do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isclose
from typing import Any

from handlers.goals.doubts import Doubt
from handlers.goals.reading import Reading
from handlers.goals.tempo import SPEEDS, tempos
from handlers.lora.model.text import Text, read
from handlers.project.formats.examples import Step

COUNTED = ("distance_m", "rotation_rad", "duration_s", "repeat")
"""Parameters of which nothing at all cannot be done: 0 stands for the action's own amount."""
WITHHELD = frozenset({"negated", "conditional"})
"""Doubts about what is not to be done, or only on a condition: nothing is done for it."""
_OF_NUMBERS = frozenset({"range", "limit", "unit", "assumed"})
"""Doubts about numbers, which are copied from the goal whatever its words were taught to mean."""
_OF_WORDS = frozenset({"ambiguous", "vague"})
"""Doubts about words: none where those very words were taught."""


def forbidding(
    reading: Reading,
    pieces: Sequence[Text],
    done: Sequence[Text] = (),
    ended: Sequence[Text] = (),
) -> tuple[Doubt, ...]:
    """What is not to be done, or only on a condition, in words that no taught piece has.

    `done`: pieces that are carried out in their turn. "After you cross the corridor, sit" hangs on
    no condition where crossing it is one of them. `ended`: pieces whose "until" says where what
    they were taken for ends.
    """
    taught = {word for piece in pieces for word in piece.words}
    in_turn = [f" {piece.key} " for piece in done]
    ends = [set(piece.words) for piece in ended]
    return tuple(
        doubt
        for doubt in reading.doubts
        if doubt.kind in WITHHELD
        and not taught.issuperset(_words(doubt))
        and not (doubt.kind == "conditional" and any(_said(doubt) in piece for piece in in_turn))
        and not (doubt.kind == "conditional" and any(_words(doubt) <= words for words in ends))
    )


def doubts_of(reading: Reading, is_taught: bool) -> tuple[Doubt, ...]:
    """What is in doubt of a goal that was decoded. `is_taught`: in its very words."""
    kinds = _OF_NUMBERS if is_taught else _OF_NUMBERS | _OF_WORDS
    return tuple(doubt for doubt in reading.doubts if doubt.kind in kinds)


def unread_tempo(asked: Text, known: Text, steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """A doubt for each "slowly" or "quickly" of a piece that neither the words it was taken for nor
    a speed of their plan answers. `steps`: as a Match has them.
    """
    speeds = [float(step.get("speed", 1.0)) for step in steps]
    taught = {tempo for _, tempo in tempos(known.words)}
    return [
        f"{words!r}: the plan has no speed for it"
        for words, tempo in tempos(asked.words)
        if tempo not in taught and not any((v - 1) * (SPEEDS[tempo] - 1) > 0 for v in speeds)
    ]


def unused_count(asked: Text, steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """A doubt for a count of a piece that is taken for several actions, none of them repeated."""
    counts = [quantity.value for quantity in asked.quantities if quantity.kind == "n"]
    if not counts or len(steps) < 2 or any("repeat" in step for step in steps):
        return []
    return [f"{asked.written!r}: does {counts[-1]:g} say how often? nothing is repeated"]


def _said(doubt: Doubt) -> str:
    return f" {read(doubt.words).key} "


def _words(doubt: Doubt) -> set[str]:
    return {word for word in read(doubt.words).words if word[0].isalpha()}


def all_used(pieces: Sequence[Text], steps: Sequence[Step]) -> bool:
    """Whether every amount of a goal's pieces (m, rad, s, a speed) stands in the plan."""
    values = [value for step in steps for value in step.parameters.values()]
    return all(
        any(isclose(value, quantity.value, rel_tol=2e-3) for value in values)
        for piece in pieces
        for quantity in piece.quantities
        if quantity.kind != "n"
    )
