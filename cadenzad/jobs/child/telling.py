"""How a job's process tells the daemon: whole lines from any thread, beats, and how it ended."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from cadenzad.jobs.protocol import Beat, Failed, Message, encode
from store.errors import CadenzaError

log = logging.getLogger("cadenzad.jobchild")


class Lines:
    """Writes whole lines, from any thread."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        """A message, as a line."""
        self.pass_on(encode(message))

    def pass_on(self, line: str) -> None:
        """A line that is a message already."""
        with self._lock:
            self._out.write(line + "\n")
            self._out.flush()


@contextmanager
def beating(line: Lines, every: float) -> Iterator[None]:
    """Meanwhile a sign of life every so many seconds."""
    stop = threading.Event()

    def beat() -> None:
        count = 0
        while not stop.wait(every):
            count += 1
            line.send(Beat(count))

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        stop.set()


def failure(error: Exception, hide: Callable[[str], str]) -> Failed:
    """What the daemon is told of an exception; `hide` takes out what is secret."""
    if not isinstance(error, CadenzaError):
        log.error("the job failed", exc_info=error)
        return Failed(hide(f"{type(error).__name__}: {error}".splitlines()[0]))
    from handlers.jobs import PermanentFailure, TryLater

    permanent = isinstance(error, PermanentFailure)
    after = error.after_s if isinstance(error, TryLater) else None
    found = error.events if isinstance(error, TryLater | PermanentFailure) else ()
    return Failed(hide(error.with_hint), permanent, after, found)
