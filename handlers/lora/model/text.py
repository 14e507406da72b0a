"""Goals as words, quantities and pieces.

Numbers are taken out of the words, with their unit, as SI values: what is learned about "walk two
meters" holds for any distance. They are read by handlers.goals, as everywhere; which words mean
what is learned. Connectives cut a goal into pieces, in the order they are to be done: "B after A"
is A, then B.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import pi
from typing import NamedTuple

from handlers.goals.words.amount import Amount
from handlers.goals.words.quantities import Part, parts
from handlers.goals.words.tokens import tokens
from handlers.goals.words.units import COUNTS, NUMBERS, PARTS, UNITS, Kind
from handlers.goals.words.vocabulary import sense_at

_SAID = {
    "m": "some meters",
    "rad": "some degrees",
    "s": "some seconds",
    "n": "several",
    "speed": "some speed",
}
_UNITS = {"m": "m", "rad": "degrees", "s": "s", "n": "times", "speed": "times speed"}
_MARKS = frozenset(",;.:!?&")
_BARE_TURN = frozenset({"left", "right", "around", "round"})
_BARE_WAY = frozenset({"forward", "forwards", "ahead", "backward", "backwards", "back"})
_GOES_ON = frozenset(
    {"and", "then", "or", "but", "after", "before", "place", "context", "measure", "side"}
)
"""What words are for that follow something which is named."""
_BETWEEN = ", ; . : ! ? and then followed afterwards finally next lastly"
BREAKS = frozenset(_BETWEEN.split())
VOCABULARY = frozenset(
    {*UNITS, *NUMBERS, *COUNTS, *PARTS, "and", "then", "after", "before", "hundred", "forward"}
) - {"m", "s", "x"}
"""Words that mean something here whatever was taught."""


class Quantity(NamedTuple):
    """A number of a goal, in m, rad, s, times or as a factor of the speed."""

    kind: Kind
    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of a goal: words in which a quantity is `#kind`, and the quantities in order."""

    words: tuple[str, ...]
    quantities: tuple[Quantity, ...]

    @property
    def key(self) -> str:
        return " ".join(self.words)

    @property
    def spoken(self) -> str:
        """For the encoder: every number of a kind reads the same."""
        return " ".join(_SAID[word[1:]] if word.startswith("#") else word for word in self.words)

    @property
    def written(self) -> str:
        """As somebody would write it, for the reader of goals: its numbers in digits."""
        numbers = iter(self.quantities)
        return " ".join(
            _written(next(numbers)) if word.startswith("#") else word for word in self.words
        )

    def without(self, kind: Kind) -> Text:
        """The piece without its last quantity of a kind."""
        places = [index for index, word in enumerate(self.words) if word == f"#{kind}"]
        if not places:
            return self
        at = places[-1]
        which = sum(word.startswith("#") for word in self.words[:at])
        words = self.words[:at] + self.words[at + 1 :]
        return Text(words, self.quantities[:which] + self.quantities[which + 1 :])


def read(goal: str, spell: Callable[[str], str] = str) -> Text:
    """A whole goal. `spell` puts each word right before anything is made of it."""
    spelled = [
        token._replace(text=spell(token.text)) if token.text.isalpha() else token
        for token in tokens(goal)
    ]
    found = parts(spelled)
    words: list[str] = []
    quantities: list[Quantity] = []
    for index, part in enumerate(found):
        if part.amount is not None and _is_name(found, index, part.amount):
            words.append(f"{part.amount.value:g}")
        elif part.amount is not None:
            quantity = _quantity(found, index, part.amount)
            words.append(f"#{quantity.kind}")
            quantities.append(quantity)
        elif part.text == "\n":
            words.append(",")
        elif part.text[0].isalpha() or part.text in _MARKS:
            words.append(part.text)
    while words and words[-1] in ".!?,;:":
        words.pop()
    return Text(tuple(words), tuple(quantities))


def _is_name(found: Sequence[Part], index: int, amount: Amount) -> bool:
    """Whether a bare number names the thing before it ("heap two", "gate number 3 on the left"): it
    counts nothing. After a verb, a side or a way it does ("jump 3"), and before a thing or a verb
    ("do 5 jumps").
    """
    before = found[index - 1].text if index else ""
    if amount.kind != "bare" or not before.isalpha() or sense_at([before], 0) is not None:
        return False
    rest = [part.text for part in found[index + 1 : index + 4]]
    if not rest or not rest[0].isalpha():
        return True
    known = sense_at(rest, 0)
    return known is not None and known[0].role in _GOES_ON


def _written(quantity: Quantity) -> str:
    """Degrees instead of radians, and six digits: what goals say."""
    value = quantity.value * 180 / pi if quantity.kind == "rad" else quantity.value
    return f"{value:.6g} {_UNITS[quantity.kind]}"


def _quantity(found: Sequence[Part], index: int, amount: Amount) -> Quantity:
    """An amount, where one without a unit is degrees or meters after a side or a way."""
    if amount.kind != "bare":
        return Quantity(amount.kind, amount.value)
    before = found[index - 1].text if index else ""
    ends = index + 1 >= len(found) or found[index + 1].text in BREAKS
    if ends and before in _BARE_TURN and amount.value >= 15:
        return Quantity("rad", amount.value * pi / 180)
    if ends and before in _BARE_WAY:
        return Quantity("m", amount.value)
    return Quantity("n", amount.value)
