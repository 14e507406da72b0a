"""Slips of the pen: a word that nobody knows, as the taught one it is a slip of."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

SLIP = 0.75
"""How alike a word and the one it is taken for must be (difflib's ratio)."""


def spelled(word: str, taught: Collection[str], dictionary: Collection[str] | None) -> str:
    """The word itself where it is `taught`, short, or in the `dictionary` of all words there are.

    Without a dictionary only letters that changed places are a slip.
    """
    if len(word) < 4 or word in taught or (dictionary and word in dictionary):
        return word
    near = get_close_matches(word, taught, n=1, cutoff=SLIP)
    if not near or (dictionary is None and sorted(near[0]) != sorted(word)):
        return word
    return near[0]
