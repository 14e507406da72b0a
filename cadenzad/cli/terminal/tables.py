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
    text break; where they are too few for that, each row becomes a block of lines, one for each of
    its cells. Nothing is left out.
    """
    cells = [["" if cell is None else one_line(str(cell)) for cell in row] for row in rows]
    places = range(len(headings))
    numeric = [
        bool(rows) and all(isinstance(row[at], int | float | None) for row in rows) for at in places
    ]
    natural = [max([len(headings[at]), *(len(row[at]) for row in cells)]) for at in places]
    if width is not None:
        room = width - len(GAP) * (len(headings) - 1)
        least = [
            natural[at] if numeric[at] else min(natural[at], max(NARROWEST, len(headings[at])))
            for at in places
        ]
        if sum(least) > room and cells:
            return "\n\n".join(_block(headings, row, width) for row in cells)
        natural = _narrowed(natural, least, room)
    head = [list(headings)] if any(headings) else []
    lines = (_line(row, natural, numeric) for row in [*head, *cells])
    return "\n".join(text for line in lines for text in line)


def _narrowed(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths that fit into `room`: the widest give way first, none below its least."""
    widths = list(natural)
    while sum(widths) > room:
        spare = [width if width > low else 0 for width, low in zip(widths, least, strict=True)]
        if not any(spare):
            break
        widths[spare.index(max(spare))] -= 1
    return widths


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
    """Text in pieces of at most `width`: at a space where there is one in the latter half."""
    pieces = []
    while len(text) > width:
        at = text.rfind(" ", width // 2, width + 1)
        if at > 0:
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
