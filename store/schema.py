"""Pragmas, migrations and connections of `events.db`; the only place connections are opened.

Three kinds of table share the file:

    events                       history: append-only and gap-free, enforced by triggers
    view_*, projections          state folded from history; `rebuild` makes them anew
    cursors, seen, progress      bookkeeping of the running daemon; no history, no view

The writer is one connection of one process (see `store.lock`). SQLite from 3.7.0 to 3.51.2 can
corrupt a WAL database when two connections write and checkpoint at once; with one writer it cannot
happen. Readers are opened `mode=ro` and `query_only`.

The tables are in `store.database`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from store.database import sqlite as spelled
from store.database.history import BOOKKEEPING_SQL, EVENTS_SQL, PROGRESS_SQL, PROJECTIONS_SQL
from store.database.table import Table
from store.database.view import CODE_VERSION, TABLES, VIEW_NAME
from store.errors import NoEventLog, SchemaError, StoreError
from store.ownership import make_private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from store.database.backend import Readable

DATABASE = "events.db"
SET_NAME = "cadenzad"


class ViewConnection(sqlite3.Connection):
    """A connection on which events can be folded: see `store.database.backend.ViewBackend`."""

    def put(
        self, table: Table, columns: tuple[str, ...], rows: Iterable[Sequence[Any]], /
    ) -> sqlite3.Cursor:
        return self.executemany(spelled.put(table, columns), rows)


class Connection(ViewConnection):
    """A connection on which damage is a sqlite3.DatabaseError, whatever the module makes of it.

    SQLite quotes a damaged schema in its messages, and Python's module fails at decoding those.
    """

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        try:
            return super().execute(sql, parameters)
        except UnicodeDecodeError as error:
            raise damage(error) from error


def damage(error: UnicodeDecodeError) -> sqlite3.DatabaseError:
    """What a message that is no text comes to."""
    text = error.object.decode("utf-8", "backslashreplace")
    return sqlite3.DatabaseError(f"the database is damaged: {text[:200]}")


BUSY_TIMEOUT_MS = 5000
WRITER_PRAGMAS = f"""
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA recursive_triggers = ON;
PRAGMA busy_timeout = {BUSY_TIMEOUT_MS};
PRAGMA trusted_schema = OFF;
PRAGMA wal_autocheckpoint = 1000;
PRAGMA journal_size_limit = 67108864;
"""


@contextmanager
def _opened(path: Path | str, *, uri: bool = False) -> Iterator[Connection]:
    """A connection to a file, for any thread; it stays open unless what is done at first fails."""
    connection = sqlite3.connect(
        path, uri=uri, isolation_level=None, check_same_thread=False, factory=Connection
    )
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


def connect_writer(state_dir: Path) -> Connection:
    """The one writing connection, with the schema brought up to date.

    The caller must hold the writer lock. Raises SchemaError when the file is newer than this
    program and StoreError when it is not a usable database.
    """
    path = state_dir / DATABASE
    try:
        for name in ("", "-wal", "-shm"):  # SQLite makes the others as private as the first
            file = path.with_name(path.name + name)
            if not name or file.exists():
                make_private(file)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    try:
        with _opened(path) as connection:
            connection.executescript(WRITER_PRAGMAS)
            _migrate(connection)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path}: {error}",
            hint="restore a backup of the file, or move it away to begin a new history",
        ) from error
    return connection


def is_migrated(state_dir: Path) -> bool:
    """Whether the database exists and needs no migration."""
    if not (state_dir / DATABASE).exists():
        return False
    try:
        connection = sqlite3.connect(state_dir / DATABASE, isolation_level=None, factory=Connection)
        try:
            return _applied(connection) == set(MIGRATIONS)
        finally:
            connection.close()
    except sqlite3.DatabaseError:
        return False


def connect_reader(state_dir: str | Path) -> Connection:
    """A read-only connection that never blocks the writer.

    Raises StoreError when there is no database yet or it cannot be read.
    """
    path = os.path.join(os.getcwd(), state_dir, DATABASE)
    nothing = NoEventLog(
        f"{path}: there is no event log yet", hint="start the daemon: cadenzad --workspace DIR"
    )
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # of the last: no file's name
        raise nothing from None
    # What an URI gives a meaning to, as https://www.sqlite.org/uri.html has it.
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    uri = f"file:{quoted}?mode=ro"
    try:
        with _opened(uri, uri=True) as connection:
            connection.executescript("PRAGMA busy_timeout = 2000; PRAGMA query_only = ON;")
            query = "SELECT 1 FROM sqlite_master WHERE name = 'projections'"
            if connection.execute(query).fetchone() is None:
                raise nothing  # somebody is creating it at this moment
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path}: {error}", hint="`cadenzactl verify` checks the file; is the disk full?"
        ) from error
    return connection


def memory_view(*, empty: bool = True) -> ViewConnection:
    """An empty view in memory, for replaying history without touching the file.

    Not even its tables are there unless `empty`: for a copy of another one. What is true just now
    (`progress`) is no part of the past: that table stays empty.
    """
    connection = sqlite3.connect(
        ":memory:", isolation_level=None, check_same_thread=False, factory=ViewConnection
    )
    if empty:
        connection.executescript(PROJECTIONS_SQL + PROGRESS_SQL)
        make_view(connection)
    return connection


def run_script(connection: sqlite3.Connection, script: str) -> None:
    """Execute a script inside the running transaction (`executescript` would commit it)."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


