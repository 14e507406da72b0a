"""A moment of the history: the view of now, or folded in memory as of a past position.

The past is folded by the code that `cadenzactl status --at` folds it with. The last few views are
kept, and a later one is folded on from them, so that a slider may be moved.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cadenzad.moments import position_at
from store.events.envelope import Recorded, project_stream
from store.log import History
from store.reads.status import check_view
from store.schema import DATABASE, connect_reader
from store.views.replay import view_as_of

KEPT = 6
"""Past views in memory: of ten thousand runs each takes about 15 MB."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`view` as of `position`. `history` is the whole log: `events` reads no further than that.

    `head`: the log's last position. `past`: somebody asked for this position.
    """

    view: sqlite3.Connection
    history: sqlite3.Connection
    position: int
    head: int
    past: bool

    @property
    def log(self) -> History:
        return History(self.history)

    def events(self, project: str, *types: str) -> list[Recorded]:
        """A project's events of these types up to this moment, the oldest first."""
        stream = project_stream(project)
        return list(self.log.read(until=self.position, stream=stream, types=types))

    def times(self, project: str) -> dict[int, int]:
        """Position -> when it was recorded (µs since the epoch), of what tells of a run."""
        query = (
            "SELECT position, recorded_at_us FROM events WHERE stream = ? AND position <= ?"
            " AND type IN ('RunRecorded', 'RunExtended', 'RunReplaced', 'FileMoved')"
        )
        rows = self.history.execute(query, (project_stream(project), self.position))
        return dict(rows.fetchall())

    def recorded_us(self, position: int) -> int:
        """When the event at a position was recorded, µs since the epoch; 0 for none."""
        query = "SELECT recorded_at_us FROM events WHERE position = ?"
        row = self.history.execute(query, (position,)).fetchone()
        return int(row[0]) if row else 0


class Moments:
    """Moments of one state directory, for many threads."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._folding = threading.Lock()
        self._kept: dict[int, sqlite3.Connection] = {}
        self._of = (0, 0)

    @contextmanager
    def at(self, text: str | None) -> Iterator[Moment]:
        """The moment a typed position or time means; now without one.

        Raises ConfigError for what is neither, StoreError where the log cannot be read.
        """
        with closing(connect_reader(self.state)) as reader:
            check_view(reader)
            reader.execute("BEGIN")  # one state of the file, for as long as it is looked at
            head = History(reader).head()
            if not text:
                yield Moment(reader, reader, head, head, past=False)
                return
            position = position_at(History(reader), text)
            with self._folding:  # a view in memory serves one thread at a time
                view = self._folded(reader, position)
                yield Moment(view, reader, position, head, past=True)

    def _folded(self, reader: sqlite3.Connection, position: int) -> sqlite3.Connection:
        info = (self.state / DATABASE).stat()
        if self._of != (info.st_dev, info.st_ino):  # another log is in its place
            self._forget()
            self._of = (info.st_dev, info.st_ino)
        view = self._kept.pop(position, None)
        if view is None:
            below = max((known for known in self._kept if known < position), default=None)
            known = None if below is None else (self._kept[below], below)
            view = view_as_of(reader, position, known=known)
        self._kept[position] = view  # the last that was looked at
        while len(self._kept) > KEPT:
            self._kept.pop(next(iter(self._kept))).close()
        return view

    def close(self) -> None:
        """Let go of the views in memory."""
        with self._folding:
            self._forget()

    def _forget(self) -> None:
        for view in self._kept.values():
            view.close()
        self._kept.clear()
