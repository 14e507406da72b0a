"""Open the store for writing: schema migrated, view up to date, the writer thread running."""

from __future__ import annotations

import logging
from pathlib import Path

from store import views
from store.schema import connect_writer
from store.writer import OnCommit, Writer

log = logging.getLogger("store")


def open_writer(state_dir: Path, on_commit: OnCommit | None = None) -> Writer:
    """The writer of a state directory; a view folded by other code is folded anew first.

    The caller must hold the writer lock. Raises StoreError when the file cannot be used.
    """
    connection = connect_writer(state_dir)
    if views.is_outdated(connection):
        connection.execute("BEGIN IMMEDIATE")
        count = views.rebuild(connection)
        connection.execute("COMMIT")
        log.info("folded the view anew from %d events", count)
    return Writer(connection, views.apply, on_commit=on_commit)
