"""Backups of the event log: a copy made while the daemon writes, checked.

A copy is taken through SQLite's backup API inside one read transaction: it is one moment of the
log however long it takes, and whoever writes is not held up. Opening the database file itself would
drop the writer's POSIX locks. A backup is one file, without -wal and -shm.

VACUUM INTO would take 2.5 times as long, show nothing meanwhile, and ask for a connection that may
write.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from store.durable import Draft, sync
from store.errors import InputError, StoreError
from store.lock import LOCK_FILE
from store.log import History
from store.schema import DATABASE, connect_reader

Progress = Callable[[int, int], object]
"""Called with (done, total): pages of a copy, events of a check."""

PAGES = 1024
"""Copied at once: 4 MiB, so that the bar moves and an interrupt is heard."""

CHECK_EVERY = 1000


def silent(_done: int, _total: int) -> None:
    """No progress is shown."""


class Backup(NamedTuple):
    """A copy of the log. `position` is its last event's, which is also how many it holds."""

    path: Path
    position: int
    bytes: int
    sha256: str


# -- make one --------------------------------------------------------------------------------------


def make_backup(
    state_dir: Path, target: Path, *, replace: bool = False, progress: Progress = silent
) -> Backup:
    """Copy the event log to a file, whole and checked or not at all.

    Raises InputError for a target that cannot be meant (or exists, without `replace`), StoreError
    when the copy is not sound or the disk is full.
    """
    _check_target(state_dir, target, replace)
    with closing(connect_reader(state_dir)) as reader, _draft(target) as draft:
        # The read transaction is what makes the steps of the copy one moment.
        reader.execute("BEGIN")
        head = History(reader).head()
        _check_space(reader, target)
        copy_database(reader, draft.path, progress)
        reader.execute("COMMIT")
        with closing(sqlite3.connect(draft.path)) as copy:
            check_sound(copy)
            found = History(copy).head()
        if found != head:
            raise StoreError(f"{target}: the copy ends at position {found}, not {head}")
        draft.sync()
        size, digest = draft.path.stat().st_size, sha256_of(draft.path)
        _check_target(state_dir, target, replace)  # it may have come while the copy was made
        draft.replace()
        sync(target.parent)
    return Backup(target, head, size, digest)


def _check_target(state_dir: Path, target: Path, replace: bool) -> None:
    if target.is_dir():
        raise InputError(f"{target}: is a folder", hint="name the file to write")
    if not target.parent.is_dir():
        raise InputError(f"{target}: there is no folder {target.parent}")
    database = state_dir / DATABASE
    for taken in (database, *companions(database), state_dir / LOCK_FILE):
        if os.path.realpath(target) == os.path.realpath(taken):
            raise InputError(f"{target}: belongs to the event log itself", hint="name another file")
    if not os.path.lexists(target):
        return
    if not target.is_file():
        raise InputError(f"{target}: not a regular file", hint="name a file to write")
    if not replace:
        raise InputError(f"{target}: is there already", hint="--force overwrites it")


def _check_space(reader: sqlite3.Connection, target: Path) -> None:
    pages, size = (
        reader.execute(f"PRAGMA page_{what}").fetchone()[0] for what in ("count", "size")
    )
    free = shutil.disk_usage(target.parent).free
    if free < pages * size:
        raise StoreError(
            f"{target}: needs {pages * size:,} bytes, {free:,} are free",
            hint="make room, or name a file on another disk",
        )


@contextlib.contextmanager
def _draft(target: Path) -> Iterator[Draft]:
    """A draft of the target, for this user alone; SQLite's files beside it go with it."""
    try:
        draft = Draft(target)
    except OSError as error:
        raise StoreError(f"{target}: cannot be written: {error.strerror}") from error
    with draft:
        try:
            yield draft
        finally:
            for name in companions(draft.path):
                name.unlink(missing_ok=True)


def copy_database(source: sqlite3.Connection, target: Path, progress: Progress = silent) -> None:
    """Copy what a connection sees to an empty file, which then needs no -wal."""

    def step(_status: int, remaining: int, total: int) -> None:
        progress(total - remaining, total)

    try:
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            copy.execute("PRAGMA synchronous = OFF")  # synced once, when it is whole
            source.backup(copy, pages=PAGES, progress=step)
            copy.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.Error as error:
        raise StoreError(
            f"{target}: the copy failed: {error}", hint="is the disk full or going bad?"
        ) from error


# -- check one -------------------------------------------------------------------------------------


def check_sound(connection: sqlite3.Connection) -> None:
    """SQLite's own check of a database. Raises StoreError with the first thing it found."""
    try:
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise StoreError(f"the database is damaged: {found}", hint="use an older backup")


def check_history(connection: sqlite3.Connection, progress: Progress = silent) -> int:
    """Every event is there and readable; returns how many there are. Raises StoreError."""
    history = History(connection)
    head, expected = history.head(), 0
    versions: dict[str, int] = {}
    for record in history.read():
        expected += 1
        if record.position != expected:
            raise StoreError(f"the events {expected} to {record.position - 1} are missing")
        version = versions.get(record.stream, 0) + 1
        if record.version != version:
            raise StoreError(f"event {expected}: {record.stream} jumps to version {record.version}")
        versions[record.stream] = version
        if expected % CHECK_EVERY == 0:
            progress(expected, head)
    return expected


# -- the disk --------------------------------------------------------------------------------------


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def companions(database: Path) -> tuple[Path, Path, Path]:
    """SQLite's files beside a database: -wal, -shm and -journal."""
    name = database.name
    return (
        database.with_name(f"{name}-wal"),
        database.with_name(f"{name}-shm"),
        database.with_name(f"{name}-journal"),
    )
