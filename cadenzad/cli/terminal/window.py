"""What the terminal is like: how wide, whether it shows colour. Light imports."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

RED, BOLD = "31", "1"
"""Codes of SGR, ECMA-48 8.3.117."""


def columns() -> int:
    """How wide text may be: $COLUMNS, else what the terminal says, else 80."""
    return room() or 80


def room() -> int | None:
    """How many columns a line has: $COLUMNS, else what the terminal says; None: as many as needed.

    So a pipe gets whole cells, which `grep` and `cut` find, unless somebody says how wide it is.
    """
    if (told := told_columns()) is not None:
        return told
    try:
        if not sys.stdout.isatty():  # asked for every line: an exception takes longer than that
            return None
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (AttributeError, ValueError, OSError):  # none, closed, or no terminal after all
        return None


def told_columns() -> int | None:
    """What $COLUMNS says, where it says a number of columns."""
    try:
        return max(0, int(os.environ["COLUMNS"])) or None
    except (KeyError, ValueError):
        return None


def shows_colour(stream: TextIO | None = None) -> bool:
    """Whether a stream, stdout by default, is a terminal that wants colour (no-color.org)."""
    stream = sys.stdout if stream is None else stream
    if (
        not stream.isatty()
    ):  # first: it is asked for every line, and a pipe's answer is the quickest
        return False
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(text: str, code: str) -> str:
    """Text in a colour or weight, for a terminal that shows it."""
    return f"\033[{code}m{text}\033[0m"
