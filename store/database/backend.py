"""What folding and reading ask of a connection: SQLite's has it, and the hub's.

Statements are spelled so that both understand them (standard SQL, `?` for a value, TRUE, NULLs
compared with IS). Two things no spelling is common to, and they are the two methods here: putting
rows in the place of those with their keys, and what stands for NULL in rows that are written by the
thousand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from store.database.table import Table

    class Result(Protocol):
        """What a statement gives: its rows, each a tuple, and how many it changed."""

        @property
        def rowcount(self) -> int: ...

        def fetchone(self) -> Any: ...

        def fetchall(self) -> list[Any]: ...

        def __iter__(self) -> Iterator[Any]: ...

    class Readable(Protocol):
        """A connection on which reads of the log and of the view are made."""

        def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Result:
            """Execute one statement inside the caller's transaction."""
            ...

    class ViewBackend(Readable, Protocol):
        """A connection on which events are folded into the view, in the caller's transaction."""

        def put(
            self, table: Table, columns: tuple[str, ...], rows: Iterable[Sequence[Any]], /
        ) -> object:
            """Rows, each in the place of the one with its key, of which nothing stays.

            `columns` begin with the table's key; one that is not named gets its default. ABSENT is
            NULL in an optional column of texts or whole numbers, as None is.
            """
            ...


ABSENT = 0.5
"""NULL, where rows are written by the thousand: a number that no such column of ours can hold.

Python's sqlite3 looks through its adapters for every None that is bound, which takes longer than
the rest of the row's binding.
"""
