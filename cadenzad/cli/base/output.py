"""What the commands print: tables, errors as one line and a hint. Light imports."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Sequence

from store.errors import CadenzaError, StoreError
from store.errors import one_line as one_line


def refused(error: OSError) -> CadenzaError:
    """What the operating system refused, and nobody nearer to it had words for."""
    where = f"{error.filename}: " if error.filename is not None else ""
    return CadenzaError(f"{where}{error.strerror or error}")


def damaged(error: sqlite3.Error) -> StoreError:
    """What SQLite says of the event log, and what to do about it."""
    if str(error).startswith("no such"):  # table or column
        hint = "a start of the daemon, or `cadenzactl rebuild`, folds it anew"
        return StoreError(f"the state view is another version's: {error}", hint=hint)
    return StoreError(f"the event log: {error}", hint="`cadenzactl verify` checks the file")


def give_up_on_output() -> None:
    """When nothing can be written to stdout, do not have Python try it again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_error(prog: str, error: CadenzaError) -> None:
    """One line on stderr that says what and where, and one that says what to do."""
    print(f"{prog}: error: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  {error.hint}", file=sys.stderr)


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as their widest cell; numbers to the right, text to the left."""
    cells = [["" if cell is None else one_line(str(cell)) for cell in row] for row in rows]
    widths = [
        max(len(heading), *(len(row[index]) for row in cells)) if cells else len(heading)
        for index, heading in enumerate(headings)
    ]
    right = [
        bool(rows) and all(isinstance(row[index], int | float | None) for row in rows)
        for index in range(len(headings))
    ]

    def line(row: Sequence[str]) -> str:
        parts = [
            cell.rjust(width) if numeric else cell.ljust(width)
            for cell, width, numeric in zip(row, widths, right, strict=True)
        ]
        return "  ".join(parts).rstrip()

    return "\n".join([line(headings), *(line(row) for row in cells)])


def bold(text: str) -> str:
    """Bold on a terminal that wants colour, plain elsewhere."""
    wanted = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return f"\033[1m{text}\033[0m" if wanted else text
