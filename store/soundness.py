"""Do the database, the history and the view agree? Asked by `verify`, and after what none explains.

A byte that a disk has changed can look like anything: a page that is none, a text that is not
UTF-8, a time before the first year, JSON without its end. Reading it fails in as many ways.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing

from store.database.view import VIEW_NAME
from store.errors import CadenzaError
from store.log import History
from store.views.replay import view_as_of, view_hash

Check = Callable[[sqlite3.Connection], list[str]]
"""What is wrong, one line each."""

UNREADABLE = (
    sqlite3.Error,
    CadenzaError,
    ValueError,  # text that is not UTF-8, JSON that is none, a time there cannot be
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
"""What reading a damaged log may raise."""

LAST_US = 253_402_300_799_999_999
"""The last microsecond of the year 9999, the last one of which there is a date."""


def integrity(reader: sqlite3.Connection) -> list[str]:
    """Does SQLite find the file whole?"""
    rows = [row[0] for row in reader.execute("PRAGMA integrity_check")]
    problems = [] if rows == ["ok"] else rows
    problems += [f"foreign key: {row}" for row in reader.execute("PRAGMA foreign_key_check")]
    for key, value in reader.execute("SELECT key, value FROM progress"):
        try:
            json.loads(value)
        except ValueError:
            problems.append(f"progress of {key}: not JSON")
    return problems


def positions(reader: sqlite3.Connection) -> list[str]:
    """Is no position and no version of a stream missing, and is every time one?"""
    problems = []
    query = "SELECT count(*) FROM events WHERE recorded_at_us NOT BETWEEN 0 AND ?"
    if (odd := reader.execute(query, (LAST_US,)).fetchone()[0]) > 0:
        problems.append(f"{odd} events have a time that no clock shows")
    count, first, last = reader.execute(
        "SELECT count(*), min(position), max(position) FROM events"
    ).fetchone()
    if count and (first != 1 or last != count):
        problems.append(f"{count} events, but positions run from {first} to {last}")
    rows = reader.execute(
        "SELECT stream, count(*), min(version), max(version) FROM events GROUP BY stream"
        " HAVING min(version) != 1 OR max(version) != count(*)"
    )
    problems += [
        f"stream {stream}: {count} events, but versions run from {low} to {high}"
        for stream, count, low, high in rows
    ]
    return problems


def view(reader: sqlite3.Connection) -> list[str]:
    """Compare the view with a replay of the same moment, inside one read transaction."""
    reader.execute("BEGIN")
    try:
        head = History(reader).head()
        with closing(view_as_of(reader, head)) as folded:
            same = view_hash(folded) == view_hash(reader)
    finally:
        reader.execute("COMMIT")
    return (
        [] if same else [f"the {VIEW_NAME} view differs from a replay: run `cadenzactl db rebuild`"]
    )


CHECKS: Mapping[str, Check] = {"integrity": integrity, "positions": positions, "view": view}


def ask(check: Check, reader: sqlite3.Connection) -> list[str]:
    """What a check finds; that it cannot be made is a finding too."""
    try:
        return check(reader)
    except CadenzaError as error:
        return [str(error)]
    except UNREADABLE as error:
        return [f"unreadable: {type(error).__name__}: {error}"]


def first_problem(reader: sqlite3.Connection) -> str | None:
    """What is wrong with a log, in one line; None when it is sound."""
    for check in CHECKS.values():
        for problem in ask(check, reader):
            return problem
    return None
