"""The amounts of a goal in SI units, each with what is odd about it.

Own code, after a look at what there is. Each library below answers with a number and without a
word: pint 0.25 reads "1,5 m" as 15 m and "pi/2 rad" as pi/2 but "5 ft 2 in" as an area (303 ms to
import); quantulum3 0.10 reads "1,5 m" as 5 m, "5'" as an arc minute, "half a meter" per metre and
"10 to 15 meters" as 12.5 m (118 ms); recognizers-text 1.0.2a2 reads "5 ft 2 in" as 2 inches, "10 to
15 meters" as 15 and no "pi/2", and does not import beside emoji 2; text2num knows no units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import pi
from typing import Literal

from handlers.goals.doubts import DoubtKind
from handlers.goals.numbers import is_number, number_at
from handlers.goals.tokens import Token, put_plainly
from handlers.goals.units import ABBREVIATIONS, COUNTS, PARTS, STRANGE, UNITS, Kind

_ROUND = frozenset({"turn", "turns", "rotation", "rotations", "revolution", "revolutions",
                    "circle", "circles"})  # fmt: skip
_INCH_ENDS = frozenset({"", ",", ";", ".", "!", "?", "\n", ")", "and", "then", "forward",
    "forwards", "ahead", "backward", "backwards", "back", "left", "right", "to", "straight",
    "sideways", "at", "or", "-", "–", "x", "before", "after"})  # fmt: skip
_TO = frozenset({"to", "-", "–", "till", "until", "through"})
_POINT = "which number is that? write it like 1000.5"
_LISTS = frozenset({",", "and", "then", "&"})


@dataclass(frozen=True, slots=True)
class Amount:
    """A number: m, rad, s, times, a factor of the speed, or `bare` without any unit.

    `flaw`: why it is no plain amount, with `why` in words; a range has its lower end as `value`.
    `scale`: what one of the unit that was said is worth.
    """

    kind: Kind | Literal["bare"]
    value: float
    flaw: DoubtKind | None = None
    why: str = ""
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Part:
    """A word, a mark or (then `text` is "#") an amount of a goal; `start`, `end`: its place."""

    text: str
    start: int
    end: int
    amount: Amount | None = None


def parts(found: Sequence[Token]) -> list[Part]:
    """The goal's tokens with every number and its unit taken together."""
    plain = put_plainly(found)
    reader = _Reader(plain)
    made: list[Part] = []
    index = 0
    while index < len(plain):
        amount, end = reader.amount_at(index)
        if amount is None:
            token = plain[index]
            made.append(Part(token.text, token.start, token.end))
            index += 1
        else:
            made.append(Part("#", plain[index].start, plain[end - 1].end, amount))
            index = end
    return _with_units_of_lists(made)


