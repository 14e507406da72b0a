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

from handlers.goals.words.amount import Amount, Amounts
from handlers.goals.words.numbers import is_number
from handlers.goals.words.tokens import Token, put_plainly
from handlers.goals.words.units import COUNTS, UNITS

_TO = frozenset({"to", "-", "–", "till", "until", "through"})
_LISTS = frozenset({",", "and", "then", "&"})


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


class _Reader(Amounts):
    """Reads amounts with what may stand around them: signs, ranges, counts."""

    def amount_at(self, index: int) -> tuple[Amount | None, int]:
        """The amount that begins at a token, and where it ends; (None, index) when none does."""
        word = self.at(index)
        if self._is_plus(index):
            amount, end = self.amount_at(index + 1)
            return (amount, end) if amount is not None else (None, index)
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
            return self._rated(Amount("n", COUNTS[word]), index + 1)
        if word in ("x", "*") and is_number(self.at(index + 1)) and self._is_count_after_x(index):
            return Amount("n", float(self.at(index + 1))), index + 2
        first, end = self.one(index)
        if first is None:
            return None, index
        return self._rated(*self._ranged(first, end))

    def _rated(self, count: Amount, end: int) -> tuple[Amount, int]:
        """ "once a minute", "3 times per second": how often in a time, which no step can be."""
        unit = UNITS.get(self.at(end + 1), ("", 0.0))[0]
        if (
            count.kind == "n"
            and self.at(end) in ("a", "an", "per", "every", "each")
            and unit == "s"
        ):
            return Amount("n", count.value, "unit", "say how often in all"), end + 2
        return count, end

    def _sign(self, index: int) -> int:
        """How many tokens are a minus here."""
        word = self.at(index)
        if word in ("minus", "negative"):
            return 1
        follows = self.glued(index + 1) and is_number(self.at(index + 1))
        return int(word in ("-", "–") and follows and not self._is_amount_before(index))

    def _is_plus(self, index: int) -> bool:
        """ "walk +2 m", but not "2+3 m"."""
        follows = self.glued(index + 1) and is_number(self.at(index + 1))
        return self.at(index) == "+" and follows and not self._is_amount_before(index)

    def _is_amount_before(self, index: int) -> bool:
        before = self.at(index - 1)
        return is_number(before) or before in UNITS

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
        first, end = self.one(index + 1)
        word = self.at(index)
        joint = ("and", "-", "–", "to") if word == "between" else ("to", "-", "–")
        if first is None or self.at(end) not in joint:
            return None, index
        return self._span(first, end + 1, index)

    def _ranged(self, first: Amount, end: int) -> tuple[Amount, int]:
        """ "10 to 15 meters", "2-3 m", "two or three times"."""
        joint = self.at(end)
        if joint in _TO or (joint == "or" and self.one(end + 1)[0] is not None):
            spanned, after = self._span(first, end + 1, end)
            if spanned is not None:
                return spanned, after
        if joint == "±" or (joint == "/" and is_number(self.at(end + 1))):
            return Amount(first.kind, first.value, "unit", "this is not a plain number"), end + 1
        return first, end

    def _span(self, first: Amount, start: int, back: int) -> tuple[Amount | None, int]:
        second, end = self.one(start)
        if second is None:
            return None, back
        kind = second.kind if first.kind == "bare" else first.kind
        value = first.value * (second.scale if first.kind == "bare" else 1.0)
        if second.kind == kind:
            value = min(value, second.value)
        words = "either of two amounts" if self.at(start - 1) == "or" else "a range"
        return Amount(kind, value, "range", f"{words}: the lower one is taken"), end


def _goes_on(made: list[Part], index: int) -> bool:
    """Whether a list has more amounts after one: "1, 2 and 3 m" is a list, "two, three m" not."""
    follows = [part.amount is not None for part in made[index + 2 : index + 4]]
    return made[index + 1 : index + 2] != [] and made[index + 1].text in _LISTS and any(follows)


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
            if after - index == 2 and made[index + 1].text == "," and not _goes_on(made, after):
                amount = replace(amount, flaw="ambiguous", why="one of these, or one by one?")
            made[index] = Part("#", part.start, part.end, amount)
    return made
