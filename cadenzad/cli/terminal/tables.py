"""Tables and lines as wide as the terminal: cells break, and rows without room become blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from store.text import one_line

GAP = "  "
NARROWEST = 8
"""Columns that a cell of text keeps; narrower, nobody can read it."""


def table(
    headings: Sequence[str], rows: Sequence[Sequence[object]], width: int | None = None
) -> str:
    """Rows below their headings; numbers to the right, text to the left.

    `width`: the columns that there are, None for as many as it takes. Where they are few, cells of
    text and headings break: between words if that is enough, so that an id or a path can be copied,
    else anywhere. Where they are too few for that, each row becomes a block of lines, one for each
    of its cells. Nothing is left out.
    """
    cells = [["" if cell is None else one_line(str(cell)) for cell in row] for row in rows]
    places = range(len(headings))
    numeric = [
        bool(rows) and all(isinstance(row[at], int | float | None) for row in rows) for at in places
    ]
    widths = [max([len(headings[at]), *(len(row[at]) for row in cells)]) for at in places]
    gaps = len(GAP) * (len(headings) - 1)
    if width is not None and sum(widths) + gaps > width:
        fitting = _fitting(headings, cells, numeric, width - gaps)
        if fitting is None:
            return "\n\n".join(_block(headings, row, width) for row in cells)
        widths = fitting
    head = [list(headings)] if any(headings) else []
    lines = (_line(row, widths, numeric) for row in [*head, *cells])
    return "\n".join(text for line in lines for text in line)


def _fitting(
    headings: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool], room: int
) -> list[int] | None:
    """Widths that fit into `room`; None where a column would have no more than its heading.

    All words stay whole if they can; else those of columns of single words, ids and paths; else
    none.
    """
    columns = [[row[at] for row in cells] for at in range(len(headings))]
    longest = [max(map(len, column), default=0) for column in columns]
    widths = [max(len(head), most) for head, most in zip(headings, longest, strict=True)]
    texts = [
        max(_longest_word(head), min(most, NARROWEST))
        for head, most in zip(headings, longest, strict=True)
    ]
    whole = [
        max([low, *map(_longest_word, column)]) for low, column in zip(texts, columns, strict=True)
    ]
    ids = [
        low if any(" " in cell for cell in column) else word
        for low, word, column in zip(texts, whole, columns, strict=True)
    ]
    least = [
        width if right else min(width, max(NARROWEST, len(head)))
        for head, width, right in zip(headings, widths, numeric, strict=True)
    ]
    for floors in (whole, ids, least):
        if sum(floors) <= room:
            return _narrowed(widths, floors, room)
    return None if cells else _narrowed(widths, least, room)


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


def _narrowed(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths that fit into `room`: the widest give way first, none below its least."""
    narrowed = list(widths)
    while sum(narrowed) > room:
        spare = [width if width > low else 0 for width, low in zip(narrowed, least, strict=True)]
        if not any(spare):
            break
        narrowed[spare.index(max(spare))] -= 1
    return narrowed


def _line(row: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> Iterator[str]:
    """The lines of one row: more than one where a cell breaks."""
    parts = [broken(cell, width) for cell, width in zip(row, widths, strict=True)]
    for at in range(max(map(len, parts))):
        shown = [part[at] if at < len(part) else "" for part in parts]
        yield GAP.join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(shown, widths, numeric, strict=True)
        ).rstrip()


def _block(headings: Sequence[str], row: Sequence[str], width: int) -> str:
    """A row told as lines, `HEADING  cell`."""
    longest = max(map(len, headings))
    room = max(NARROWEST, width - longest - len(GAP))
    lines = []
    for heading, cell in zip(headings, row, strict=True):
        first, *rest = broken(cell, room)
        lines.append(f"{heading.ljust(longest)}{GAP}{first}".rstrip())
        lines += [f"{' ' * longest}{GAP}{text}" for text in rest]
    return "\n".join(lines)


def broken(text: str, width: int) -> list[str]:
    """Text in pieces of at most `width`: at a space, if it is in the latter half, or if the word
    behind it then stays whole; else anywhere."""
    pieces = []
    while len(text) > width:
        at = text.rfind(" ", 1, width + 1)
        word = text[at + 1 :].partition(" ")[0]
        if at >= width // 2 or (at > 0 and len(word) <= width):
            pieces.append(text[:at])
            text = text[at + 1 :]
        else:
            pieces.append(text[:width])
            text = text[width:]
    return [*pieces, text]


def lines_of(text: str, width: int | None, further: int = len(GAP)) -> list[str]:
    """A line as those that it takes in a window of `width`, the others `further` to the right.

    Words stay whole, so that a path can be copied; `width` None: as many columns as it takes.
    """
    if width is None or len(text) <= width:
        return [text]
    import textwrap  # most lines are short

    indent = min(len(text) - len(text.lstrip()) + further, width // 2)
    return textwrap.wrap(
        text,
        width,
        subsequent_indent=" " * indent,
        replace_whitespace=False,
        expand_tabs=False,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [text]
