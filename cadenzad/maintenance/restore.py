"""Put a backup in the event log's place: checked before, atomic, and with a way back.

The new log is made whole in a folder of its own, then takes the place of the old one by one rename.
The old one keeps its bytes under a second name.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from cadenzad.maintenance.backup import (
    Progress,
    check_history,
    check_sound,
    companions,
    copy_database,
    silent,
)
from store.durable import sync
from store.errors import InputError, StoreError
from store.log import History
from store.schema import DATABASE, connect_writer, is_outdated
from store.views import replay

SETTLE_S = 5.0
"""How long readers of the present log get to let its WAL go."""


class Restored(NamedTuple):
    """What a restore did, by last positions: of the new log, and of the one it `replaced`.

    `replaced` is None where there was none or a damaged one; `aside` is where it lies now.
    """

    position: int
    replaced: int | None
    aside: Path | None


def check_backup(state_dir: Path, backup: Path, progress: Progress = silent) -> int:
    """Whether a backup could be restored; its last position. Leaves everything as it is."""
    with _workshop(state_dir) as workshop:
        return _prepare(backup, workshop, progress)


def restore(state_dir: Path, backup: Path, progress: Progress = silent) -> Restored:
    """Put a backup in the event log's place; the log that was there is kept under another name.

    The caller must hold the writer lock. At every instant `events.db` is the old log or the new
    one, whole. Raises InputError for a file that is no backup, StoreError when it is damaged or
    somebody reads the present log and does not let go.
    """
    database = state_dir / DATABASE
    with contextlib.suppress(OSError):
        if backup.samefile(database):
            raise InputError(f"{backup}: is the event log itself", hint="name a backup")
    with _workshop(state_dir) as workshop:
        position = _prepare(backup, workshop, progress)
        replaced, aside = None, None
        if os.path.lexists(database):
            replaced = _settle(state_dir)
            aside = _set_aside(database)
        # A -wal that outlived its database would be played into the new one.
        for stale in companions(database):
            stale.unlink(missing_ok=True)
        sync(state_dir)
        (workshop / DATABASE).replace(database)
        sync(state_dir)
    return Restored(position, replaced, aside)


@contextlib.contextmanager
def _workshop(state_dir: Path) -> Iterator[Path]:
    """A folder on the log's own disk to make the new log in; what a kill left of others goes."""
    folder = state_dir / f".restoring-{os.getpid()}"
    remove_workshops(state_dir)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made: {error.strerror}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_workshops(state_dir: Path) -> None:
    """Remove the folders of restores that were killed."""
    for left in state_dir.glob(".restoring-*"):
        if not _is_running(left.name.rpartition("-")[2]):
            shutil.rmtree(left, ignore_errors=True)


def _is_running(pid: str) -> bool:
    return pid.isascii() and pid.isdigit() and os.path.exists(f"/proc/{pid}")


def _prepare(backup: Path, workshop: Path, progress: Progress) -> int:
    """A log made of a backup, checked and brought up to date; its last position."""
    database = workshop / DATABASE
    _copy_in(backup, database, progress)
    try:
        with closing(connect_writer(workshop)) as writer:
            check_sound(writer)
            position = check_history(writer, progress)
            writer.execute("BEGIN IMMEDIATE")
            # Files may differ from what the backup knows of them: the next scan looks at them all.
            writer.execute("DELETE FROM seen")
            writer.execute("DELETE FROM progress")
            if is_outdated(writer):
                replay.rebuild(writer)
            writer.execute("COMMIT")
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            writer.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{backup}: {error}", hint="use an older backup") from error
    except StoreError as error:
        reason = error.message.removeprefix(f"{database}: ")
        raise StoreError(f"{backup}: {reason}", hint="use an older backup") from error
    sync(database)
    return position


def _copy_in(backup: Path, database: Path, progress: Progress) -> None:
    """Copy a backup, which may also be an events.db with its -wal beside it."""
    if not backup.is_file():
        raise InputError(f"{backup}: there is no such file")
    # A file without a -wal is read as it lies there: read-only media stay readable.
    alone = not companions(backup)[0].exists()
    uri = f"file:{quote(str(backup.absolute()))}?mode=ro{'&immutable=1' if alone else ''}"
    try:
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as source:
            query = "SELECT count(*) FROM sqlite_master WHERE name IN ('events', 'projections')"
            if source.execute(query).fetchone()[0] != 2:
                raise InputError(f"{backup}: is not a backup of an event log")
            copy_database(source, database, progress)
    except sqlite3.Error as error:
        raise InputError(f"{backup}: is not a backup of an event log: {error}") from error


def _settle(state_dir: Path) -> int | None:
    """Bring the present log's WAL into its file; its last position, None when it is damaged.

    Raises StoreError while a reader keeps that from happening: the WAL must not be lost.
    """
    try:
        with closing(connect_writer(state_dir)) as writer:
            deadline = time.monotonic() + SETTLE_S
            while True:
                busy, pages, moved = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if not busy or pages == moved:
                    return History(writer).head()
                if time.monotonic() >= deadline:
                    break
                time.sleep(0.05)
    except (StoreError, sqlite3.Error):
        return None  # damaged, or newer than this program: kept as it is, with its -wal
    raise StoreError(
        f"{state_dir / DATABASE}: somebody is reading it",
        hint="end `cadenzactl events --follow` and the like, then try again",
    )


def _set_aside(database: Path) -> Path:
    """Give the present log (and a -wal that is still needed) a second name that stays."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    for attempt in range(100):
        suffix = f".replaced-{stamp}" + (f"-{attempt}" if attempt else "")
        aside = database.with_name(database.name + suffix)
        try:
            # A link, not a rename: there is an events.db at every instant.
            os.link(database, aside, follow_symlinks=False)
        except FileExistsError:
            continue
        except OSError as error:
            raise StoreError(
                f"{aside}: the present log cannot be kept: {error.strerror}",
                hint="move it away by hand, then restore",
            ) from error
        wal = companions(database)[0]
        if wal.exists() and wal.stat().st_size:
            os.link(wal, companions(aside)[0])
        return aside
    raise StoreError(f"{database}: too many logs were replaced in one second")
