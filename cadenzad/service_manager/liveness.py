"""systemd's watchdog: WATCHDOG=1 only when a change came through the watcher and the writer wrote.

A dead inotify reader or a stuck writer thread leaves a process that looks alive and does nothing.
Half-way through each watchdog interval a cookie file is written into the inbox; when the main loop
sees its change come back, it asks the writer for an empty commit; when that is through, systemd is
told. What does not come back in time gets the service restarted.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from cadenzad.service_manager.notify import notify
from store.errors import DaemonError, StoreError
from store.writer import Writer

log = logging.getLogger("cadenzad.watchdog")


def interval_s(environ: Mapping[str, str] = os.environ) -> float | None:
    """How often systemd wants to hear of us at least, in seconds; None when it does not."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        microseconds = int(environ["WATCHDOG_USEC"])
    except (KeyError, ValueError):
        return None
    return microseconds / 1_000_000 if microseconds > 0 else None


class Liveness:
    """One round trip after another, on the main loop."""

    def __init__(
        self,
        inbox: Path,
        writer: Writer,
        probe: Callable[[Path], bool],
        tell: Callable[[str], object] = notify,
    ) -> None:
        """`probe(folder)` writes a cookie into a watched folder, False where nothing is watched."""
        self._inbox = inbox
        self._writer = writer
        self._probe = probe
        self._report = tell

    def begin(self) -> None:
        """Send a cookie on its way; without any watches only the writer is asked."""
        try:
            if not self._probe(self._inbox):
                self._ask_writer()
        except DaemonError as error:
            log.error("watchdog: %s", error.message)

    def came_back(self, cookie: Path) -> None:
        """A cookie's change arrived (perhaps one that an earlier process left)."""
        with contextlib.suppress(OSError):
            cookie.unlink()
        self._ask_writer()

    def _ask_writer(self) -> None:
        with contextlib.suppress(StoreError):
            future = self._writer.submit(lambda transaction: None)
            # A writer that says why it cannot write is no hung one: a restart mends no full disk.
            future.add_done_callback(
                lambda done: (
                    self._report("WATCHDOG=1")
                    if isinstance(done.exception(), StoreError | None)
                    else None
                )
            )
