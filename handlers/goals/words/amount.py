"""One number with its unit as an SI amount, and what is odd about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import pi
from typing import Literal

from handlers.goals.doubts import DoubtKind
from handlers.goals.words.numbers import is_number, number_at
from handlers.goals.words.tokens import Token
from handlers.goals.words.units import ABBREVIATIONS, PARTS, STRANGE, UNITS, Kind

_ROUND = frozenset({"turn", "turns", "rotation", "rotations", "revolution", "revolutions",
                    "circle", "circles"})  # fmt: skip
_INCH_ENDS = frozenset({"", ",", ";", ".", "!", "?", "\n", ")", "and", "then", "forward",
    "forwards", "ahead", "backward", "backwards", "back", "left", "right", "to", "straight",
    "sideways", "at", "or", "-", "–", "x", "before", "after"})  # fmt: skip
_LIKELY = {"m": (0.02, 20.0), "rad": (0.01, 2 * pi), "s": (0.1, 60.0)}
"""What a goal may ask of one step, by kind: numbers that can be read in two ways are weighed."""
_POINT = "which number is that? write it like 1000.5"


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


class Amounts:
    """Reads single amounts at places of one goal."""

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

    def one(self, index: int) -> tuple[Amount | None, int]:
        """The amount at a token, and where it ends; (None, index) when none stands there."""
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
            return self._by_either_convention(index, found[0]), found[1]
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

    def _by_either_convention(self, index: int, amount: Amount) -> Amount:
        """ "2.500 mm" may be 2500: in doubt, unless only what is read can be meant of a robot."""
        other = self.found[index].other
        if not other or amount.flaw is not None or amount.kind not in _LIKELY:
            return amount
        low, high = _LIKELY[amount.kind]
        if low <= amount.value <= high and not low <= float(other) * amount.scale <= high:
            return amount
        why = f"{self.at(index)} is taken, and it may be {other}: write one of these"
        return replace(amount, flaw="ambiguous", why=why)

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
        if unit == "x" and self.at(index - 1) == "at":
            return Amount("speed", value), end + 1
        if unit in _ROUND and (not float(value).is_integer() or unit[0] != "t"):
            return Amount("rad", value * 2 * pi), end + 1
        if unit in ("percent", "%"):
            if self.at(index - 1) in ("at", "with") and self.at(end + 1) != "of":
                return Amount("speed", value / 100), end + 1
            return Amount("bare", value, "unit", "percent of what? say: at 50% speed"), end + 1
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
            return self._with_more(unit[2], kind, unit[1], value + more[0] * unit[1])
        if self.glued(end) and unit is None:  # 1m50
            return Amount(kind, value, "ambiguous", "of what are the last digits?"), more[1]
        return Amount(kind, value), end

    def _bare(self, index: int, end: int, value: float) -> tuple[Amount | None, int]:
        first = self.at(index)
        alone = end == index + 1 and first in ("one", "hundred", "thousand", "dozen", "point")
        alone = alone and not (first == "one" and self.at(end) in STRANGE)
        if alone or first in ("a", "an", "half", "quarter"):
            return None, index  # an article, or "one" and "half" as mere words
        return Amount("bare", value), end
