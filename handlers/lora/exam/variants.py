"""Goals that are one goal in other letters: slips, words in another order, words put on.

"Enter the debris field", "entre the debris feild", "the debris field: enter" and "enter the debris
field, good dog" are right or wrong together, so they are one question, and none at all where one of
them is taught. Rows of that kind come of tools that vary a goal, and made ten questions count for a
hundred. Only goals with the same actions are compared, and none with a number, of which there are
few ways to speak. What is left alone are goals of one or two words: "sit down" is in most ways to
ask for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from handlers.goals.normal import template

FEWEST = 3
"""Words of a goal from which on it is found in another one."""
ALIKE = 0.9
"""Of the letters of two goals without their spaces: 2 * equal ones / all (difflib's ratio)."""
SLIPS = ((4, 1), (6, 2))
"""From how many letters on a word may have how many slips."""


def words_of(goal: str) -> tuple[str, ...]:
    """The words that a goal is compared by; none for one with a number."""
    words = template(goal).split()
    return () if "#" in words else tuple(word for word in words if word != "then")


def is_variant(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether two goals are one: either holds the other."""
    return holds(first, second) or holds(second, first)


def holds(asked: Sequence[str], taught: Sequence[str]) -> bool:
    """Whether a goal is a taught one: in another order, with slips, or with something put on.

    All of it is to be there in a row: long goals about one scene share "the far side of the hall".
    """
    if not asked or not taught:
        return False
    if len(taught) >= FEWEST and (
        sorted(asked) == sorted(taught) or in_a_row(asked, taught) == len(taught)
    ):
        return True
    return _in_letters(asked, taught)


def in_a_row(first: Sequence[str], second: Sequence[str]) -> int:
    """The most words in a row that two goals share but for slips."""
    best = 0
    before = [0] * (len(second) + 1)
    for word in first:
        row = [0]
        row += [before[at] + 1 if is_slip(word, other) else 0 for at, other in enumerate(second)]
        best, before = max(best, *row), row
    return best


def is_slip(first: str, second: str) -> bool:
    """Whether a word is another but for a letter or two left out, put in, changed or swapped."""
    if first == second:
        return True
    shorter = min(len(first), len(second))
    most = max((slips for length, slips in SLIPS if shorter >= length), default=0)
    return abs(len(first) - len(second)) <= most and _distance(first, second) <= most


def _distance(first: str, second: str) -> int:
    """Letters left out, put in, changed, or swapped with their neighbour (Damerau 1964)."""
    older: list[int] = []
    before = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        row = [i]
        for j, b in enumerate(second, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if older and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        older, before = before, row
    return before[-1]


def _in_letters(first: Sequence[str], second: Sequence[str]) -> bool:
    matcher = SequenceMatcher(None, "".join(first), "".join(second), autojunk=False)
    return matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE
