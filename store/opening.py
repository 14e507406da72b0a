"""Open the store for writing: schema migrated, view up to date, the writer thread running."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

from store import interpreter, views
from store.lock import WriterLock
from store.schema import connect_writer, is_migrated, is_outdated
from store.views import replay
from store.writer import OnCommit, Writer

log = logging.getLogger("store")


def prepare_in_child(state_dir: Path, lock: WriterLock) -> None:
    """Have a child process create or migrate the database, when that is needed.

    Migrating imports sqlite-utils: 14 MB that a long-lived process would keep for nothing. The
    child holds the lock with us: should we be killed, nobody else writes before it is gone too.
    Failing is harmless: `open_writer` then says why.
    """
    if not is_migrated(state_dir):
        subprocess.run(
            interpreter.command("-m", "store.opening", str(state_dir.absolute()), str(os.getpid())),
            env=interpreter.plain_environ(),
            cwd=interpreter.FOLDER,
            pass_fds=[lock.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )


def open_writer(state_dir: Path, on_commit: OnCommit | None = None) -> Writer:
    """The writer of a state directory; a view folded by other code is folded anew first.

    The caller must hold the writer lock. Raises StoreError when the file cannot be used.
    """
    connection = connect_writer(state_dir)
    try:
        if is_outdated(connection):
            connection.execute("BEGIN IMMEDIATE")
            count = replay.rebuild(connection)
            connection.execute("COMMIT")
            log.info("folded the view anew from %d events", count)
    except BaseException:
        connection.close()
        raise
    return Writer(connection, views.fold, on_commit=on_commit)


if __name__ == "__main__":
    interpreter.die_with(int(sys.argv[2]))
    connect_writer(Path(sys.argv[1])).close()
