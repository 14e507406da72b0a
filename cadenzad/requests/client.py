"""Have a command carried out: by the daemon if one runs, else here, as the writer for a moment.

A daemon takes requests from the inbox; another command that writes at this moment is waited for. A
daemon that stops before it came to a request leaves it to us. A request is carried out once however
often that happens: its id is the key of its events.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from cadenzad.config.paths import make_state_dir
from cadenzad.requests import inbox
from cadenzad.requests.commands import (
    Command,
    RecordExport,
    new_request,
)
from cadenzad.requests.handle import carry_out
from cadenzad.requests.inbox import Request, event_key, takes_requests
from store.errors import DaemonError, LockHeldError
from store.events.envelope import Recorded
from store.lock import WriterLock, is_held
from store.log import EventLog
from store.opening import open_writer
from store.ownership import expect_own
from store.schema import connect_reader
from store.writer import Writer

T = TypeVar("T")

LOOK_S = 0.02
"""How often it is looked for an outcome, and for who could carry the request out."""

PATIENCE_S = 5.0
"""How long another command that writes at this moment is waited for to record an export."""


def perform(
    directory: Path, command: Command, timeout: float = 10.0, *, outcome: int = 0
) -> Recorded:
    """Have a command carried out and return the event number `outcome` that it leads to.

    Raises DaemonError when there is no such event in `timeout` seconds, or nothing was to be done.
    """
    request = new_request(command)
    key = event_key(request.id, outcome)
    with closing(connect_reader(directory)) as reader:
        history = EventLog(reader)

        def here(writer: Writer) -> Recorded:
            carry_out(request, writer)
            found = history.with_key(key)
            if found is None:
                raise DaemonError("there was nothing to do any more", hint="somebody was quicker")
            return found

        found = ask(directory, request, here, lambda: history.with_key(key), timeout)
    if found is None:
        hint = "`cadenzactl ping` tests the daemon"
        raise DaemonError(f"no outcome in {timeout:g} s", hint=hint)
    return found


def record_export(directory: Path, command: RecordExport) -> None:
    """Have an export that was made by hand recorded; what nobody takes now, the next daemon does.

    Raises CadenzaError, OSError or sqlite3.Error where that is impossible.
    """
    request = new_request(command)

    def here(writer: Writer) -> bool:
        carry_out(request, writer)
        return True

    make_state_dir(directory)
    ask(directory, request, here, lambda: True, PATIENCE_S, role="cadenza", keep=True)


# -- who does it -----------------------------------------------------------------------------------


def ask(
    directory: Path,
    request: Request,
    here: Callable[[Writer], T | None],
    there: Callable[[], T | None],
    timeout: float,
    *,
    role: str = "cadenzactl",
    keep: bool = False,
) -> T | None:
    """What comes of a request; None when nothing has in `timeout` seconds.

    `here(writer)` carries it out, when nobody else writes. `there()` looks for the outcome while a
    daemon has the request; None: not yet. `role` is what others call us while we write. `keep`: the
    request lies in the inbox from the beginning, and stays there until it is carried out; else it
    is taken back.
    """
    expect_own(directory)
    path = inbox.send(directory, request) if keep else None
    deadline = time.monotonic() + timeout
    try:
        while time.monotonic() < deadline:
            holder = is_held(directory)
            if holder is None:
                with contextlib.suppress(LockHeldError), as_writer(directory, role) as writer:
                    result = here(writer)
                    keep = False
                    return result
            elif takes_requests(holder):
                path = path or inbox.send(directory, request)
                if (result := there()) is not None:
                    return result
            time.sleep(LOOK_S)
        return None
    finally:
        if path is not None and not keep:
            path.unlink(missing_ok=True)


@contextmanager
def as_writer(directory: Path, role: str) -> Iterator[Writer]:
    """Be the writer for a moment. Raises LockHeldError when somebody else is."""
    with WriterLock(directory, role).acquire(), closing(open_writer(directory)) as writer:
        yield writer
