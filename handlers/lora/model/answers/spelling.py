"""Slips of the pen: a word that nobody knows, as the taught one it is a slip of.

Most slips are one letter too many, too few, wrong or out of place (Damerau 1964), and hardly any is
in a word's first letter (Kukich 1992): "hover" is no slip of "over", nor "frighten" of "right".
"""

from __future__ import annotations

from collections.abc import Collection

SHORTEST = 4
"""Shorter words are taken as they are."""
LONG = 8
"""Words of so many letters may have two slips, shorter ones one."""


def spelled(word: str, taught: Collection[str], dictionary: Collection[str] | None) -> str:
    """The word itself where it is `taught`, short, in the `dictionary` of all words there are, or
    where several taught ones are as near.

    Without a dictionary only letters that changed places are a slip.
    """
    if len(word) < SHORTEST or word in taught or (dictionary and word in dictionary):
        return word
    alike = [known for known in taught if _may_be(word, known)]
    if dictionary is None:
        alike = [known for known in alike if sorted(known) == sorted(word)]
    most = 2 if len(word) >= LONG else 1
    for slips in range(1, most + 1):
        near = [known for known in alike if _distance(word, known) == slips]
        if near:
            return near[0] if len(near) == 1 else word
    return word


def _may_be(word: str, known: str) -> bool:
    return len(known) >= SHORTEST and known[0] == word[0] and abs(len(known) - len(word)) <= 2


def _distance(one: str, other: str) -> int:
    """Letters to put in, take out, change or swap with their neighbour to make one the other
    (optimal string alignment).
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, its in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != its))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
