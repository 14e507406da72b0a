"""A goal's words, numbers and marks in plain letters, and where each stands in the goal.

Turns of phrase that say in what order, how fast or how far round ("once done", "half a turn") are
put in the words that are looked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_AS: dict[str, str] = {
    **dict.fromkeys("’‘ʼ′`´", "'"),
    **dict.fromkeys("″“”„«»", '"'),
    **dict.fromkeys("°º˚", "°"),
    **dict.fromkeys("×✕✖", " x "),
    **dict.fromkeys("−﹣－", "-"),
    **dict.fromkeys("–—―", "–"),
    **dict.fromkeys("。｡", "."),
    **dict.fromkeys("、，", ","),
    **dict.fromkeys("•‣▪●◦", "\n"),
    "⁄": "/",
    "∕": "/",
    "…": ".",
    "π": "pi",
    "№": "#",
    "\r": "\n",
    "→": " then ",
    "⇒": " then ",
    "²": " squared ",
    "³": " cubed ",
}
# Possessive, and a gap is taken in one way: a megabyte of digits or spaces takes no hours.
_TOKEN = re.compile(
    r"(?P<clock>\d{1,3}+:\d\d(?::\d\d)?(?![\d:]))"
    r"|(?P<number>"
    r"(?<![\d,.])[1-9]\d{0,2}(?:\.\d{3})++,\d++(?![\d,]|\.\d)"  # 1.000,5
    r"|(?<![\d,.])[1-9]\d{0,2}(?:,\d{3})++(?:\.\d++)?(?!\d|,\d)(?:e[+-]?\d++)?"  # 1,000
    r"|(?<![\d,.])\d++,\d++(?![\d,]|\.\d)(?:e[+-]?\d++)?"  # 1,5
    r"|\d++ *+/ *+0*+[1-9]\d*+"  # 1/2
    r"|(?:\d++(?:\.\d++)?|\.\d++)(?:e[+-]?\d++)?)"
    r"|(?P<word>[^\W\d_](?:[^\W\d_]|[\u0300-\u036f])*+(?:'[^\W\d_]++)?)"
    r"|(?P<mark>\S|\n)"
)
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?(?:e.*)?")
_EUROPEAN = re.compile(r"\d{1,3}(?:\.\d{3})+,\d+")
_EITHER = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_CASED = {"Mm": "megameter"}
"""Where capitals tell another unit: all else is read in small letters."""
_LETTERS = re.compile(r"[^\W\d_]")


class Token(NamedTuple):
    """A word, number or mark in plain letters; `start` and `end` are its place in the goal."""

    text: str
    start: int
    end: int
    other: str = ""
    """The number it is where points and commas mean the reverse ("2.500": 2500), if any."""

    @property
    def is_number(self) -> bool:
        return self.text[-1].isdecimal() or self.text[0].isdecimal()


def tokens(goal: str) -> list[Token]:
    """Small letters, and one way to write a number: "1½" is 1 1/2, "1,000" 1000, "1,5" 1.5.

    Marks that number the things of a list ("2. turn left") are line ends: they count nothing.
    """
    plain, places = _plain(goal)
    found = [
        Token(
            _text(match, goal[places[match.start()] : places[match.end() - 1] + 1]),
            places[match.start()],
            places[match.end() - 1] + 1,
            _reversed(match[0]) if match.lastgroup == "number" else "",
        )
        for match in _TOKEN.finditer(plain)
        if not _joins(plain, match)
    ]
    return list(_without_list_numbers(_with_spelled_nots([*_with_spelled_numbers(found)])))


def _with_spelled_numbers(found: list[Token]) -> Iterator[Token]:
    """ "Gate no. 3", "gate #3" and "gate nr 3" as "gate number 3"; "no" alone forbids."""
    at = 0
    while at < len(found):
        here, dot = found[at], found[at + 1 : at + 2]
        length = 1 + (bool(dot) and dot[0].text == "." and dot[0].start == here.end)
        follows = found[at + length : at + length + 1]
        is_short = here.text in _NUMBERED or (here.text == "no" and length == 2)
        if is_short and follows and follows[0].text.isdecimal():
            yield Token("number", here.start, found[at + length - 1].end)
            at += length
        else:
            yield here
            at += 1


_NUMBERED = frozenset({"#", "nr"})


def _with_spelled_nots(found: list[Token]) -> list[Token]:
    """ "!sit" as a programmer's "not sit"; "walk! sit" and "walk!sit" are two things to do."""

    def negates(index: int) -> bool:
        before, here, after = found[index - 1], found[index], found[index + 1]
        alone = index == 0 or before.end < here.start
        return alone and here.end == after.start and bool(_LETTERS.match(after.text))

    last = len(found) - 1
    return [
        token._replace(text="not") if token.text == "!" and at < last and negates(at) else token
        for at, token in enumerate(found)
    ]


