"""Have a request carried out, by the daemon or here, and wait for what comes of it."""

from __future__ import annotations

import time
from pathlib import Path

from cadenzad.inbox import Request, send, takes_requests
from cadenzad.requests import carry_out
from store.errors import DaemonError, LockHeldError
from store.events.envelope import Recorded
from store.lock import WriterLock, is_held
from store.log import EventLog
from store.opening import open_writer
from store.schema import connect_reader

LOOK_S = 0.5
"""How often it is looked who could carry the request out, while it is not."""


def perform(directory: Path, request: Request, timeout: float, *, outcome: int = 0) -> Recorded:
    """Have a request carried out, by the daemon or here, and return the event number `outcome`.

    A daemon that stops before it came to the request leaves it to us, another command that writes
    at this moment is waited for. Raises DaemonError when there is no outcome in `timeout` seconds.
    """
    history = EventLog(connect_reader(directory))
    after = history.head()
    wanted = f"request:{request.id}:{outcome}"
    deadline = time.monotonic() + timeout
    path: Path | None = None
    try:
        while time.monotonic() < deadline:
            holder, done = is_held(directory), False
            if holder is None:
                done = _carry_out_here(directory, request)
            elif path is None and takes_requests(holder):
                path = send(directory, request)
            now = time.monotonic()
            for record in history.follow(after, deadline=now if done else now + LOOK_S):
                if record.dedup_key == wanted:
                    return record
            if done:
                raise DaemonError("there was nothing to do any more", hint="somebody was quicker")
    finally:
        if path is not None:
            path.unlink(missing_ok=True)
    raise DaemonError(f"no outcome in {timeout:g} s", hint="`cadenzactl ping` tests the daemon")


def _carry_out_here(directory: Path, request: Request) -> bool:
    """Be the writer for a moment; False when somebody else is."""
    try:
        lock = WriterLock(directory, "cadenzactl").acquire()
    except LockHeldError:
        return False
    with lock:
        writer = open_writer(directory)
        try:
            carry_out(request, writer)
        finally:
            writer.close()
    return True
