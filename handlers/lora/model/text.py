"""Goals as words, quantities and pieces.

Numbers are taken out of the words, with their unit, as SI values: what is learned about "walk two
meters" holds for any distance. Connectives cut a goal into pieces, in the order they are to be
done: "B after A" is A, then B.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import pi
from typing import Literal, NamedTuple

Kind = Literal["m", "rad", "s", "n", "speed"]

_SPELLINGS: tuple[tuple[str, Kind, float], ...] = (
    ("m meter meters metre metres", "m", 1.0),
    ("cm centimeter centimeters centimetre centimetres", "m", 0.01),
    ("ft foot feet", "m", 0.3048),
    ("deg degs degree degrees", "rad", pi / 180),
    ("rad rads radian radians", "rad", 1.0),
    ("s sec secs second seconds", "s", 1.0),
    ("min mins minute minutes", "s", 60.0),
    ("time times", "n", 1.0),
    ("speed", "speed", 1.0),
)
_UNITS = {word: (kind, scale) for words, kind, scale in _SPELLINGS for word in words.split()}
_SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES = {word: float(value) for value, word in enumerate(_SMALL.split())} | {
    word: 10.0 * (index + 2) for index, word in enumerate(_TENS.split())
}
_TIMES = {"once": 1.0, "twice": 2.0, "thrice": 3.0}
_TOKEN = re.compile(r"\d+(?:\.\d+)?|\.\d+|[a-z]+(?:'[a-z]+)?|[,;.:!?]")
_SAID = {"m": "some meters", "rad": "some degrees", "s": "some seconds", "n": "several",
         "speed": "some speed"}  # fmt: skip
_BREAKS = frozenset({",", ";", ".", ":", "!", "?", "and", "then", "followed", "afterwards",
                     "finally", "next", "lastly"})  # fmt: skip
_FILLERS = frozenset({"first", "finally", "lastly", "next", "please", "also", "by", "you", "with"})
_ORDER_FILLERS = frozenset({"you", "you've", "having", "that", "doing"})


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

    def without(self, kind: Kind) -> Text:
        """The piece without its last quantity of a kind."""
        places = [index for index, word in enumerate(self.words) if word == f"#{kind}"]
        if not places:
            return self
        at = places[-1]
        which = sum(word.startswith("#") for word in self.words[:at])
        words = self.words[:at] + self.words[at + 1 :]
        return Text(words, self.quantities[:which] + self.quantities[which + 1 :])


def read(goal: str) -> Text:
    """A whole goal."""
    plain = unicodedata.normalize("NFKC", goal).lower().replace("’", "'").replace("°", " degrees ")
    tokens = _TOKEN.findall(re.sub(r"(?<=[a-z0-9])-(?=[a-z])", " ", plain))
    words: list[str] = []
    quantities: list[Quantity] = []
    index = 0
    while index < len(tokens):
        found = _quantity(tokens, index)
        if found is None:
            words.append(tokens[index])
            index += 1
        else:
            quantity, index = found
            words.append(f"#{quantity.kind}")
            quantities.append(quantity)
    while words and words[-1] in ".!?,;:":
        words.pop()
    return Text(tuple(words), tuple(quantities))


def _quantity(tokens: Sequence[str], index: int) -> tuple[Quantity, int] | None:
    """The quantity that begins at a token, and where it ends."""
    if tokens[index] in _TIMES:
        return Quantity("n", _TIMES[tokens[index]]), index + 1
    number = _number(tokens, index)
    if number is None:
        return None
    value, end = number
    if end + 1 < len(tokens) and tokens[end] == "more" and tokens[end + 1] in _UNITS:
        end += 1
    unit = tokens[end] if end < len(tokens) else ""
    if unit == "times" and end + 1 < len(tokens) and tokens[end + 1] == "speed":
        return Quantity("speed", value), end + 2
    if unit == "pace" and end + 1 < len(tokens) and tokens[end + 1] == "speed":
        return Quantity("speed", value), end + 2
    if unit in _UNITS:
        kind, scale = _UNITS[unit]
        return Quantity(kind, value * scale), end + 1
    if tokens[index] in ("a", "an", "half", "quarter", "one"):
        return None  # an article, or "one" and "half" as mere words
    return Quantity("n", value), end


def _number(tokens: Sequence[str], index: int) -> tuple[float, int] | None:
    """A number in digits or words: "1.5", "two and a half", "half a", "one hundred twenty"."""
    token = tokens[index]

    def at(offset: int) -> str:
        return tokens[index + offset] if index + offset < len(tokens) else ""

    if token == "half":
        return 0.5, index + 1 + (at(1) in ("a", "an"))
    if token in ("a", "an"):
        if at(1) == "half" or at(1) == "quarter":
            part = 0.5 if at(1) == "half" else 0.25
            return part, index + 2 + (at(2) in ("a", "an", "of"))
        if at(1) == "couple":
            return 2.0, index + 2 + (at(2) == "of")
        return (1.0, index + 1) if at(1) in _UNITS else None
    if token[0].isdigit() or token[0] == ".":
        value, end = float(token), index + 1
    elif token in _VALUES:
        value, end = _words(tokens, index)
    else:
        return None
    rest = list(tokens[end : end + 3])
    if rest[:2] == ["and", "half"]:
        return value + 0.5, end + 2
    if rest == ["and", "a", "half"]:
        return value + 0.5, end + 3
    if rest == ["and", "a", "quarter"]:
        return value + 0.25, end + 3
    return value, end


def _words(tokens: Sequence[str], index: int) -> tuple[float, int]:
    """A whole number (or "one point five") in words."""
    total, end = 0.0, index
    while end < len(tokens):
        token = tokens[end]
        if token in _VALUES:
            value = _VALUES[token]
            if end > index and not (total % 100 == 0 or (total % 10 == 0 and value < 10)):
                break
            total += value
        elif token == "hundred":
            total = max(total, 1.0) * 100
        elif token == "point" and end + 1 < len(tokens) and tokens[end + 1] in _VALUES:
            return total + _VALUES[tokens[end + 1]] / 10, end + 2
        elif not (token == "and" and total % 100 == 0 and total and tokens[end + 1 : end + 2]
                  and tokens[end + 1] in _VALUES):  # fmt: skip
            break
        end += 1
    return total, end


# -- pieces ----------------------------------------------------------------------------------------


def orders(text: Text) -> list[tuple[Text, ...]]:
    """The ways to cut a goal into its smallest pieces, each in the order they are to be done."""
    found = [tuple(_pieces(text))]
    for index, word in enumerate(text.words):
        if word not in ("after", "before"):
            continue
        head, tail = _cut(text, 0, index), _cut(text, index + 1, len(text.words))
        tail = _trimmed(tail, _ORDER_FILLERS)
        if index > 0 and word == "after" and tail.words[:1] not in ((), (",",)):
            found.append((*_pieces(tail), *_pieces(head)))
        elif index > 0 and word == "before":
            found.append((*_pieces(head), *_pieces(tail)))
        elif index == 0 and "," in tail.words:
            comma = tail.words.index(",")
            one, two = _cut(tail, 0, comma), _cut(tail, comma + 1, len(tail.words))
            pair = (one, two) if word == "after" else (two, one)
            found.append((*_pieces(pair[0]), *_pieces(pair[1])))
    return list(dict.fromkeys(order for order in found if order))


def joined(pieces: Sequence[Text]) -> Text:
    """Neighbouring pieces as one."""
    words: list[str] = []
    for index, piece in enumerate(pieces):
        words += ["and", *piece.words] if index else piece.words
    return Text(tuple(words), tuple(q for piece in pieces for q in piece.quantities))


def _pieces(text: Text) -> Iterator[Text]:
    start = 0
    for index in range(len(text.words) + 1):
        if index < len(text.words) and text.words[index] not in _BREAKS:
            continue
        piece = _trimmed(_cut(text, start, index), _FILLERS)
        if piece.words:
            yield piece
        start = index + 1


def _trimmed(text: Text, fillers: frozenset[str]) -> Text:
    start = 0
    while start < len(text.words) and text.words[start] in fillers:
        start += 1
    return _cut(text, start, len(text.words))


def _cut(text: Text, start: int, end: int) -> Text:
    before = sum(word.startswith("#") for word in text.words[:start])
    words = text.words[start:end]
    inside = sum(word.startswith("#") for word in words)
    return Text(words, text.quantities[before : before + inside])
