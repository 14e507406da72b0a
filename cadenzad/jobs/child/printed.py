"""What is printed past us: libraries' warnings, a project's encoder, a crash's last words.

A job's goes through the log like everything else, line by line, so that no key and nothing that
moves a cursor reaches whatever stderr leads to.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

log = logging.getLogger("cadenzad.jobs.printed")

MAX_LINE = 1 << 16
"""Characters of one line in the log; a longer one goes on in the next."""

LAST_WORDS_S = 1.0
"""How long the end of a job waits for what was printed: a process of its own may hold the pipe."""


def stderr_for_logs() -> TextIO:
    """The real stderr, apart from file descriptor 2, which `printed_lines_logged` takes."""
    return os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace", buffering=1)


@contextlib.contextmanager
def printed_lines_logged() -> Iterator[None]:
    """Meanwhile what anything writes to file descriptors 1 and 2 becomes lines of the log.

    What child processes inherit is taken too. Logging must lead elsewhere, see `stderr_for_logs`.
    """
    with printed_lines_to(lambda line: log.info("%s", line), (1, 2)):
        yield


@contextlib.contextmanager
def printed_lines_to(take: Callable[[str], object], descriptors: Sequence[int]) -> Iterator[None]:
    """Meanwhile each line written to these descriptors is handed to `take`, in a thread of its own.

    Lines come without their end; empty ones do not come.
    """
    reading, writing = os.pipe()
    before = [os.dup(number) for number in descriptors]
    for number in descriptors:
        os.dup2(writing, number)
    os.close(writing)
    thread = threading.Thread(target=_hand_over, args=(reading, take), daemon=True)
    thread.start()
    try:
        yield
    finally:
        for number, old in zip(descriptors, before, strict=True):
            os.dup2(old, number)
            os.close(old)
        thread.join(LAST_WORDS_S)


def _hand_over(reading: int, take: Callable[[str], object]) -> None:
    with open(reading, encoding="utf-8", errors="replace", newline="\n") as lines:
        while line := lines.readline(MAX_LINE):
            text = line.rstrip("\r\n")
            if text:
                take(text)
