"""Requests that lie in the inbox are carried out by whoever writes the log, each once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from cadenzad.requests import inbox
from cadenzad.requests.handle import carry_out
from cadenzad.trouble import STORAGE
from store.errors import InputError
from store.reads.state import State
from store.writer import Writer

log = logging.getLogger("cadenzad")


class Requests:
    """The inbox's other end. Used by the main loop alone."""

    def __init__(
        self,
        state_dir: Path,
        state: State,
        writer: Writer,
        record_project: Callable[[Path], object],
        trouble: Callable[[Exception], object],
    ) -> None:
        """`record_project` takes in a project that lies in no workspace.

        `trouble` is told when the log cannot be written.
        """
        self._state_dir = state_dir
        self._state = state
        self._writer = writer
        self._record_project = record_project
        self._trouble = trouble

    def take_all(self) -> None:
        """Carry out what waits, in the order in which it was asked for."""
        for path in inbox.waiting(self._state_dir):
            self.take(path)

    def take(self, path: Path) -> None:
        """Carry out one. One that cannot be read is put aside; one that failed stays for later."""
        if path.suffix != inbox.SUFFIX or path.name.startswith("."):
            return
        try:
            carry_out(inbox.read(path), self._writer, self._record_files)
            inbox.done(path)
        except FileNotFoundError:
            return
        except InputError as error:
            log.warning("%s", error.message)
            inbox.refuse(path)
        except STORAGE as error:
            self._trouble(error)
        except OSError as error:
            log.error("%s: left for later: %s", path, error)

    def _record_files(self, project: Path) -> None:
        """Record a project that lies in no workspace, when somebody wants something done for it."""
        if not project.is_absolute() or self._state.project(str(project)) is not None:
            return
        try:
            self._record_project(project)
        except Exception:
            log.exception("%s: intake failed", project)