def make_view(connection: sqlite3.Connection) -> None:
    """Create the view tables, inside the caller's transaction."""
    for table in TABLES.values():
        connection.execute(spelled.create_table(table))
        for index in table.indexes:
            connection.execute(spelled.create_index(table, index))


def reset_view(connection: sqlite3.Connection) -> None:
    """Drop and create the view tables, inside the caller's transaction."""
    for name in TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    make_view(connection)


def view_version(connection: Readable) -> int | None:
    """The CODE_VERSION of what folded the view; None for one that was never folded."""
    query = "SELECT code_version FROM projections WHERE name = ?"
    row = connection.execute(query, (VIEW_NAME,)).fetchone()
    return int(row[0]) if row else None


def is_outdated(connection: Readable) -> bool:
    """Whether the view was folded by other code than this."""
    return view_version(connection) != CODE_VERSION


def make_late_indexes(connection: sqlite3.Connection) -> None:
    for table in TABLES.values():
        for index in table.indexes:
            if index.late:
                connection.execute(spelled.create_index(table, index))


def drop_late_indexes(connection: sqlite3.Connection) -> None:
    for table in TABLES.values():
        for index in table.indexes:
            if index.late:
                connection.execute(f"DROP INDEX {index.name}")


MIGRATIONS = ("m001_events", "m002_hash_index")
"""Names of all migrations, oldest first. View tables need none: new code rebuilds them.
"""


def _migrate(connection: sqlite3.Connection) -> None:
    """Apply what is pending, all or nothing."""
    # `atomic()` of sqlite-utils begins a deferred transaction; inside ours it uses a savepoint.
    connection.execute("BEGIN IMMEDIATE")
    try:
        applied = _applied(connection)
        newer = sorted(applied.difference(MIGRATIONS))
        if newer:
            raise SchemaError(
                f"the event log has migrations this program does not know: {', '.join(newer)}",
                hint="upgrade cadenzad",
            )
        if applied != set(MIGRATIONS):
            _apply_pending(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have ended it
            connection.execute("ROLLBACK")
        raise


def _applied(connection: sqlite3.Connection) -> set[str]:
    """What sqlite-utils noted as applied; asked without importing it, as every start asks."""
    table = "_sqlite_migrations"
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    if connection.execute(query, (table,)).fetchone() is None:
        return set()
    rows = connection.execute(f"SELECT name FROM {table} WHERE migration_set = ?", (SET_NAME,))
    return {name for (name,) in rows}


def _apply_pending(connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database, Migrations

    migrations = Migrations(SET_NAME)

    @migrations(name=MIGRATIONS[0])
    def create(db: Database) -> None:
        for script in (EVENTS_SQL, BOOKKEEPING_SQL, PROGRESS_SQL, PROJECTIONS_SQL):
            run_script(connection, script)
        make_view(connection)

    @migrations(name=MIGRATIONS[1])
    def shorten_hash_index(db: Database) -> None:
        """Nothing any more: the view whose index it changed is folded anew by this code."""

    migrations.apply(Database(connection, execute_plugins=False))
