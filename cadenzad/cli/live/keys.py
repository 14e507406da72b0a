"""Keys as they are pressed, without waiting for the end of a line."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_SEQUENCES = {
    b"\x1b[A": "up",
    b"\x1bOA": "up",
    b"\x1b[B": "down",
    b"\x1bOB": "down",
    b"\x1b[C": "right",
    b"\x1bOC": "right",
    b"\x1b[D": "left",
    b"\x1bOD": "left",
    b"\x1b[5~": "pageup",
    b"\x1b[6~": "pagedown",
    b"\x1b[H": "home",
    b"\x1b[1~": "home",
    b"\x1b[F": "end",
    b"\x1b[4~": "end",
    b"\x1b": "escape",
    b"\r": "enter",
    b"\n": "enter",
    b"\x7f": "backspace",
    b"\x08": "backspace",
}
"""ECMA-48 and xterm's application mode; what begins with another's bytes comes after it."""


class Keys:
    """The keyboard: a terminal's file descriptor, or None where nobody can press anything."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def wait(self, seconds: float) -> Sequence[str]:
        """The keys that are pressed by then, as soon as there are some."""
        if self._descriptor is None:
            time.sleep(seconds)
            return []
        ready, _, _ = select.select([self._descriptor], [], [], seconds)
        if not ready:
            return []
        data = os.read(self._descriptor, 256)
        if not data:  # it was closed
            self._descriptor = None
        return list(named(data))


def named(data: bytes) -> Iterator[str]:
    """The names of keys, by what a terminal sends for them; a letter is its own name."""
    while data:
        for sequence, name in _SEQUENCES.items():
            if data.startswith(sequence):
                yield name
                data = data[len(sequence) :]
                break
        else:
            yield chr(data[0])
            data = data[1:]


@contextmanager
def keyboard() -> Iterator[Keys]:
    """The keys of the terminal on stdin, which is as it was afterwards. Ctrl-C stays what it is."""
    if not sys.stdin.isatty():
        yield Keys(None)
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield Keys(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
