"""The string tokens of a literal, and where in them each character of its value is written."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_ESCAPE = re.compile(
    r"\\(?:\r\n|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}|.)", re.DOTALL
)
_PREFIX = re.compile(r"^([A-Za-z]*)('''|\"\"\"|'|\")", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """One string token: its body lies at `start`:`end` of the literal's text (characters)."""

    start: int
    end: int
    close: int
    raw: bool
    triple: bool
    quote: str
    first: int
    length: int


def parts_of(text: str) -> Iterator[Part]:
    """The string tokens of a literal's text, which may be several with comments between."""
    index, first = 0, 0
    while index < len(text):
        if text[index] == "#":
            index = min(
                (at for mark in "\r\n" if (at := text.find(mark, index)) >= 0), default=len(text)
            )
            continue
        match = _PREFIX.match(text[index:])
        if match is None:
            index += 1
            continue
        prefix, quote = match[1].lower(), match[2]
        begin = index + match.end()
        stop = _closing(text, begin, quote)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text[index : stop + len(quote)])
        yield Part(
            begin, stop, stop + len(quote), "r" in prefix, len(quote) == 3, quote, first, len(value)
        )
        first += len(value)
        index = stop + len(quote)


def _closing(text: str, begin: int, quote: str) -> int:
    """Where the closing quotes begin. A backslash skips a character, in raw strings too."""
    index = begin
    while not text.startswith(quote, index):
        index += 2 if text[index] == "\\" else 1
    return index


def offsets(body: str, *, raw: bool) -> list[int]:
    """Where each character of the value begins in the body; one more for its end."""
    offsets, index = [], 0
    while index < len(body):
        here = index
        if body.startswith("\r\n", index):
            index += 2
            offsets.append(here)
        elif body[index] != "\\" or raw:
            index += 1
            offsets.append(here)
        else:
            match = _ESCAPE.match(body, index)
            assert match is not None
            index = match.end()
            made = _made(match[0])
            offsets += [here] * made
    offsets.append(len(body))
    return offsets


def _made(escape: str) -> int:
    """How many characters an escape sequence makes: none for a continued line."""
    if escape[1] in "\r\n":
        return 0
    known = "\\'\"abfnrtvxuUN01234567"
    return 1 if escape[1] in known else 2
