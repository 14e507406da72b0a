"""The view's tables while events are folded into them: what many events change is written behind.

The rows of files, episodes and exports and the totals of projects change with nearly every event.
They are kept in memory until a batch of events has been folded, or until a statement asks: then all
rows of a table go in by one statement, and a project's totals change once however many events there
were. What a table holds is the same at the end, whatever the size of a batch: tests compare them.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from store.events.envelope import Recorded
from store.events.files import RunRead
from store.schema import ABSENT

Key = tuple[object, ...]
Row = tuple[Any, ...]

_MASK = (1 << 23) - 1
"""A table that is filled from empty has a flag for each of so many hashes of keys: 8 MiB."""


class Table:
    """A table that is written behind: its first `key` columns are its key.

    `asked`: the columns that a later event asks for. `optional`: those in which ABSENT is NULL.
    """

    def __init__(
        self,
        name: str,
        columns: str,
        *,
        key: int,
        asked: tuple[str, ...] = (),
        optional: tuple[str, ...] = (),
    ) -> None:
        names = columns.split()
        marks = (f"nullif(?, {ABSENT})" if column in optional else "?" for column in names)
        self.key = key
        self.put = f"INSERT OR REPLACE INTO {name} ({', '.join(names)}) VALUES ({', '.join(marks)})"
        where = " AND ".join(f"{column} = ?" for column in names[:key])
        self.ask = f"SELECT {', '.join(asked)} FROM {name} WHERE {where}"
        self.asked = itemgetter(*map(names.index, asked)) if asked else None


FILES = Table(
    "view_files",
    "project path kind run_id revision dev ino size mtime_ns sha256 accepted reason line rows"
    " rows_rejected twin_of format position",
    key=2,
    asked=("kind", "accepted", "rows", "sha256"),
    optional=("run_id", "line", "twin_of", "format"),
)
EPISODES = Table(
    "view_episodes",
    "project path idx outcome reason ticks reward phases_done last_phase first_line position"
    " first stamp",
    key=3,
    optional=("last_phase", "stamp"),
)
EXPORTS = Table(
    "view_exports",
    "project run_path state records run_id output output_sha256 manifest rejected filtered reason"
    " retryable attempts warnings position",
    key=2,
    asked=("state", "records", "attempts"),
    optional=("output", "output_sha256", "manifest"),
)


class WrittenBehind:
    """Rows of a table, each put in the place of the one with its key when `write` is called.

    One that is `empty` at first has flags for the keys that may be there: a fold of all history
    asks for a row that is not there most times. Many keys share few flags, which costs a look.
    """

    def __init__(self, view: sqlite3.Connection, table: Table, *, empty: bool) -> None:
        self._view = view
        self._table = table
        self._pending: dict[Key, Row] = {}
        self._flags = bytearray(_MASK + 1) if empty else None

    def put(self, row: Row) -> None:
        """`row`: a value for each column, ABSENT for NULL in an optional one."""
        key = row[: self._table.key]
        self._pending[key] = row
        if self._flags is not None:
            self._flags[hash(key) & _MASK] = 1

    def find(self, *key: object) -> Row | None:
        """What is asked of the row with a key; None for no such row."""
        if key in self._pending and self._table.asked is not None:
            found: Row = self._table.asked(self._pending[key])
            return found
        if self._flags is not None and not self._flags[hash(key) & _MASK]:
            return None
        stored: Row | None = self._view.execute(self._table.ask, key).fetchone()
        return stored

    def note(self, *key: object) -> None:
        """A row has this key now, by another way than `put`."""
        if self._flags is not None:
            self._flags[hash(key) & _MASK] = 1

    def write(self) -> None:
        if self._pending:
            self._view.executemany(self._table.put, self._pending.values())
            self._pending.clear()


class View:
    """What handlers fold events into. `empty`: its tables are, and nobody else writes to them.

    `execute` sees everything that was folded before. `settle` must be called at the end.
    """

    def __init__(self, connection: sqlite3.Connection, *, empty: bool = False) -> None:
        self._connection = connection
        self.files = WrittenBehind(connection, FILES, empty=empty)
        self.episodes = WrittenBehind(connection, EPISODES, empty=False)
        self.exports = WrittenBehind(connection, EXPORTS, empty=empty)
        self._totals: dict[str, dict[str, int]] = {}
        self._last_runs: dict[str, Recorded] = {}

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        """Execute a statement on all that was folded before."""
        self.settle()
        return self._connection.execute(sql, parameters)

    def totals(self, project: str) -> dict[str, int]:
        """What is added to the counters of a project's row: to be changed in place, at once."""
        totals = self._totals.get(project)
        if totals is None:
            totals = self._totals[project] = defaultdict(int)
        return totals

    def set_last_run(self, project: str, record: Recorded) -> None:
        """The event of a run that a project's row shows as its last one."""
        self._last_runs[project] = record

    def settle(self) -> None:
        """Write what is kept."""
        self.files.write()
        self.episodes.write()
        self.exports.write()
        if self._totals or self._last_runs:
            self._write_totals()

    def _write_totals(self) -> None:
        for project in self._totals.keys() | self._last_runs.keys():
            changes = self._totals.get(project, {})
            wanted: dict[str, object] = {name: value for name, value in changes.items() if value}
            if project in self._last_runs:
                wanted["last_run"] = json.dumps(_last_run(self._last_runs[project]))
            if wanted:
                self._connection.execute(_counting(*wanted), (*wanted.values(), project))
        self._totals.clear()
        self._last_runs.clear()


def _last_run(record: Recorded) -> dict[str, object]:
    event = record.event
    assert isinstance(event, RunRead)
    last = event.episodes[-1] if event.episodes else None
    return {
        "run": event.run_id,
        "path": event.file.path,
        "outcome": last.outcome if last else "unknown",
        "reason": last.reason if last else "",
        "ticks": last.ticks if last else 0,
        "reward": last.reward if last else None,
        "lines_rejected": event.lines.rejected,
        "recorded_at": record.recorded_at.isoformat().replace("+00:00", "Z"),
    }


@cache
def _counting(*names: str) -> str:
    terms = (f"{name} = ?" if name == "last_run" else f"{name} = {name} + ?" for name in names)
    return f"UPDATE view_projects SET {', '.join(terms)} WHERE path = ?"
