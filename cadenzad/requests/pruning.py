"""Pruning asked for: file by file through whoever writes the log, and what a kill left of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from cadenzad.maintenance.candidate import Candidate
from cadenzad.requests import inbox
from cadenzad.requests.client import as_writer, ask
from cadenzad.requests.commands import new_request
from cadenzad.requests.handle import carry_out
from cadenzad.requests.inbox import Request, path_of
from cadenzad.requests.prune import PRUNED, batches
from store.errors import CadenzaError, DaemonError, LockHeldError
from store.lock import is_held
from store.reads.state import State
from store.schema import connect_reader
from store.writer import Writer


def finish_prunes(directory: Path) -> None:
    """Carry out what a kill left of earlier prunes; a daemon that runs has done so at its start."""
    left = list(inbox.waiting(directory))
    if not left or is_held(directory) is not None:
        return
    with contextlib.suppress(LockHeldError), as_writer(directory, "cadenzactl db prune") as writer:
        for path in left:
            with contextlib.suppress(CadenzaError, OSError):  # the next daemon says what is wrong
                request = inbox.read(path)
                if request.kind == "prune":
                    carry_out(request, writer)
                    inbox.done(path)


def prune(
    directory: Path,
    files: Sequence[Candidate],
    *,
    force: bool,
    timeout: float = 600.0,
    progress: Callable[[int], object] = lambda _files: None,
) -> dict[int, str]:
    """Have files pruned; the index and the reason of each that stayed.

    `progress` is told how many files more were gone through. Raises DaemonError when a request
    (there is one for some 200 files) is not carried out in `timeout` seconds: it stays in the inbox
    then, as it does after a kill.
    """
    kept: dict[int, str] = {}
    done = 0
    with closing(connect_reader(directory)) as reader:
        for command in batches(files, force=force):
            stayed = _prune(directory, State(reader), new_request(command), timeout)
            kept |= {done + index: reason for index, reason in stayed.items()}
            done += len(command.files)
            progress(len(command.files))
    return kept


def _prune(directory: Path, state: State, request: Request, timeout: float) -> dict[int, str]:
    def here(writer: Writer) -> dict[int, str] | None:
        carry_out(request, writer)
        return _pruned(state, request)

    def there() -> dict[int, str] | None:
        return _pruned(state, request)

    stayed = ask(directory, request, here, there, timeout, role="cadenzactl db prune", keep=True)
    if stayed is None:
        raise DaemonError(
            f"no outcome in {timeout:g} s: the request waits in {path_of(directory, request)}",
            hint="`cadenzactl ping` tests the daemon; delete that file to take the request back",
        )
    return stayed


def _pruned(state: State, request: Request) -> dict[int, str] | None:
    """What came of a prune request; None while it is not carried out."""
    answer: dict[str, Any] | None = state.progress(PRUNED)
    if answer is None or answer["id"] != request.id:
        return None
    return dict(answer["kept"])
