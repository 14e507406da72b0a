"""Reading rows of a view table as named tuples whose fields are its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from store.reads.stored import decoded

if TYPE_CHECKING:
    from store.database.backend import Readable

R = TypeVar("R", bound=NamedTuple)

PAGE = 500
"""Rows that are in memory at a time where all of many are gone through."""


class Rows(Generic[R]):
    """The rows of a table. `decoded`: what makes a field of what its column holds (bool, JSON)."""

    def __init__(
        self, row: type[R], table: str, order: str, **decoded: Callable[[Any], object]
    ) -> None:
        self._row = row
        self._select = f"SELECT {', '.join(row._fields)} FROM {table}"
        self._order = order
        self._decoded = [(row._fields.index(name), decode) for name, decode in decoded.items()]

    def where(
        self, view: Readable, condition: str, *values: object, limit: int | None = None
    ) -> list[R]:
        """Rows that meet an SQL condition, in the table's order; the first `limit` of them."""
        query = f"{self._select} WHERE {condition} ORDER BY {self._order}"
        if limit is not None:
            query, values = f"{query} LIMIT ?", (*values, limit)
        rows = view.execute(query, values)
        return [*map(self._of if self._decoded else self._row._make, rows)]

    def first(self, view: Readable, condition: str, *values: object) -> R | None:
        """The first row that meets an SQL condition."""
        rows = self.where(view, condition, *values, limit=1)
        return rows[0] if rows else None

    def each(self, view: Readable, condition: str, *values: object, by: str) -> Iterator[R]:
        """Rows that meet an SQL condition in the order of a column, a text that is unique in them.

        A page at a time, so that neither memory nor a snapshot is held however many there are: a
        row that is changed meanwhile is met as it was or as it is.
        """
        query = f"{self._select} WHERE {condition} AND {by} > ? ORDER BY {by} LIMIT {PAGE}"
        last = ""
        while page := view.execute(query, (*values, last)).fetchall():
            rows = [self._of(row) for row in page]
            yield from rows
            last = getattr(rows[-1], by)

    def _of(self, stored: tuple[Any, ...]) -> R:
        fields = list(stored)
        for index, decode in self._decoded:
            fields[index] = decoded(decode, fields[index])
        return self._row._make(fields)
