"""The view's tables while events are folded into them: what many events change is written behind.

The rows of files, episodes and exports and the totals of projects change with nearly every event.
They are kept in memory until a batch of events has been folded, or until a statement asks: then all
rows of a table go in by one statement, and a project's totals change once however many events there
were. What a table holds is the same at the end, whatever the size of a batch: tests compare them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from store.database import view as tables
from store.database.table import Table
from store.events.envelope import Recorded
from store.events.files import RunRead

if TYPE_CHECKING:
    from store.database.backend import Result, ViewBackend

Key = tuple[object, ...]
Row = tuple[Any, ...]

_MASK = (1 << 23) - 1
"""A table that is filled from empty has a flag for each of so many hashes of keys: 8 MiB."""
FEW, TOGETHER = 4, 128
"""Keys that are asked for one by one; and the most that one statement asks for."""


class Behind:
    """A table that is written behind: what is put into it, and what later events ask of it.

    `columns` begin with the table's key; `asked`: those that a later event asks for.
    """

    def __init__(self, table: Table, columns: str, *, asked: tuple[str, ...] = ()) -> None:
        self.table = table
        self.columns = tuple(columns.split())
        self.key = len(table.key)
        where = " AND ".join(f"{column} = ?" for column in table.key)
        self.ask = f"SELECT {', '.join(asked)} FROM {table.name} WHERE {where}"
        self.asked = itemgetter(*map(self.columns.index, asked)) if asked else None
        self.names = asked


@cache
def _asking(behind: Behind, count: int) -> str:
    """The statement that asks for so many rows by their keys; a key comes back before its row.

    Its values are those of the keys, one key after another.
    """
    table, key = behind.table, behind.table.key
    places = ", ".join([f"({', '.join('?' * len(key))})"] * count)
    shown = ", ".join([*(f"w.{name}" for name in key), *(f"t.{name}" for name in behind.names)])
    same = " AND ".join(f"t.{name} = w.{name}" for name in key)
    wanted = f"WITH w ({', '.join(key)}) AS (VALUES {places})"
    return f"{wanted} SELECT {shown} FROM w CROSS JOIN {table.name} AS t WHERE {same}"


FILES = Behind(
    tables.FILES,
    "project path kind run_id revision dev ino size mtime_ns sha256 accepted reason line rows"
    " rows_rejected twin_of format position",
    asked=("kind", "accepted", "rows", "sha256"),
)
EPISODES = Behind(
    tables.EPISODES,
    "project path idx outcome reason ticks reward phases_done last_phase first_line position"
    " first stamp",
)
EXPORTS = Behind(
    tables.EXPORTS,
    "project run_path state records run_id output output_sha256 manifest rejected filtered reason"
    " retryable warnings position attempts",
    asked=("state", "records", "attempts"),
)


class WrittenBehind:
    """Rows of a table, each put in the place of the one with its key when `write` is called.

    One that is `empty` at first has flags for the keys that may be there: a fold of all history
    asks for a row that is not there most times. Many keys share few flags, which costs a look.
    """

    def __init__(self, view: ViewBackend, table: Behind, *, empty: bool) -> None:
        self._view = view
        self._table = table
        self._pending: dict[Key, Row] = {}
        self._looked_up: dict[Key, Row | None] = {}
        """What is in the table by these keys, until anything is written."""
        self._flags = bytearray(_MASK + 1) if empty else None

    def put(self, row: Row) -> None:
        """`row`: a value for each column, see `ViewBackend.put`."""
        key = row[: self._table.key]
        self._pending[key] = row
        if self._flags is not None:
            self._flags[hash(key) & _MASK] = 1

    def look_up(self, keys: Iterable[Key]) -> None:
        """Ask at once for what `find` is about to be asked for, key by key."""
        wanted = list(dict.fromkeys(keys))
        if len(wanted) < FEW:
            return
        for begin in range(0, len(wanted), TOGETHER):
            some = wanted[begin : begin + TOGETHER]
            self._looked_up.update(dict.fromkeys(some))
            # A power of two, so that a few statements do, which the database has prepared then.
            some += [some[-1]] * ((1 << (len(some) - 1).bit_length()) - len(some))
            values = list(chain.from_iterable(some))
            for row in self._view.execute(_asking(self._table, len(some)), values):
                self._looked_up[row[: self._table.key]] = row[self._table.key :]

    def find(self, *key: object) -> Row | None:
        """What is asked of the row with a key; None for no such row."""
        if key in self._pending and self._table.asked is not None:
            found: Row = self._table.asked(self._pending[key])
            return found
        if self._flags is not None and not self._flags[hash(key) & _MASK]:
            return None
        if key in self._looked_up:
            return self._looked_up[key]
        stored: Row | None = self._view.execute(self._table.ask, key).fetchone()
        return stored

    def note(self, *key: object) -> None:
        """A row has this key now, by another way than `put`."""
        if self._flags is not None:
            self._flags[hash(key) & _MASK] = 1

    def write(self) -> None:
        self._looked_up.clear()
        if self._pending:
            self._view.put(self._table.table, self._table.columns, self._pending.values())
            self._pending.clear()


class View:
    """What handlers fold events into. `empty`: its tables are, and nobody else writes to them.

    `execute` sees everything that was folded before. `settle` must be called at the end.
    """

    def __init__(self, connection: ViewBackend, *, empty: bool = False) -> None:
        self._connection = connection
        self.files = WrittenBehind(connection, FILES, empty=empty)
        self.episodes = WrittenBehind(connection, EPISODES, empty=False)
        self.exports = WrittenBehind(connection, EXPORTS, empty=empty)
        self._totals: dict[str, dict[str, int]] = {}
        self._last_runs: dict[str, Recorded] = {}

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> Result:
        """Execute a statement on all that was folded before."""
        self.settle()
        return self._connection.execute(sql, parameters)

    def put(self, table: str, values: Mapping[str, object]) -> None:
        """A row in the place of the one with its key, of which nothing stays."""
        self.settle()
        self._connection.put(tables.TABLES[table], tuple(values), (tuple(values.values()),))

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
