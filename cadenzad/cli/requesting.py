"""Have a request carried out, by the daemon or here, and wait for what comes of it."""

from __future__ import annotations

import time
from pathlib import Path

from cadenzad.inbox import Request, send
from cadenzad.requests import carry_out
from store.errors import DaemonError
from store.events import Recorded
from store.lock import WriterLock, is_held
from store.log import EventLog
from store.opening import open_writer
from store.schema import connect_reader


def perform(directory: Path, request: Request, timeout: float) -> Recorded:
    """Have a request carried out, by the daemon or here, and return the outcome's event.

    Raises DaemonError when the daemon does not answer in `timeout` seconds.
    """
    reader = connect_reader(directory)
    after = EventLog(reader).head()
    if is_held(directory) is None:
        with WriterLock(directory, "cadenzactl").acquire():
            writer = open_writer(directory)
            try:
                carry_out(request, writer)
            finally:
                writer.close()
        path = None
    else:
        path = send(directory, request)
    wanted = f"request:{request.id}:1"
    deadline = time.monotonic() + timeout
    for record in EventLog(reader).follow(after, deadline=deadline):
        if record.dedup_key == wanted:
            return record
    if path is not None:
        path.unlink(missing_ok=True)
    raise DaemonError(f"no outcome in {timeout:g} s", hint="`cadenzactl ping` tests the daemon")
