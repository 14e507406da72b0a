"""A table of the view in SQLite's words."""

from __future__ import annotations

from functools import cache

from store.database.backend import ABSENT
from store.database.table import Index, Table

_TYPES = {"text": "TEXT", "integer": "INTEGER", "real": "REAL", "truth": "INTEGER"}


def create_table(table: Table) -> str:
    lines = [
        f"  {column.name} {_TYPES[column.kind]}{'' if column.optional else ' NOT NULL'}"
        + (f" DEFAULT {column.default}" if column.default else "")
        for column in table.columns
    ]
    lines.append(f"  PRIMARY KEY ({', '.join(table.key)})")
    return f"CREATE TABLE {table.name} (\n" + ",\n".join(lines) + "\n) STRICT, WITHOUT ROWID"


def create_index(table: Table, index: Index) -> str:
    unique = "UNIQUE " if index.unique else ""
    where = f" WHERE {index.where}" if index.where else ""
    return f"CREATE {unique}INDEX {index.name} ON {table.name} ({index.columns}){where}"


@cache
def put(table: Table, columns: tuple[str, ...]) -> str:
    """See `ViewBackend.put`: a row that is replaced gets the defaults of what is not named."""
    marks = (f"nullif(?, {ABSENT})" if name in table.absent else "?" for name in columns)
    names = ", ".join(columns)
    return f"INSERT OR REPLACE INTO {table.name} ({names}) VALUES ({', '.join(marks)})"
