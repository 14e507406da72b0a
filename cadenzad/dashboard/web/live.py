"""Live updates: server-sent events that tell a page that there is something new to ask for.

What has changed is not sent: the page asks for itself, and shows what differs.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

from store.errors import StoreError
from store.lock import is_held
from store.reads.state import State
from store.schema import connect_reader

LOOK_S = 0.2
"""How often it is looked whether the log, or what the daemon says of itself, has changed."""

ALIVE_S = 15.0
"""A line that says nothing, so that a connection that is gone is noticed."""


async def changes(state: Path, stopping: Callable[[], bool]) -> AsyncIterator[str]:
    """Server-sent events: `changed` with the log's position, at first and after each change.

    `PRAGMA data_version` costs microseconds and takes no lock. A log that cannot be read is tried
    again: the page that asks is told what is wrong.
    """
    last: object = None
    silent = 0.0
    while not stopping():
        try:
            with closing(connect_reader(state)) as reader:
                async for found in _versions(state, reader, stopping):
                    if found is None or found == last:
                        silent += LOOK_S
                        if silent >= ALIVE_S:
                            silent = 0.0
                            yield ": alive\n\n"
                        continue
                    last, silent = found, 0.0
                    yield f"event: changed\ndata: {State(reader).head()}\n\n"
        except (StoreError, sqlite3.Error):
            if last != "unreadable":
                last = "unreadable"
                yield "event: changed\ndata: unreadable\n\n"
            await asyncio.sleep(1.0)


async def _versions(
    state: Path, reader: sqlite3.Connection, stopping: Callable[[], bool]
) -> AsyncIterator[tuple[object, ...] | None]:
    """What stands for the log and the daemon as they are; None where nothing was written since."""
    version = None
    while not stopping():
        holder = is_held(state)
        now = reader.execute("PRAGMA data_version").fetchone()[0], holder and holder.get("pid")
        if now == version:
            yield None
        else:
            version = now
            seen = State(reader)
            live = reader.execute("SELECT max(updated_us) FROM progress WHERE key LIKE 'job:%'")
            yield seen.head(), now[1], live.fetchone()[0]
        await asyncio.sleep(LOOK_S)
