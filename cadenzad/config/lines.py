"""On which line of a TOML file each key is set, which tomllib does not say."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

ENDS = ("]", "}", '"""', "'''")
"""One of these stands on the last line of a statement that has several."""
MOST_TRIES = 200
"""Lines that may be the last of a statement; with more, nobody waits for the lines after it."""


def lines_of(text: str) -> dict[tuple[str, ...], int]:
    """The line, from 1, on which each key and each table of a valid TOML text begins.

    The text is cut into statements, the shortest runs of lines that are TOML by themselves, and
    each is read alone. An item of an array has the line of its array.
    """
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for line, statement, values in _statements(text):
        paths = list(_paths(values))
        if statement.lstrip().startswith("["):
            table = max(paths, key=len)
            paths = [()]
        for path in paths:
            whole = (*table, *path)
            for length in range(1, len(whole) + 1):
                found.setdefault(whole[:length], line)
    return found


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """The first line of each statement, its text and what it says."""
    begun, statement, tries = 1, "", 0
    for number, line in enumerate(text.split("\n"), 1):
        if not statement:
            begun, tries = number, 0
        statement += f"{line}\n"
        if begun < number and not any(end in line for end in ENDS):
            continue
        tries += 1
        if tries > MOST_TRIES:
            return
        try:
            values = tomllib.loads(statement)
        except ValueError:
            continue
        if values:
            yield begun, statement, values
        statement = ""


def _paths(values: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The keys that lead to each value; arrays are values."""
    for key, value in values.items():
        yield (key,)
        if isinstance(value, Mapping):
            for path in _paths(value):
                yield (key, *path)
