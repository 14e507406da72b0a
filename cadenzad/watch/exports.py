"""Exports are derived from logs: one that is gone, or not as it was written, is noticed by a scan.

A scan asks for the stat of each, no more. Where that is not the one of the last look, the bytes are
hashed: at most HASH_BYTES a scan, the rest in the next ones. What is lost becomes an event, and a
reaction makes it again.
"""

from __future__ import annotations

import logging
import os
import posixpath
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from handlers.intake.observe import Stat
from handlers.project.paths import EXPORTS_DIR, SPEC_FILE
from store import identity
from store.events.envelope import NewEvent, Recorded, project_stream
from store.events.exports import ExportLost
from store.reads.state import ExportedFile, State
from store.writer import Transaction, Writer

log = logging.getLogger("cadenzad.ingest")
HASH_BYTES = 256 << 20
"""So many bytes of exports are hashed in one scan, so that it does not hold up the loop."""

Loss = Literal["gone", "changed", "its manifest is gone"]


class Exports:
    """Compares the exports on disk with what is recorded of them. Use from one thread."""

    def __init__(
        self,
        reader: sqlite3.Connection,
        writer: Writer,
        unreadable: Callable[[str, str], object] = lambda _path, _why: None,
    ) -> None:
        """`unreadable(path, why)`: an export that cannot be looked at, which says nothing of it."""
        self._state = State(reader)
        self._writer = writer
        self._unreadable = unreadable
        self._left = HASH_BYTES
        self._different = False
        """Whether an export of the project that is checked is not as it was found right before."""

    def begin_scan(self) -> None:
        """Everything is looked at anew."""
        self._left = HASH_BYTES

    def check(self, project: Path) -> bool:
        """Record which exports of a project are lost; whether all are as they were found before.

        Not so is one that lies elsewhere than exports do, or that another is about to replace.
        Raises StoreError, sqlite3.Error.
        """
        if not os.path.lexists(project / SPEC_FILE):
            return False  # with its env.json a whole project may be away: that is another event
        self._different = False
        right: list[tuple[str, Stat]] = []
        for row in self._state.exported_files(str(project)):
            path = f"{project}/{row.output}"
            if posixpath.dirname(row.output) != EXPORTS_DIR or row.state == "stale":
                self._different = True
            try:
                loss = self._look(path, row, right)
                if not loss and row.manifest is not None:
                    _ = os.lstat(f"{project}/{row.manifest}")
            except (FileNotFoundError, NotADirectoryError):
                loss = "its manifest is gone" if os.path.lexists(path) else "gone"
            except OSError as error:
                self._unreadable(path, str(error.strerror))
                self._different = True
                continue
            if loss:
                self._different = True
                self._record(str(project), row, loss)
        if right:
            self._writer.run(lambda transaction: _mark(transaction, right))
        return not self._different

    def _look(self, path: str, row: ExportedFile, right: list[tuple[str, Stat]]) -> Loss | None:
        """Whether a file is the one that was exported; one that is so for the first time is noted.

        Of a stale one it only matters that it is there: the next export is on its way.
        """
        info = os.lstat(path)
        now = Stat.of(info)
        if now.as_tuple() == row.seen or row.state == "stale":
            return None
        self._different = True
        if not stat.S_ISREG(info.st_mode):
            return "changed"
        if info.st_size > self._left < HASH_BYTES:
            return None  # it is the next scan's
        self._left -= info.st_size
        if identity.of_file(path, like=row.output_sha256) != row.output_sha256:
            return "changed"
        right.append((path, now))
        return None

    def _record(self, project: str, row: ExportedFile, loss: Loss) -> None:
        lost = ExportLost(run_id=row.run_id, run_path=row.run_path, output=row.output, reason=loss)

        def record(transaction: Transaction) -> list[Recorded]:
            state = State(transaction.connection)
            now = state.export(project, row.run_path)
            if now is None or (now.position, now.state) != (row.position, row.state):
                return []  # exported anew or pruned since it was looked at
            if row.state == "stale" and state.lag():
                return []  # it is about to be exported anew, perhaps under another name
            return transaction.append(NewEvent(project_stream(project), lost))

        if self._writer.run(record):
            log.warning("export of %s is %s", row.run_path, loss, extra={"project": project})


def _mark(transaction: Transaction, right: list[tuple[str, Stat]]) -> None:
    for path, seen in right:
        transaction.mark_seen(path, *seen.as_tuple())
