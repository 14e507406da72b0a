"""Python's string tokens: where each character of one is written, and how another is written there.

f-strings are taken apart here too: what `ast` says of positions inside them differs between
versions of Python.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from handlers.judge.prompt.writing.documents import Document

_ESCAPE = re.compile(
    r"\\(?:\r\n|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}|.)", re.DOTALL
)
_PREFIX = re.compile(r"([A-Za-z]{0,2})('''|\"\"\"|'|\")")
_KNOWN_ESCAPES = "\\'\"abfnrtvxuUN01234567"

Character = tuple[str, int, int]
"""A character of a value, and where in the document its writing begins and ends."""


@dataclass(frozen=True, slots=True)
class Token:
    """One string token: prefix at `begin`, body at `body`:`end`, closing quotes up to `close`.

    `fields`: the braces of an f-string, each with where it begins and ends.
    """

    document: Document
    begin: int
    body: int
    end: int
    close: int
    prefix: str
    quote: str
    fields: tuple[tuple[int, int], ...] = ()

    @property
    def is_raw(self) -> bool:
        return "r" in self.prefix

    @property
    def is_triple(self) -> bool:
        return len(self.quote) == 3

    @property
    def is_formatted(self) -> bool:
        return "f" in self.prefix

    def written(self, text: str) -> str | None:
        """A text as it is written in this token; None where a raw string has no way to."""
        newline = self.document.newline
        if self.is_raw:
            lines = "\n" in text and not self.is_triple
            if lines or self.quote[0] in text or "\\" in text or not self._encodes(text):
                return None
            return text.replace("\n", newline)
        made = text.replace("\\", "\\\\").replace(self.quote[0], f"\\{self.quote[0]}")
        if not self._encodes(made):
            made = made.encode("ascii", "backslashreplace").decode()
        return made.replace("\n", newline if self.is_triple else "\\n")

    def _encodes(self, text: str) -> bool:
        return self.document.can_encode(text)


def plain(document: Document, text: str) -> str:
    """A text as a string token of its own, on one line."""
    return f'"{Token(document, 0, 0, 0, 0, "", chr(34)).written(text)}"'


def tokens(document: Document, begin: int, end: int) -> Iterator[Token]:
    """The string tokens between two places, with comments and line ends between them."""
    text, index = document.text, begin
    while index < end:
        if text[index] == "#":
            ends = (at for mark in "\r\n" if (at := text.find(mark, index, end)) >= 0)
            index = min(ends, default=end)
            continue
        match = _PREFIX.match(text, index, end)
        if match is None:
            index += 1
            continue
        token = _token(document, index, match[1].lower(), match[2])
        yield token
        index = token.close


def _token(document: Document, begin: int, prefix: str, quote: str) -> Token:
    text = document.text
    body = index = begin + len(prefix) + len(quote)
    fields = []
    while not text.startswith(quote, index):
        character = text[index]
        if "f" in prefix and text.startswith(("{{", "}}"), index):
            index += 2
        elif "f" in prefix and character == "{":
            stop = _field_end(text, index + 1)
            fields.append((index, stop))
            index = stop
        elif character != "\\":
            index += 1
        elif "r" in prefix:
            index += 1 if text[index + 1] in "{}" and "f" in prefix else 2
        else:
            match = _ESCAPE.match(text, index)
            assert match is not None
            braces = "f" in prefix and match[0][1] in "{}"  # `\{` is a backslash and a field
            index = index + 1 if braces else match.end()
    return Token(document, begin, body, index, index + len(quote), prefix, quote, tuple(fields))


def _field_end(text: str, index: int) -> int:
    """Where a field of an f-string ends, behind its brace; `index` is behind the opening one."""
    depth = 0
    while True:
        character = text[index]
        if character in "([{":
            depth += 1
        elif character == "}" and depth == 0:
            return index + 1
        elif character in ")]}":
            depth -= 1
        elif character == ":" and depth == 0:
            return _specification_end(text, index + 1)
        elif match := _PREFIX.match(text, index):
            index = _nested_end(text, index + match.end() - match.start(), match[2])
            continue
        index += 1


def _specification_end(text: str, index: int) -> int:
    while text[index] != "}":
        index = _field_end(text, index + 1) if text[index] == "{" else index + 1
    return index + 1


def _nested_end(text: str, index: int, quote: str) -> int:
    while not text.startswith(quote, index):
        index += 2 if text[index] == "\\" else 1
    return index + len(quote)


def characters(token: Token, begin: int, end: int) -> Iterator[Character]:
    """The characters that a part of a token's body, which holds no field, comes to."""
    text, index = token.document.text, begin
    while index < end:
        here, character = index, text[index]
        if text.startswith("\r\n", index):
            index += 2
            yield "\n", here, index
        elif token.is_formatted and text.startswith(("{{", "}}"), index):
            index += 2
            yield character, here, index
        elif character != "\\" or token.is_raw:
            index += 1
            yield ("\n" if character == "\r" else character), here, index
        else:
            match = _ESCAPE.match(text, index, end)
            assert match is not None
            index = match.end()
            yield from _escaped(match[0], here, index)


def _escaped(escape: str, begin: int, end: int) -> Iterator[Character]:
    """What an escape sequence comes to: nothing for a continued line, two characters if unknown."""
    if escape[1] in "\r\n":
        return
    if escape[1] not in _KNOWN_ESCAPES:
        yield "\\", begin, begin + 1
        yield escape[1:], begin + 1, end
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of octal numbers beyond \377
        yield ast.literal_eval(f"'{escape}'" if escape != "\\'" else '"\'"'), begin, end
