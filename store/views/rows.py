"""Writing rows of the view, so that no list of columns stands beside a list of values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from store.views.view import View


def insert(view: View, table: str, values: Mapping[str, object]) -> None:
    """A new row. A column that is not named gets its default."""
    view.execute(_insertion(table, *values), tuple(values.values()))


def update(view: View, table: str, key: Mapping[str, object], **values: object) -> bool:
    """Set columns of the rows with these values; whether there are any."""
    statement = _update(table, tuple(key), tuple(values))
    return view.execute(statement, (*values.values(), *key.values())).rowcount > 0


@cache
def _insertion(table: str, *columns: str) -> str:
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"


@cache
def _update(table: str, key: tuple[str, ...], columns: tuple[str, ...]) -> str:
    where = " AND ".join(f"{name} = ?" for name in key)
    return f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in columns)} WHERE {where}"
