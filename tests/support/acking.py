"""A cadenzad that says on stderr what it promises to keep. A script for test_powerloss.py.

    python acking.py AS_IT_IS|NORMAL|NO_FOLDER_SYNC [cadenzad's arguments ...]

After each commit it writes `kept N`: every event up to position N is safe. NORMAL has SQLite sync
less, NO_FOLDER_SYNC leaves folders unsynced: both break the promise, and a proof has to notice.
"""

from __future__ import annotations

import os
import stat
import sys

from cadenzad.cli.daemon import main
from store import schema
from store.writer import Writer


def tell_what_is_kept() -> None:
    commit = Writer._commit

    def told(self, group):
        commit(self, group)
        query = "SELECT coalesce(max(position), 0) FROM events"
        (head,) = self._connection.execute(query).fetchone()
        os.write(2, b"kept %d\n" % head)

    Writer._commit = told


def sync_less() -> None:
    connect = schema.connect_writer

    def normal(state_dir):
        connection = connect(state_dir)
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    import store.opening

    store.opening.connect_writer = normal


def sync_no_folder() -> None:
    fsync = os.fsync
    os.fsync = lambda fd: None if stat.S_ISDIR(os.fstat(fd).st_mode) else fsync(fd)


if __name__ == "__main__":
    {"AS_IT_IS": lambda: None, "NORMAL": sync_less, "NO_FOLDER_SYNC": sync_no_folder}[sys.argv[1]]()
    tell_what_is_kept()
    sys.exit(main(sys.argv[2:]))