class _Reader:
    """Reads amounts at places of one goal."""

    def __init__(self, found: Sequence[Token]) -> None:
        self.found = found
        self.words = [token.text for token in found]
        quotes = [word == '"' for word in self.words]
        self._is_quoted = any(quotes) and self.words[0] == '"' and self.words[-1] == '"'

    def at(self, index: int) -> str:
        return self.words[index] if 0 <= index < len(self.words) else ""

    def glued(self, index: int) -> bool:
        """Whether nothing stands between a token and the one before it."""
        return 0 < index < len(self.found) and self.found[index].start == self.found[index - 1].end

    def amount_at(self, index: int) -> tuple[Amount | None, int]:
        """The amount that begins at a token, and where it ends; (None, index) when none does."""
        word = self.at(index)
        sign = self._sign(index)
        if sign:
            amount, end = self.amount_at(index + sign)
            if amount is not None and amount.kind != "n":
                why = "amounts have no sign: say backward, left or right instead"
                return Amount(amount.kind, amount.value, "limit", why), end
            return None, index
        if word in ("between", "from"):
            return self._between(index)
        if word in COUNTS and not self._compares(index + 1):
            return Amount("n", COUNTS[word]), index + 1
        if word in ("x", "*") and is_number(self.at(index + 1)) and self._is_count_after_x(index):
            return Amount("n", float(self.at(index + 1))), index + 2
        first, end = self._one(index)
        if first is None:
            return None, index
        return self._ranged(first, end)

    def _sign(self, index: int) -> int:
        """How many tokens are a minus here."""
        word = self.at(index)
        if word in ("minus", "negative"):
            return 1
        before = self.at(index - 1)
        follows = self.glued(index + 1) and is_number(self.at(index + 1))
        is_range = is_number(before) or before in UNITS
        return int(word in ("-", "–") and follows and not is_range)

    def _compares(self, index: int) -> bool:
        """ "twice as far", "twice the distance": no count of anything."""
        return self.at(index) in ("as", "the", "that", "this", "what")

    def _is_count_after_x(self, index: int) -> bool:
        """ "x3", but not the x of "2 x 3 meters"."""
        after = self.at(index + 2)
        return (
            after not in UNITS and "." not in self.at(index + 1) and "/" not in self.at(index + 1)
        )

    def _between(self, index: int) -> tuple[Amount | None, int]:
        first, end = self._one(index + 1)
        word = self.at(index)
        joint = ("and", "-", "–", "to") if word == "between" else ("to", "-", "–")
        if first is None or self.at(end) not in joint:
            return None, index
        return self._span(first, end + 1, index)

    def _ranged(self, first: Amount, end: int) -> tuple[Amount, int]:
        """ "10 to 15 meters", "2-3 m", "two or three times"."""
        joint = self.at(end)
        if joint in _TO or (joint == "or" and self._one(end + 1)[0] is not None):
            spanned, after = self._span(first, end + 1, end)
            if spanned is not None:
                return spanned, after
        if joint == "±" or (joint == "/" and is_number(self.at(end + 1))):
            return Amount(first.kind, first.value, "unit", "this is not a plain number"), end + 1
        return first, end

    def _span(self, first: Amount, start: int, back: int) -> tuple[Amount | None, int]:
        second, end = self._one(start)
        if second is None:
            return None, back
        kind = second.kind if first.kind == "bare" else first.kind
        value = first.value * (second.scale if first.kind == "bare" else 1.0)
        words = "either of two amounts" if self.at(start - 1) == "or" else "a range"
        return Amount(kind, value, "range", f"{words}: say one amount"), end

    # -- one amount --------------------------------------------------------------------------------

    def _one(self, index: int) -> tuple[Amount | None, int]:
        if index >= len(self.words):
            return None, index
        if ":" in self.words[index] and self.words[index][0].isdecimal():
            return self._clock(index)
        if self.at(index) == "speed" and self._speed_number(index):
            return self._speed_number(index) or (None, index)
        number = number_at(self.words, index)
        if number is None:
            return None, index
        value, end = number
        broken = self._past_broken(index, end)
        if broken > end:
            return Amount("bare", value, "ambiguous", _POINT), broken
        end += self.at(end) in ("more", "extra", "additional") and self._unit(end + 1) is not None
        is_pi = "pi" in self.words[index:end]
        found = self._with_unit(index, end, value)
        if found is not None:
            return found
        if is_pi:
            return Amount("rad", value), end
        return self._bare(index, end, value)

    def _past_broken(self, index: int, end: int) -> int:
        """Past the rest of "1.000,5" or "2.5.1", which are no numbers."""
        if not is_number(self.at(index)) or "." not in self.at(index):
            return end
        separated = self.at(end) in (",", ".", "'") and self.glued(end) and self.glued(end + 1)
        start = end + separated
        is_more = is_number(self.at(start)) and self.glued(start)
        return start + 1 + (self._unit(start + 1) is not None) if is_more else end

    def _clock(self, index: int) -> tuple[Amount, int]:
        """ "1:30" is a minute and a half."""
        first, *rest = [int(part) for part in self.words[index].split(":")]
        if len(rest) == 2 or rest[0] > 59:
            return Amount("s", float(first * 60 + rest[0]), "unit", "say the time in seconds"), (
                index + 1
            )
        end = index + 1
        end += self.at(end) in ("min", "mins", "minute", "minutes")
        return Amount("s", float(first * 60 + rest[0])), end

    def _speed_number(self, index: int) -> tuple[Amount, int] | None:
        """ "speed 0.5", "speed of 2", "speed = 0.8": a factor of the speed."""
        start = index + 1
        start += self.at(start) in ("of", "=", ":", "factor")
        number = number_at(self.words, start) if start < len(self.words) else None
        if number is None:
            return None
        value, end = number
        if self.at(end) == "percent" or self.at(end) == "%":
            return Amount("speed", value / 100), end + 1
        end += self.at(end) == "x" or self.at(end) == "times"
        if self._unit(end) is not None:
            return Amount("speed", value, "unit", "speed is a factor here: say half speed"), (
                self._past_rate(end + 1)
            )
        return Amount("speed", value), end

    def _unit(self, index: int) -> tuple[Kind, float, int] | None:
        """The unit at a token: (kind, scale, where it ends)."""
        word = self.at(index)
        if word == "°":
            return "rad", pi / 180, index + 1
        if word == "%":
            return "speed", 0.01, index + 1
        if word == "'" or word == '"':
            return self._prime(index)
        if word == "in" and (self.glued(index) or self._ends_inches(index + 1)):
            return "m", 0.0254, self._past_dot(index)
        if word in UNITS:
            return *UNITS[word], self._past_dot(index)
        return None

    def _ends_inches(self, index: int) -> bool:
        return self.at(index) in _INCH_ENDS or is_number(self.at(index))

    def _prime(self, index: int) -> tuple[Kind, float, int] | None:
        closes = self._is_quoted and index == len(self.words) - 1
        if not self.glued(index) or closes:
            return None
        if self.at(index) == "'" and self.at(index + 1) == "'" and self.glued(index + 1):
            return "m", 0.0254, index + 2
        return ("m", 0.3048, index + 1) if self.at(index) == "'" else ("m", 0.0254, index + 1)

    def _past_dot(self, index: int) -> int:
        """Past the dot of "5 ft. forward", which ends no sentence where a small word follows."""
        dotted = self.at(index) in ABBREVIATIONS and self.at(index + 1) == "."
        follows = self.at(index + 2)
        goes_on = follows in _INCH_ENDS - {"", "\n"} or is_number(follows)
        return index + 1 + (dotted and self.glued(index + 1) and goes_on)

    def _with_unit(self, index: int, end: int, value: float) -> tuple[Amount, int] | None:
        unit = self.at(end)
        if unit in ("times", "x", "pace") and self.at(end + 1) == "speed":
            return Amount("speed", value), end + 2
        if unit in ("percent", "%") and self.at(end + 1) == "speed":
            return Amount("speed", value / 100), end + 2
        if unit in ("times", "x") and self.at(end + 1) in ("faster", "slower", "as", "further"):
            return Amount("speed", value, "unit", "say half speed, or 2 times speed"), end + 2
        if unit in _ROUND and (not float(value).is_integer() or unit[0] != "t"):
            return Amount("rad", value * 2 * pi), end + 1
        found = self._unit(end)
        if found is None:
            return self._strange(end, value)
        kind, scale, after = found
        if self.at(after) in ("/", "per", "squared", "cubed"):
            why = "this is no amount here: speed is a factor (half speed)"
            return Amount(kind, value * scale, "unit", why), self._past_rate(after)
        exact = value / round(1 / scale) if scale in (0.1, 0.01, 0.001) else value * scale
        amount, after = self._with_more(after, kind, scale, exact)
        return replace(amount, scale=scale), after

    def _past_rate(self, end: int) -> int:
        """Past the "/s" or "per second" of a rate."""
        if self.at(end) in ("/", "per"):
            end += 2 if self.at(end + 1) in UNITS else 1
        return end + (self.at(end) in ("squared", "cubed"))

    def _strange(self, end: int, value: float) -> tuple[Amount, int] | None:
        word = self.at(end)
        if word in STRANGE and word not in ("steps", "step", "hops", "hop", "pace"):
            return Amount("bare", value, "unit", f"how long is one of {word}? say it in meters"), (
                end + 1
            )
        return None

    def _with_more(self, end: int, kind: Kind, scale: float, value: float) -> tuple[Amount, int]:
        """ "a meter and a half", "1 meter 20 centimeters", "5'6", "two minutes and ten seconds"."""
        if kind not in ("m", "s", "rad"):
            return Amount(kind, value), end
        rest = [self.at(end + offset) for offset in range(4)]
        if rest[:2] == ["and", "a"] and rest[2] in PARTS and rest[3] not in UNITS:
            return Amount(kind, value + PARTS[rest[2]] * scale), end + 3
        if rest[:2] == ["and", "half"] and rest[2] not in UNITS:
            return Amount(kind, value + 0.5 * scale), end + 2
        start = end + (rest[0] == "and")
        more = number_at(self.words, start) if start < len(self.words) else None
        if more is None:
            return Amount(kind, value), end
        unit = self._unit(more[1])
        if self.at(end - 1) == "'" and self.glued(end):  # 5'6 and 5'6"; no 1'000
            inches = unit is None or unit[1] == 0.0254
            if not inches or more[0] >= 12:
                return Amount(kind, value, "ambiguous", _POINT), more[1]
            return Amount(kind, value + more[0] * 0.0254), unit[2] if unit else more[1]
        if unit is not None and unit[0] == kind and unit[1] < scale:
            return Amount(kind, value + more[0] * unit[1]), unit[2]
        if self.glued(end) and unit is None:  # 1m50
            return Amount(kind, value, "ambiguous", "of what are the last digits?"), more[1]
        return Amount(kind, value), end

    def _bare(self, index: int, end: int, value: float) -> tuple[Amount | None, int]:
        first = self.at(index)
        alone = end == index + 1 and first in ("one", "hundred", "thousand", "dozen", "point")
        if alone and first == "one" and _is_countable(self.at(end)):
            alone = False
        if alone or first in ("a", "an", "half", "quarter"):
            return None, index  # an article, or "one" and "half" as mere words
        return Amount("bare", value), end


def _is_countable(word: str) -> bool:
    return word in STRANGE


def _with_units_of_lists(made: list[Part]) -> list[Part]:
    """ "30, 45 and 60 degrees": the numbers of a list have the unit that is said at its end."""
    for index in range(len(made) - 2, -1, -1):
        part, after = made[index], index + 1
        if part.amount is None or part.amount.kind != "bare" or part.amount.flaw is not None:
            continue
        while after < min(len(made), index + 4) and made[after].text in _LISTS:
            after += 1
        last = made[after].amount if index + 1 < after < len(made) else None
        if last is not None and last.kind in ("m", "rad", "s"):
            amount = Amount(last.kind, part.amount.value * last.scale, scale=last.scale)
            made[index] = Part("#", part.start, part.end, amount)
    return made
