"""What speaks against a guess, however near it is: a goal that goes the other way, and the verb.

The nearest goal that was taught may be no candidate because it goes the other way. What is left
then is near to nothing in particular: "descend the staircase" was taken for a walk down a corridor.
And where every example that begins with "jump" has a jump, "jump over the fence" is not done by
crawling under it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from handlers.goals.words.vocabulary import sense_at
from handlers.lora.model.answers.answer import Answer
from handlers.lora.model.answers.verbs import beyond, openings_of, starts
from handlers.lora.model.lexicon import Entry, Plan
from handlers.lora.model.pieces import clauses, orders
from handlers.lora.model.text import Text

OPPOSITE = 0.05
"""By so much nearer is one that goes the other way than what a piece is taken for, where the piece
is refused. Of 2,200 answers by other words one that was right would be refused, at none 9."""
FEW = 2
"""With fewer examples that begin with a verb nothing is said of it."""
_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "walk": ("walk_forward", "walk_backward"),
    "trot": ("trot_forward",),
    "crawl": ("crawl_forward",),
    "pace": ("pace_forward",),
    "bound": ("bound_forward",),
    "climb": ("climb_step",),
    "sit": ("sit",),
    "lie_down": ("lie_down",),
    "jump": ("jump",),
    "rear_kick": ("rear_kick",),
    "shake_hand": ("shake_hand",),
}
"""Families of verbs that say one thing (handlers/goals/words/verbs.py), and what does it."""


class Evidence:
    """What examples say against guesses."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._openings = openings_of(entry.text for entry in entries)
        self._kept = _kept(entries)

    def refusing(self, text: Text, got: Answer) -> list[str]:
        """Why nothing is done for a goal, in words; nothing against what is all known or read."""
        if all(match.is_sure for match in got.path):
            return []
        pieces = (piece for way in orders(text) for piece in way)
        verbs = dict.fromkeys(filter(None, (beyond(piece, self._openings) for piece in pieces)))
        return [
            *(f"{verb!r}: no action of this robot does that, and no example" for verb in verbs),
            *(
                f"{match.text.written!r}: the nearest example, {goal!r}, goes the other way"
                for match, (goal, nearer) in zip(got.path, got.opposed, strict=True)
                if nearer >= OPPOSITE and not match.is_sure
            ),
        ]

    def doubts(self, got: Answer) -> list[str]:
        """A doubt for each guess whose verb means something else in every example."""
        said = [(match, _verb(match.text)) for match in got.path if not match.is_sure]
        return [
            f"{verb[0]!r}: the plan does not, as it does in each example that begins so"
            for match, verb in said
            if verb and verb[0] in self._kept and not _has(match.entry.plan, verb[1])
        ]


def _kept(entries: Sequence[Entry]) -> set[str]:
    """The verbs that FEW examples or more begin with, and that mean an action of theirs in all."""
    meant: dict[str, list[bool]] = defaultdict(list)
    for entry in entries:
        verb = _verb(entry.text) if entry.goal and clauses(entry.text) == 1 else None
        if verb is not None:
            meant[verb[0]].append(_has(entry.plan, verb[1]))
    return {word for word, kept in meant.items() if len(kept) >= FEW and all(kept)}


def _verb(piece: Text) -> tuple[str, str] | None:
    """The verb that a piece begins with, and its family; None where none of _ACTIONS is named."""
    for at in starts(piece)[-1:]:
        known = sense_at(piece.words, at)
        if known and known[0].role in ("order", "verb") and known[0].value in _ACTIONS:
            return " ".join(piece.words[at : known[1]]), known[0].value
    return None


def _has(plan: Plan, family: str) -> bool:
    return any(action.name in _ACTIONS[family] for action in plan)
