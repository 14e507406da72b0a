"""Text from files and names, made fit to be shown: nothing in it can move a cursor or hide.

What does not print is what Unicode calls control, format (bidi overrides, zero-width characters),
surrogate, private and unassigned characters, line and paragraph separators, and spaces other than
the plain one: `str.isprintable`. It is escaped as Python and JSON write it.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def one_line(text: str) -> str:
    """Text as one printable line: line ends and everything else that does not print is escaped."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def printable_lines(text: str) -> str:
    """Text whose line feeds are meant, each of its lines printable."""
    return "\n".join(map(one_line, text.split("\n")))


def json_text(value: Any, indent: int | None = None) -> str:
    """A value as JSON that prints: other alphabets stay readable, the rest is `\\uXXXX`."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return "\n".join(map(_escaped, text.split("\n")))  # in a string a line feed is escaped already


def _escaped(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in line)


def counted(count: int, noun: str) -> str:
    """A count and what is counted: "1 run", "2,000 runs"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def shell_word(text: str) -> str:
    """Text as one word of a command that somebody pastes, quoted where it has to be."""
    letters = text.translate({ord(mark): None for mark in "-_."})
    if letters.isascii() and letters.isalnum():
        return text
    from shlex import quote  # most names need none

    return quote(text)
