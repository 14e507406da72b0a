"""Work done by hand joins the history: through the daemon's inbox, or written here without one.

A command does its own work, with its user's own rights: a hardened daemon may not write to the
folder a person stands in, and should not be asked to. What it did is then recorded, the same events
either way.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cadenzad.cli.common import one_line
from cadenzad.cli.select import project_folder
from cadenzad.inbox import new_request, send, takes_requests
from cadenzad.paths import make_state_dir, printable, state_dir
from cadenzad.requests import carry_out
from store.errors import CadenzaError, LockHeldError, NoEventLog, StoreError
from store.events.base import Event
from store.events.files import ExportRequested
from store.lock import WriterLock, is_held
from store.opening import open_writer
from store.reads.state import State
from store.schema import connect_reader

PATIENCE_S = 5.0
"""How long another command that writes at this moment is waited for."""


@contextmanager
def open_state(flag: str | None) -> Iterator[State | None]:
    """The state view for looking things up; None where there is none (a damaged one is told)."""
    directory = state_dir(flag)
    try:
        reader = connect_reader(directory)
    except NoEventLog:
        yield None
        return
    except StoreError as error:
        print(f"warning: {one_line(error.message)}", file=sys.stderr)
        yield None
        return
    try:
        yield State(reader)
    finally:
        reader.close()


def find_project_folder(text: str) -> Path:
    """A project's folder by path or by its name in the default state directory's view."""
    with open_state(None) as state:
        return project_folder(state, text)


def record(flag: str | None, project: Path, requested: ExportRequested, outcome: Event) -> None:
    """Record what was asked for and what came of it; where that is impossible, only warn."""
    request = new_request(
        "record-export",
        {
            "project": printable(str(project)),
            "requested": requested.model_dump(mode="json"),
            "outcome": {"type": outcome.type_name(), "data": outcome.model_dump(mode="json")},
        },
    )
    directory = state_dir(flag)
    try:
        make_state_dir(directory)
        if takes_requests(is_held(directory)):
            send(directory, request)
            return
        try:
            lock = WriterLock(directory, "cadenza").acquire(PATIENCE_S)
        except LockHeldError:
            send(directory, request)  # the next daemon takes it up
            return
        with lock:
            writer = open_writer(directory)
            try:
                carry_out(request, writer)
            finally:
                writer.close()
    except (CadenzaError, OSError, sqlite3.Error) as error:
        print(f"warning: not recorded in the history: {one_line(str(error))}", file=sys.stderr)
