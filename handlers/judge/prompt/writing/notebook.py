"""A Jupyter notebook as one document: the text of its code cells, written back into its JSON.

nbformat keeps a cell's source as a string, or as a list of lines, which are joined. Lines of
IPython's own (`%magic`, `!command`) are left out of what Python is asked to read.
"""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from handlers.judge.prompt.writing.documents import TextFile, decoded
from handlers.judge.prompt.writing.errors import RefusedSource
from handlers.judge.prompt.writing.strings import Character
from handlers.judge.prompt.writing.values import JsonString, json_characters, json_positions

_MAGIC = re.compile(r"^([ \t]*)[%!?](?=\S)", re.MULTILINE)


@dataclass(frozen=True, eq=False)
class Notebook:
    """`text` is that of the code cells, a line end between them; `spots` are in the JSON.

    `code` is the text with IPython's lines as comments: of the same length. `separator` stands
    between two lines of a cell in the file; empty where cells are single strings.
    """

    file: TextFile
    text: str
    spots: tuple[tuple[int, int], ...]
    separator: str
    cells: tuple[int, ...]

    @property
    def path(self) -> Path:
        return self.file.path

    @property
    def newline(self) -> str:
        return "\n"

    @cached_property
    def code(self) -> str:
        """The text as Python can read it."""
        starts = [*self.cells, len(self.text)]
        made = []
        for begin, end in pairwise(starts):
            cell = self.text[begin:end]
            if cell.startswith("%%"):  # another language
                made.append(re.sub(r"(?m)^.", "#", cell))
            else:
                made.append(_MAGIC.sub(lambda match: f"{match[1]}#", cell))
        return "".join(made)

    def line(self, at: int) -> int:
        """The line of the notebook's file."""
        return self.file.line(self.spots[at][0]) if at < len(self.spots) else 1

    def cell(self, at: int) -> int:
        """The number of the code cell that a character is in, from 1."""
        return bisect.bisect_right(self.cells, at)

    def spliced(self, start: int, end: int, new: str) -> bytes:
        first = self.spots[start][0] if start in self.cells else self.spots[start - 1][1]
        last = self.spots[end - 1][1] if end > start else first
        if end > start and self.cell(start) != self.cell(end - 1):
            raise RefusedSource(f"{self.path}: the managed block lies across several cells")
        begins = start > 0 and self.text[start - 1] == "\n" and start not in self.cells
        return self.file.spliced(first, last, self._written(new, begins))

    def _written(self, new: str, begins_line: bool) -> str:
        ascii_only = "\\u" in self.file.text
        lines = [
            json.dumps(line, ensure_ascii=ascii_only)[1:-1]
            for line in re.findall(r"[^\n]*\n|[^\n]+", new)
        ]
        between = f'"{self.separator}"' if self.separator else ""
        return (between if begins_line and new else "") + between.join(lines)

    def can_encode(self, text: str) -> bool:
        return self.file.can_encode(text)


def notebook(path: Path, data: bytes) -> Notebook:
    """A notebook. Raises RefusedSource for what is none."""
    file = decoded(path, data, "utf-8")
    try:
        cells = json_positions(file.text)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"].value == "code"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RefusedSource(f"{path}:1: is not a notebook of nbformat 4") from None
    found: list[Character] = []
    starts = []
    for source in sources:
        starts.append(len(found))
        found += _characters(file.text, source)
        at = found[-1][2] if found else 0
        found.append(("\n", at, at))  # in no file: only between the cells
    return Notebook(
        file,
        "".join(character for character, _, _ in found),
        tuple((begin, end) for _, begin, end in found),
        next((text for source in sources if (text := _separator(file.text, source))), ""),
        tuple(starts),
    )


def _characters(text: str, source: Any) -> Iterator[Character]:
    for string in source if isinstance(source, list) else [source]:
        if isinstance(string, JsonString):
            yield from json_characters(text, string)


def _separator(text: str, source: Any) -> str:
    if isinstance(source, list) and len(source) > 1:
        return text[source[0].end : source[1].begin]
    return ""
