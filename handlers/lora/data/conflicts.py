"""Written rows that contradict each other: one goal, two plans. The one written later counts.

Goals are one when they have the same normal form (handlers.goals.normal): "please sit down now" is
"sit down"; or when the model reads them the same: so is "Sit, down!". Later is: further down in a
file; between files, in the one whose time is later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handlers.goals.normal import normal_form
from handlers.lora.model.rows import Row


@dataclass(frozen=True, slots=True)
class Conflict:
    """A goal with two plans; `kept` and `dropped` are places (file:line)."""

    goal: str
    kept: str
    dropped: str

    def __str__(self) -> str:
        return f"{self.dropped}: {self.kept} gives {self.goal!r} other steps, is newer, and counts"


def settle(
    rows: Sequence[Row], written: Mapping[str, int]
) -> tuple[list[Row], tuple[Conflict, ...]]:
    """The rows without those that a later one contradicts, in their order, and what was dropped.

    `written`: each file's time of modification (ns); of files with the same time the later counts.
    """
    groups: dict[object, list[int]] = {}
    for index, row in enumerate(rows):
        for same in {identity(row), (row.key, row.image_sha256)}:
            groups.setdefault(same, []).append(index)
    dropped: dict[int, Conflict] = {}
    for indices in groups.values():
        newest = max(indices, key=lambda index: (written.get(_file(rows[index]), 0), index))
        for index in indices:
            if rows[index].plan != rows[newest].plan:
                dropped[index] = Conflict(rows[index].goal, rows[newest].where, rows[index].where)
    kept = [row for index, row in enumerate(rows) if index not in dropped]
    return kept, tuple(dropped.values())


def identity(row: Row) -> tuple[str, str | None]:
    """What two rows share that ask for the same: the goal's normal form, and the picture."""
    return normal_form(row.goal) or row.key, row.image_sha256


def same_goal(one: Row, other: Row) -> bool:
    """Whether two rows ask for the same: in one normal form, or read the same by the model."""
    same = identity(one) == identity(other) or one.key == other.key
    return same and one.image_sha256 == other.image_sha256


def _file(row: Row) -> str:
    return row.where.rpartition(":")[0]
