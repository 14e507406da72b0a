"""A connection to the hub that reads and folds as SQLite's does.

What differs between the two databases is here, in three places: how a value is marked in a
statement, what truth is, and how a row takes the place of the one with its key.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader

from store.database.backend import ABSENT
from store.database.table import Table
from store.errors import CadenzaError, ConfigError, StoreError
from store.hub.dsn import Dsn, is_local

TABLES = "cadenzad"
"""The schema of the hub's tables, each with a column that says whose a row is."""

ONE = "cadenzad_one"
"""The schema of views that show one origin's part of them, under the names its own log has."""


class HubError(StoreError):
    """The hub cannot be used."""


class HubUnreachable(HubError):
    """The hub does not answer now: it may later."""


class Hub:
    """One connection, always inside a transaction or between two. Not for several threads.

    As a `ViewBackend` it shows one origin's part: see `scoped`.
    """

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection

    @classmethod
    def connect(cls, dsn: Dsn) -> Hub:
        """Raises HubUnreachable, HubError, ConfigError."""
        try:
            connection = psycopg.connect(**dsn.arguments(), autocommit=True)
        except psycopg.Error as error:
            raise told(error, dsn.place) from None
        if not (dsn.says_no_encryption or _is_safe(connection)):
            connection.close()
            raise ConfigError(
                f"{dsn.place}: the connection is not encrypted", hint="say sslmode=verify-full"
            )
        adapters = connection.adapters
        adapters.register_dumper(int, _Number)
        adapters.register_loader("bool", _Truth)
        connection.execute(f"SET search_path = {ONE}, {TABLES}, pg_catalog")
        return cls(connection)

    # -- as a database -----------------------------------------------------------------------------

    def execute(
        self, sql: str, parameters: Sequence[Any] = (), /
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        """Execute one statement. Raises HubError for what PostgreSQL refuses."""
        try:
            return self._connection.execute(_marked(sql), parameters)
        except psycopg.Error as error:
            raise told(error) from error

    def run(self, script: str) -> None:
        """Execute statements as they are written, with no values: what makes tables and roles."""
        try:
            self._connection.execute(script)
        except psycopg.Error as error:
            raise told(error) from error

    def put(
        self, table: Table, columns: tuple[str, ...], rows: Iterable[Sequence[Any]], /
    ) -> object:
        """See `ViewBackend.put`."""
        absent = [index for index, name in enumerate(columns) if name in table.absent]
        cursor = self._connection.cursor()
        try:
            cursor.executemany(_put(table, columns), [_with_nulls(row, absent) for row in rows])
        except psycopg.Error as error:
            raise told(error) from error
        return cursor

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        try:
            with self._connection.transaction():
                yield
        except psycopg.Error as error:
            raise told(error) from error

    def scope(self, origin: int) -> None:
        """In this transaction: let `events` and the view's tables be those of an origin."""
        self.execute("SELECT set_config('cadenzad.origin', ?, true)", (str(origin),))

    def wait_for_news(self, seconds: float) -> bool:
        """Wait for what the hub notifies of, after LISTEN; whether it did. A hint, no more."""
        try:
            return bool([*self._connection.notifies(timeout=seconds, stop_after=1)])
        except psycopg.Error as error:
            raise told(error) from error

    # -- as a connection ---------------------------------------------------------------------------

    @property
    def connection(self) -> psycopg.Connection[tuple[Any, ...]]:
        """psycopg's own."""
        return self._connection

    @property
    def descriptor(self) -> int:
        """Of the socket: what can be read there is news, or its end."""
        return int(self._connection.fileno())

    def interrupt(self) -> None:
        """From another thread: end whatever is waited for; the connection is of no use then."""
        with (
            suppress(OSError, psycopg.Error),
            socket.socket(fileno=os.dup(self._connection.fileno())) as line,
        ):
            line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(psycopg.Error):
            self._connection.close()


def _is_safe(connection: psycopg.Connection[Any]) -> bool:
    """Encrypted, or to this machine itself: also where a service file named the host."""
    host = connection.info.hostaddr or connection.info.host
    return connection.pgconn.ssl_in_use or is_local(host)


def told(error: psycopg.Error, place: str = "") -> CadenzaError:
    """What PostgreSQL says, in one line; it never says a password."""
    says = (error.diag.message_primary or str(error)).strip().splitlines()
    at = f"the hub ({place})" if place else "the hub"
    text = f"{at}: {says[0] if says else type(error).__name__}"
    hint = error.diag.message_hint or ""
    lost = error.sqlstate is None and isinstance(error, psycopg.OperationalError)
    if lost or (error.sqlstate or "")[:2] in _PASSING:
        return HubUnreachable(text, hint=hint)
    return HubError(text, hint=hint)


_PASSING = ("08", "40", "53", "55", "57")
"""Classes of SQLSTATE: no connection, rolled back, no room, locked, shut down."""


@cache
def _marked(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


@cache
def _put(table: Table, columns: tuple[str, ...]) -> str:
    named = ", ".join(columns)
    key = ", ".join(("origin", *table.key))
    rest = [column.name for column in table.columns if column.name not in table.key]
    sets = (f"{name} = {f'excluded.{name}' if name in columns else 'DEFAULT'}" for name in rest)
    marks = ", ".join("%s" for _ in columns)
    return (
        f"INSERT INTO {TABLES}.{table.name} ({named}) VALUES ({marks})"
        f" ON CONFLICT ({key}) DO UPDATE SET {', '.join(sets)}"
    )


def _with_nulls(row: Sequence[Any], absent: Sequence[int]) -> Sequence[Any]:
    found = list(row)
    for index in absent:
        if found[index] == ABSENT:
            found[index] = None
    return found


class _Number(Dumper):  # type: ignore[misc]  # psycopg is Any here
    """A whole number of whatever type the statement wants there: 1 is also true."""

    def dump(self, obj: int) -> Buffer:
        return str(int(obj)).encode()


class _Truth(Loader):  # type: ignore[misc]
    """Truth is 0 or 1, as SQLite has it."""

    def load(self, data: Buffer) -> int:
        return int(bytes(data) == b"t")
