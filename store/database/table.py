"""A table of the view, described once: its columns, its key, its indexes."""

from __future__ import annotations

from functools import cached_property


class Column:
    """`kind`: text, integer, real, or truth (0 or 1). `default`: as SQL has it, or ""."""

    __slots__ = ("default", "kind", "name", "optional")

    def __init__(self, name: str, kind: str, optional: bool, default: str) -> None:
        self.name, self.kind, self.optional, self.default = name, kind, optional, default

    @property
    def may_be_absent(self) -> bool:
        """Whether ABSENT is NULL in it: a number with a fraction may be that number."""
        return self.optional and self.kind != "real"


class Index:
    """`columns` and `where` as SQL has them. `late`: no folding asks it, so it is made last."""

    __slots__ = ("columns", "late", "name", "unique", "where")

    def __init__(
        self, name: str, columns: str, where: str = "", *, unique: bool = False, late: bool = False
    ) -> None:
        self.name, self.columns, self.where = name, columns, where
        self.unique, self.late = unique, late


class Table:
    """`key`: the names of the columns of its primary key; `columns`: a line for each,

    NAME KIND[?] [= DEFAULT] [-- what it is], with a question mark for one that may be NULL.
    """

    def __init__(self, name: str, key: str, columns: str, *indexes: Index) -> None:
        self.name = name
        self.key = tuple(key.split())
        self.indexes = indexes
        self._described = columns

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """In the order of the table. Read when they are asked for: most commands do not."""
        lines = (line.partition("--")[0].strip() for line in self._described.splitlines())
        return tuple(_column(line) for line in lines if line)

    @cached_property
    def absent(self) -> frozenset[str]:
        """The columns in which ABSENT is NULL."""
        return frozenset(column.name for column in self.columns if column.may_be_absent)


def _column(line: str) -> Column:
    described, _, default = line.partition("=")
    name, kind = described.split()
    return Column(name, kind.rstrip("?"), kind.endswith("?"), default.strip())