def _plain(goal: str) -> tuple[str, list[int]]:
    """The goal in plain letters, and where each of them comes from."""
    letters: list[str] = []
    places: list[int] = []
    for place, char in enumerate(goal):
        made = char.lower() if char.isascii() and char not in _AS else _in_plain_letters(char)
        letters.append(made)
        places.extend([place] * len(made))
    return "".join(letters), places


def _in_plain_letters(char: str) -> str:
    if char in _AS:
        return _AS[char]
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    if unicodedata.category(char) == "Cf":  # direction marks, soft hyphens: nothing to read
        return ""
    made = unicodedata.normalize("NFKC", char).lower()
    return f" {made.replace('⁄', '/')}" if "⁄" in made else made  # 1½ is 1 1/2, not 11/2


def _joins(plain: str, match: re.Match[str]) -> bool:
    """Whether a mark is the hyphen of a word: "side-step", "90-degree"."""
    if match[0] != "-" and match[0] != "_":
        return False
    before, after = plain[match.start() - 1 : match.start()], plain[match.end() : match.end() + 1]
    return before.isalnum() and (match[0] == "_" or bool(_LETTERS.match(after)))


def _text(match: re.Match[str], written: str) -> str:
    text = match[0]
    if match.lastgroup != "number":
        return _CASED.get(written, text)
    if _EUROPEAN.fullmatch(text):
        return text.replace(".", "").replace(",", ".")
    if _THOUSANDS.fullmatch(text):
        return text.replace(",", "")
    return text.replace(",", ".").replace(" ", "")


def _reversed(number: str) -> str:
    """ "1,000" as one with three decimals, "2.500" as thousands; "" where that cannot be."""
    if not _EITHER.fullmatch(number):
        return ""
    return number.replace(",", ".") if "," in number else number.replace(".", "")


def _without_list_numbers(found: list[Token]) -> Iterator[Token]:
    """ "3. Move forward" is the third thing, not three; "step 2: sit" likewise.

    Numbers that go back ("third: A; first: B") stay as they are, and so in doubt, unless another
    list begins.
    """
    first = last = 0
    index = 0
    while index < len(found):
        begins = index == 0 or found[index - 1].text in ("\n", ";", ".", ",", "(", ":")
        length, number = _list_number(found, index)
        goes_on = number > last or (number <= 1 and first <= 1)
        if length and goes_on and (begins or number == last + 1 > 1):
            first = first if last and number > last else number
            yield Token("\n", found[index].start, found[index + length - 1].end)
            last, index = number, index + length
        else:
            yield found[index]
            index += 1


_ONE_TO_SIX = "zero one two three four five six"
_STEP_NUMBERS = {word: number for number, word in enumerate(_ONE_TO_SIX.split())}
_FIRST_TO_SIXTH = "zeroth first second third fourth fifth sixth"
_ORDINALS = {word: number for number, word in enumerate(_FIRST_TO_SIXTH.split())}


def _list_number(found: list[Token], index: int) -> tuple[int, int]:
    """How many tokens number a thing here, and its number; 0 when none do."""

    def at(offset: int) -> Token:
        return found[index + offset] if index + offset < len(found) else Token("\n", -1, -1)

    if at(0).text in _ORDINALS and at(1).text in (",", ":") and _LETTERS.match(at(2).text):
        return 2, _ORDINALS[at(0).text]
    named = at(0).text in ("step", "stage", "phase", "task")
    token, mark = at(int(named)), at(1 + int(named))
    if not (token.text.isdecimal() and len(token.text) < 4) and not (
        named and token.text in _STEP_NUMBERS
    ):
        return 0, 0
    number = int(token.text) if token.text.isdecimal() else _STEP_NUMBERS[token.text]
    glued = mark.start == token.end
    follows = at(2 + int(named))
    marks = (".", ")", ":", "-", "–") if named else (".", ")")
    if mark.text not in marks or not (glued or named) or not _LETTERS.match(follows.text):
        return 0, 0
    return 2 + int(named), number


