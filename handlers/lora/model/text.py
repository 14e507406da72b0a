"""Goals as words, quantities and pieces.

Numbers are taken out of the words, with their unit, as SI values: what is learned about "walk two
meters" holds for any distance. Connectives cut a goal into pieces, in the order they are to be
done: "B after A" is A, then B.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import pi
from typing import NamedTuple

from handlers.project.goals import COUNTS, NUMBERS, PARTS, UNITS, Kind

_TOKEN = re.compile(
    r"\d+ */ *0*[1-9]\d*|(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+(?!\w))?"
    r"|[^\W\d_]+(?:'[^\W\d_]+)?|[,;.:!?]"
)
_HUGE = 1e9
"""Larger numbers are taken for this one: no goal means them."""
_SAID = {
    "m": "some meters",
    "rad": "some degrees",
    "s": "some seconds",
    "n": "several",
    "speed": "some speed",
}
_PHRASES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = tuple(
    (tuple(phrase.split()), tuple(plain.split()))
    for phrase, plain in (
        ("and after that", "then"), ("after that", "then"), ("after which", "then"),
        ("after this", "then"), ("and afterwards", "then"), ("once done", "then"),
        ("when done", "then"), ("but before that", "after"), ("before that", "after"),
        ("but first", "after"), ("as soon as you", "after you"), ("as soon as", "after"),
        ("once you", "after you"), ("once you've", "after you"), ("once that", "after that"),
        ("when you have", "after you have"), ("when you've", "after you"),
        ("when you are done with", "after"), ("when you're done with", "after"),
        ("prior to", "before"), ("having", "after"),
        ("at twice the speed", "at 2 times speed"), ("twice as fast", "at 2 times speed"),
        ("at double speed", "at 2 times speed"), ("at double the speed", "at 2 times speed"),
        ("at half the speed", "at 0.5 times speed"), ("half as fast", "at 0.5 times speed"),
        ("at full speed", "at 1 times speed"), ("half a turn", "180 degrees"),
        ("a half turn", "180 degrees"), ("a quarter of a turn", "90 degrees"),
        ("a quarter turn", "90 degrees"), ("quarter of a turn", "90 degrees"),
        ("three quarters of a turn", "270 degrees"), ("a full turn", "360 degrees"),
        ("a full circle", "360 degrees"),
        # sayings, not two things to do
        ("back and forth", "back & forth"), ("to and fro", "to & fro"),
        ("up and down", "up & down"), ("round and round", "round & round"),
        ("left and right", "left & right"), ("right and left", "right & left"),
        ("rise and shine", "rise & shine"),
    )
)  # fmt: skip
_BARE_TURN = frozenset({"left", "right", "around", "round"})
_BARE_WAY = frozenset({"forward", "forwards", "ahead", "backward", "backwards", "back"})
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
    found_words = _TOKEN.findall(_plain(goal))
    tokens = _put_plainly([spell(word) if word.isalpha() else word for word in found_words])
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


def _put_plainly(tokens: Sequence[str]) -> list[str]:
    """Turns of phrase that say in what order, or how fast, in the words that are looked for."""
    made: list[str] = []
    index = 0
    while index < len(tokens):
        for phrase, plain in _PHRASES:
            if tuple(tokens[index : index + len(phrase)]) == phrase:
                made += plain
                index += len(phrase)
                break
        else:
            made.append(tokens[index])
            index += 1
    return made


def _plain(goal: str) -> str:
    """Small letters, and one way to write a number: "1½" is 1 1/2, "1,000" 1000, "1,5" 1.5."""
    spaced = re.sub(r"(?<=\d)(?=[¼-¾⅐-⅞])", " ", goal)
    plain = unicodedata.normalize("NFKC", spaced).lower().replace("’", "'").replace("⁄", "/")
    plain = plain.replace("°", " degrees ").replace("%", " percent ")
    plain = re.sub(r"(?<=[a-z0-9])-(?=[a-z])", " ", plain)
    plain = re.sub(
        r"(?<![\d,.])([1-9]\d{0,2})((?:,\d{3})+)(?![\d,])",
        lambda found: found[1] + found[2].replace(",", ""),
        plain,
    )
    return re.sub(r"(?<![\d,.])(\d+),(\d+)(?![\d,.])", r"\1.\2", plain)


def _quantity(tokens: Sequence[str], index: int) -> tuple[Quantity, int] | None:
    """The quantity that begins at a token, and where it ends."""
    if tokens[index] in COUNTS:
        return Quantity("n", COUNTS[tokens[index]]), index + 1
    number = _number(tokens, index)
    if number is None:
        return None
    value, end = min(number[0], _HUGE), number[1]
    if end + 1 < len(tokens) and tokens[end] == "more" and tokens[end + 1] in UNITS:
        end += 1
    unit = tokens[end] if end < len(tokens) else ""
    if unit in ("times", "x", "pace") and tokens[end + 1 : end + 2] == ["speed"]:
        return Quantity("speed", value), end + 2
    if unit == "percent" and tokens[end + 1 : end + 2] == ["speed"]:
        return Quantity("speed", value / 100), end + 2
    if unit in UNITS:
        kind, scale = UNITS[unit]
        return _with_parts(tokens, end + 1, kind, scale, value * scale)
    bare = _bare(tokens, index, end, value)
    if bare is not None:
        return bare, end
    alone = end == index + 1 and tokens[index] in ("one", "hundred", "thousand")
    if alone or tokens[index] in ("a", "an", "half", "quarter"):
        return None  # an article, or "one" and "half" as mere words
    return Quantity("n", value), end


def _with_parts(
    tokens: Sequence[str], end: int, kind: Kind, scale: float, value: float
) -> tuple[Quantity, int]:
    """ "a meter and a half", "1 meter 20 centimeters", "two minutes and ten seconds"."""
    rest = list(tokens[end : end + 3])
    if rest[:2] == ["and", "a"] and rest[2:] and rest[2] in PARTS:
        after = tokens[end + 3 : end + 4]
        if not after or after[0] not in UNITS:
            return Quantity(kind, value + PARTS[rest[2]] * scale), end + 3
    start = end + (rest[:1] == ["and"])
    more = _number(tokens, start) if start < len(tokens) else None
    if more is not None and tokens[more[1] : more[1] + 1] and tokens[more[1]] in UNITS:
        kind_of_more, smaller = UNITS[tokens[more[1]]]
        if kind_of_more == kind and smaller < scale:
            return Quantity(kind, value + more[0] * smaller), more[1] + 1
    return Quantity(kind, value), end


def _bare(tokens: Sequence[str], index: int, end: int, value: float) -> Quantity | None:
    """ "turn left 90", "walk forward 2": a number that can only mean degrees or meters."""
    before = tokens[index - 1] if index else ""
    ends = end >= len(tokens) or tokens[end] in BREAKS
    if ends and before in _BARE_TURN and value >= 15:
        return Quantity("rad", value * pi / 180)
    if ends and before in _BARE_WAY:
        return Quantity("m", value)
    return None


def _number(tokens: Sequence[str], index: int) -> tuple[float, int] | None:
    """A number in digits or words: "1.5", "two and a half", "half a", "one hundred twenty"."""
    token = tokens[index]

    def at(offset: int) -> str:
        return tokens[index + offset] if index + offset < len(tokens) else ""

    if token in ("half", "quarter"):
        return PARTS[token], _past_of(tokens, index + 1)
    if token in ("a", "an"):
        if at(1) in PARTS:
            return PARTS[at(1)], _past_of(tokens, index + 2)
        if at(1) == "couple":
            return 2.0, index + 2 + (at(2) == "of")
        if at(1) in ("hundred", "thousand"):
            return _words(tokens, index + 1)
        return (1.0, index + 1) if at(1) in UNITS else None
    if token[-1].isdecimal():
        value, end = _digits(token), index + 1
        if "/" in at(1):
            value, end = value + _digits(at(1)), end + 1  # 1 1/2
    elif (
        token in NUMBERS
        or token in ("hundred", "thousand")
        or (token == "point" and at(1) in NUMBERS)
    ):
        value, end = _words(tokens, index)
    else:
        return None
    if tokens[end : end + 1] and tokens[end] in PARTS:
        return value * PARTS[tokens[end]], _past_of(tokens, end + 1)
    rest = list(tokens[end : end + 3])
    if rest[:2] == ["and", "half"]:
        return value + 0.5, end + 2
    if rest[:2] == ["and", "a"] and rest[2:] and rest[2] in PARTS:
        return value + PARTS[rest[2]], end + 3
    return value, end


def _digits(token: str) -> float:
    over, slash, under = token.partition("/")
    return min(float(over), _HUGE) / min(float(under), _HUGE) if slash else float(token)


def _past_of(tokens: Sequence[str], end: int) -> int:
    """Where it goes on after "half a", "a quarter of", "three quarters of a"."""
    end += tokens[end : end + 1] == ["of"]
    return end + (tokens[end : end + 1] in (["a"], ["an"]))


def _words(tokens: Sequence[str], index: int) -> tuple[float, int]:
    """A whole number (or "one point five") in words."""
    thousands, total, end = 0.0, 0.0, index
    while end < len(tokens):
        token, after = tokens[end], tokens[end + 1] if end + 1 < len(tokens) else ""
        begins = total == 0 and (end == index or thousands > 0)
        if token in NUMBERS:
            value = NUMBERS[token]
            tens = total % 10 == 0 and total % 100 >= 20 and value < 10
            if not (begins or tens or (total and total % 100 == 0)):
                break
            total += value
        elif token == "hundred":
            total = min(max(total, 1.0) * 100, _HUGE)
        elif token == "thousand":
            thousands, total = min((thousands + max(total, 1.0)) * 1000, _HUGE), 0.0
        elif token == "point" and after in NUMBERS:
            behind = "0."
            while tokens[end + 1 : end + 2] and tokens[end + 1] in NUMBERS:
                value, used = _words(tokens[end + 1 : end + 3], 0)  # "two", "twenty five"
                behind, end = f"{behind}{value:g}", end + used
            return thousands + total + float(behind), end + 1
        elif not (
            token == "and" and (thousands or total) and total % 100 == 0 and after in NUMBERS
        ):
            break
        end += 1
    return thousands + total, end
