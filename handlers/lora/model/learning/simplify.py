"""With very many examples, forget goals that their pieces already explain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from handlers.lora.model.lexicon import Lexicon, filled
from handlers.lora.model.pieces import orders
from handlers.lora.model.text import Text, read
from handlers.project.formats.examples import Step

MANY = 512
"""Entries; with fewer nothing is forgotten."""


def simplify(lexicon: Lexicon, rows: Iterable[tuple[str, Sequence[Step]]]) -> None:
    """Take out the goals whose known pieces give just their plans. Changes the lexicon."""
    if len(lexicon.entries) <= MANY:
        return
    for goal, steps in rows:
        text = read(goal)
        wanted = [step.as_json() for step in steps]
        ways = [way for way in orders(text) if len(way) > 1 or way[0].key != text.key]
        ways += [way for way in orders(text) if len(way) == 1 and way[0].words[-1] == "#n"]
        if any(composed(lexicon, way) == wanted for way in ways):
            lexicon.entries.pop(text.key, None)


def composed(lexicon: Lexicon, way: Sequence[Text]) -> list[dict[str, Any]] | None:
    """The plan of known pieces; None when one of them is not known as it stands."""
    made: list[dict[str, Any]] = []
    for piece in way:
        entry = lexicon.exact(piece)
        if entry is not None and piece.words[-1] != "#n":
            made += filled(entry.plan, piece)
            continue
        plain = piece.without("n")
        entry = lexicon.exact(plain)
        if entry is None or plain.key == piece.key or not lexicon.repeats:
            return None
        made += filled(entry.plan, plain) * int(piece.quantities[-1].value)
    return made
