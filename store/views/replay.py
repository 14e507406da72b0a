"""Replay: fold history anew, into the view itself or into memory, and compare views."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from store.database.view import CODE_VERSION, TABLES, VIEW_NAME
from store.log import History
from store.schema import (
    ViewConnection,
    drop_late_indexes,
    make_late_indexes,
    memory_view,
    reset_view,
)
from store.views import apply
from store.views.view import View

if TYPE_CHECKING:
    from store.database.backend import Readable

BATCH = 1000
"""Events folded between two writings of what is written behind."""


def replay(
    source: Readable,
    target: ViewConnection,
    *,
    after: int = 0,
    until: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Fold history from `source` into `target`, whose view is as of `after`: empty for 0.

    Returns the events read.
    """
    count = 0
    view = View(target, empty=after == 0)
    if after == 0:
        drop_late_indexes(target)
    for count, record in enumerate(History(source).read(after, until=until), start=1):
        apply(view, record)
        if count % BATCH == 0:
            view.settle()
            if progress is not None:
                progress(count)
    view.settle()
    if after == 0:
        make_late_indexes(target)
    return count


def view_as_of(
    source: Readable,
    until: int,
    progress: Callable[[int], None] | None = None,
    *,
    known: tuple[sqlite3.Connection, int] | None = None,
) -> ViewConnection:
    """The view as it was after position `until`, in memory.

    `known`: such a view and its position, not above `until`, to go on from; it stays as it is.
    """
    view, after = memory_view(empty=known is None), 0 if known is None else known[1]
    try:
        if known is not None:
            known[0].backup(view)
        view.execute("BEGIN")
        replay(source, view, after=after, until=until, progress=progress)
        view.execute("COMMIT")
    except BaseException:  # a damaged event, or somebody who does not wait
        view.close()
        raise
    return view


def rebuild(connection: ViewConnection) -> int:
    """Fold the whole history anew, inside the caller's transaction; returns the events read."""
    reset_view(connection)
    count = replay(connection, connection)
    connection.execute(
        "INSERT OR REPLACE INTO projections (name, code_version, position) VALUES (?, ?, ?)",
        (VIEW_NAME, CODE_VERSION, History(connection).head()),
    )
    return count


def view_hash(connection: sqlite3.Connection) -> str:
    """SHA-256 over every row of every view table, in key order.

    A table that an earlier version's view does not have has no part in that.
    """
    query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    there = {name for (name,) in connection.execute(query)}
    return hash_of_tables(connection, [table for table in TABLES if table in there])


def hash_of_tables(connection: Readable, tables: Iterable[str] = tuple(TABLES)) -> str:
    """SHA-256 over every row of these view tables, in key order."""
    digest = hashlib.sha256()
    for table in tables:
        digest.update(table.encode())
        for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3"):
            digest.update(repr(row).encode())
    return digest.hexdigest()