# -- turns of phrase -------------------------------------------------------------------------------

_TURNS = ("turn", "rotation", "revolution", "circle", "spin", "pirouette")
_WHOLE = ("full", "whole", "complete", "entire")
_DONE = ("you are done", "you're done", "that is done", "this is done")
_HOW = ("there", "ready", "standing", "sitting", "seated", "lying")
"""What somebody is, and does not do: "once you are through" is said of going through."""
_TURNS_OF_PHRASE: tuple[tuple[str, str], ...] = (
    ("and after that", "then"), ("after that", "then"), ("after which", "then"),
    ("after this", "then"), ("and afterwards", "then"), ("once done", "then"),
    ("when done", "then"), ("when finished", "then"), ("and once there", "then"),
    ("but before that", "after"), ("before that", "after"), ("but first", "after"),
    ("as soon as you", "after you"),
    ("as soon as", "after"), ("once you've", "after you"), ("once you have", "after you have"),
    ("once that", "after that"), ("when you have", "after you have"),
    ("when you've", "after you"), ("when you are done with", "after"),
    ("when you're done with", "after"), ("once you are done with", "after"),
    ("once you are", "after you are"), ("once you're", "after you are"),
    *((f"once {you} {how}", f"when {you} {how}") for you in ("you are", "you're") for how in _HOW),
    *((f"{when} {done}", "then") for when in ("once", "when") for done in _DONE),
    *((f"{when} {done} with {what}", "then") for when in ("once", "when", "after")
      for done in _DONE for what in ("it", "that", "this")),
    ("having done that", "then"), ("having done so", "then"), ("after doing so", "then"),
    ("after doing that", "then"), ("once finished", "then"),
    ("prior to", "before"), ("having", "after"),
    ("at twice the speed", "at 2 times speed"), ("twice as fast", "at 2 times speed"),
    ("half as fast", "at 0.5 times speed"),
    ("the double speed", "2 times speed"), ("double the speed", "2 times speed"),
    ("double speed", "2 times speed"), ("the half speed", "0.5 times speed"),
    ("half the speed", "0.5 times speed"),
    ("half your speed", "0.5 times speed"), ("half your normal speed", "0.5 times speed"),
    ("twice your speed", "2 times speed"), ("twice your normal speed", "2 times speed"),
    ("at full speed", "at 1 times speed"),
    ("at normal speed", "at 1 times speed"),
    ("- >", "then"), ("= >", "then"),
    ("+ / -", "±"), ("+ -", "±"),
    # sayings, not two things to do
    ("up and down", "up & down"), ("round and round", "round & round"),
    ("rise and shine", "rise & shine"),
    *((f"half a {word}", "180 degrees") for word in _TURNS),
    *((f"a half {word}", "180 degrees") for word in _TURNS),
    *((f"half {word}", "180 degrees") for word in _TURNS),
    *((f"a quarter of a {word}", "90 degrees") for word in _TURNS),
    *((f"quarter of a {word}", "90 degrees") for word in _TURNS),
    *((f"a quarter {word}", "90 degrees") for word in _TURNS),
    *((f"quarter {word}", "90 degrees") for word in _TURNS),
    *((f"three quarters of a {word}", "270 degrees") for word in _TURNS),
    *((f"three quarter {word}", "270 degrees") for word in _TURNS),
    ("two right angles", "180 degrees"), ("a right angle", "90 degrees"),
    ("right angle", "90 degrees"),
    *((f"{whole} {word}", "turnful") for word in _TURNS for whole in _WHOLE),
    *((f"{whole} {word}s", "turnfuls") for word in _TURNS for whole in _WHOLE),
)  # fmt: skip
_BY_FIRST: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
for _said, _meant in sorted(_TURNS_OF_PHRASE, key=lambda pair: -len(pair[0].split())):
    _words = tuple(_said.split())
    _BY_FIRST.setdefault(_words[0], []).append((_words, tuple(_meant.split())))


def put_plainly(found: Sequence[Token]) -> list[Token]:
    """The tokens, with each phrase (the longest first) as its plain words, in its own place."""
    made: list[Token] = []
    index = 0
    while index < len(found):
        for phrase, plain in _BY_FIRST.get(found[index].text, ()):
            here = found[index : index + len(phrase)]
            if tuple(token.text for token in here) == phrase:
                made += [Token(word, here[0].start, here[-1].end) for word in plain]
                index += len(phrase)
                break
        else:
            made.append(found[index])
            index += 1
    return made
