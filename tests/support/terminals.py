"""A command on a terminal of its own: what it paints, and keys that are pressed there."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from waiting import eventually

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[78=>]")


class Terminal:
    """A pseudo-terminal with a process on it. `painted`: all that came, as it came."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process, self._descriptor = process, descriptor
        self.painted = ""

    def press(self, keys: bytes) -> None:
        os.write(self._descriptor, keys)

    def until(self, text: str, timeout: float = 20) -> str:
        """Wait until a text was painted after what was waited for before; what came until then."""

        def came() -> str:
            self._take()
            before, found, _ = self._plain().partition(text)
            return before + found if found else ""

        found: str = eventually(came, f"{text!r} on the terminal", timeout, explain=self._plain)
        self.painted = ""
        return found

    def ends(self, timeout: float = 20) -> int:
        """The exit code, once it has ended."""
        eventually(lambda: self._take() or self.process.poll() is not None, "its end", timeout)
        return self.process.wait()

    def settings(self) -> list[object]:
        """What termios says of the terminal."""
        return termios.tcgetattr(self._descriptor)

    def _plain(self) -> str:
        return _CONTROL.sub("", self.painted)

    def _take(self) -> None:
        while select.select([self._descriptor], [], [], 0)[0]:
            try:
                data = os.read(self._descriptor, 1 << 16)
            except OSError:  # nobody has the other end any more
                return
            if not data:
                return
            self.painted += data.decode("utf-8", "replace")


@contextmanager
def terminal(
    command: Sequence[str], environ: Mapping[str, str], lines: int = 24, columns: int = 80
) -> Iterator[Terminal]:
    """Start a command on a terminal of that size, and end it."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    whole = {"TERM": "xterm-256color", **environ}
    process = subprocess.Popen(
        command, env=whole, preexec_fn=lambda: os.login_tty(theirs), pass_fds=[theirs]
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)
