"""A number in digits or words: "1.5", "two and a half", "half a", "one hundred twenty", "pi/2"."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

from handlers.goals.words.units import NUMBERS, PARTS, UNITS

HUGE = 1e9
"""Larger numbers are taken for this one: no goal means them."""
_SCALES = frozenset({"hundred", "thousand"})
_DOZENS = {"dozen": 12.0}


def number_at(words: Sequence[str], index: int) -> tuple[float, int] | None:
    """The number that begins at a word, and where it ends; None when none does."""
    found = _simple(words, index)
    if found is None:
        return _pi(words, index, 1.0) if words[index] == "pi" else None
    value, end = min(found[0], HUGE), found[1]
    if words[end : end + 1] and words[end] in _DOZENS:
        return min(value * _DOZENS[words[end]], HUGE), end + 1 + (
            words[end + 1 : end + 2] == ["of"]
        )
    if words[end : end + 1] == ["pi"] or words[end : end + 2] == ["*", "pi"]:
        return _pi(words, end + (words[end] == "*"), value)
    return value, end


def is_number(text: str) -> bool:
    """Whether a token is a number in digits."""
    return text[-1:].isdecimal() and ":" not in text and (text[0].isdecimal() or text[0] == ".")


def _pi(words: Sequence[str], index: int, factor: float) -> tuple[float, int]:
    """ "pi", "2 pi", "pi/2", "3 pi / 4"."""
    if words[index + 1 : index + 2] == ["/"] and is_number("".join(words[index + 2 : index + 3])):
        under = float(_digits(words[index + 2]))
        if under > 0:
            return factor * pi / under, index + 3
    return factor * pi, index + 1


def _simple(words: Sequence[str], index: int) -> tuple[float, int] | None:
    word = words[index]

    def at(offset: int) -> str:
        return words[index + offset] if index + offset < len(words) else ""

    if word in ("half", "quarter"):
        return PARTS[word], _past_of(words, index + 1)
    if word in ("a", "an"):
        return _after_article(words, index)
    if is_number(word):
        value, end = _digits(word), index + 1
        if "/" in at(1) and is_number(at(1)) and "/" not in word:
            value, end = value + _digits(at(1)), end + 1  # 1 1/2
    elif word in NUMBERS or word in _SCALES or (word == "point" and at(1) in NUMBERS):
        value, end = _in_words(words, index)
    elif word in _DOZENS:
        return _DOZENS[word], index + 1 + (at(1) == "of")
    else:
        return None
    return _with_part(words, value, end)


def _after_article(words: Sequence[str], index: int) -> tuple[float, int] | None:
    """ "a meter", "a half", "a couple of", "a hundred", "a dozen"."""
    after = words[index + 1] if index + 1 < len(words) else ""
    if after in PARTS:
        return PARTS[after], _past_of(words, index + 2)
    if after in ("couple", "pair"):
        return 2.0, index + 2 + (words[index + 2 : index + 3] == ["of"])
    if after in _SCALES:
        return _in_words(words, index + 1)
    if after in _DOZENS:
        return 1.0, index + 1
    return (1.0, index + 1) if after in UNITS and after != "x" else None


def _with_part(words: Sequence[str], value: float, end: int) -> tuple[float, int]:
    """ "three quarters of a", "two and a half", "one and three quarters", "two and 1/2"."""
    if words[end : end + 1] and words[end] in PARTS:
        return value * PARTS[words[end]], _past_of(words, end + 1)
    rest = list(words[end : end + 3])
    if value < 1 and rest[:1] == ["of"] and rest[1:2] in (["a"], ["an"], ["one"]):
        return value, end + 2
    if rest[:2] == ["and", "half"]:
        return value + 0.5, end + 2
    if rest[:1] == ["and"] and len(rest) == 3 and rest[2] in PARTS:
        parts = 1.0 if rest[1] == "a" else NUMBERS.get(rest[1], 0.0)
        if 0 < parts < 10:
            return value + parts * PARTS[rest[2]], end + 3
    if rest[:1] == ["and"] and len(rest) > 1 and is_number(rest[1]) and "/" in rest[1]:
        return value + _digits(rest[1]), end + 2
    return value, end


def _digits(token: str) -> float:
    over, slash, under = token.partition("/")
    return min(float(over), HUGE) / min(float(under), HUGE) if slash else min(float(token), HUGE)


def _past_of(words: Sequence[str], end: int) -> int:
    """Where it goes on after "half a", "a quarter of", "three quarters of a"."""
    end += words[end : end + 1] == ["of"]
    article = words[end : end + 1] in (["a"], ["an"])
    return end + (article and words[end + 1 : end + 2] != ["half"])


def _in_words(words: Sequence[str], index: int) -> tuple[float, int]:
    """A whole number (or "one point five") in words."""
    thousands, total, end = 0.0, 0.0, index
    while end < len(words):
        word, after = words[end], words[end + 1] if end + 1 < len(words) else ""
        begins = total == 0 and (end == index or thousands > 0)
        if word in NUMBERS:
            value = NUMBERS[word]
            tens = total % 10 == 0 and total % 100 >= 20 and value < 10
            if not (begins or tens or (total and total % 100 == 0)):
                break
            total += value
        elif word == "hundred":
            total = min(max(total, 1.0) * 100, HUGE)
        elif word == "thousand":
            thousands, total = min((thousands + max(total, 1.0)) * 1000, HUGE), 0.0
        elif word == "point" and after in NUMBERS:
            behind = "0."
            while words[end + 1 : end + 2] and words[end + 1] in NUMBERS:
                value, used = _in_words(words[end + 1 : end + 3], 0)  # "two", "twenty five"
                behind, end = f"{behind}{value:g}", end + used
            return thousands + total + float(behind[:40]), end + 1
        elif not (word == "and" and (thousands or total) and total % 100 == 0 and after in NUMBERS):
            break
        end += 1
    return thousands + total, end
