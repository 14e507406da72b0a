"""A child's lines on their way to whoever supervises it, and answers to what it asks meanwhile.

The child holds no connection to the cluster: whoever has one may run anything anywhere, and a
project's own code may run in the child. It can ask for parts of PARTS, and for nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
from collections.abc import Mapping
from typing import Any

from cadenzad.jobs import process as processes
from cadenzad.jobs.cluster.spreading import Spreader
from cadenzad.jobs.protocol import Ask, Enough, ProtocolError, decode

ANSWER_EVERY_S = 0.05


class Relay:
    """`process` is a job's child. `code`: how it ended, None until then."""

    def __init__(self, process: subprocess.Popen[bytes], spreader: Spreader | None) -> None:
        self.process, self._spreader = process, spreader
        self.code: int | None = None
        self._unread = b""
        assert process.stdout is not None
        self._selector = selectors.DefaultSelector()
        self._selector.register(process.stdout, selectors.EVENT_READ)

    def send(self, message: Mapping[str, Any]) -> None:
        """A line for the child; one that has died does not hear it."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()

    def turn(self, seconds: float) -> list[str]:
        """The lines that came, waiting up to `seconds` for the first of them."""
        waited = 0.0
        while self.code is None:
            step = min(seconds, ANSWER_EVERY_S) if self._is_busy else seconds
            lines = self._read(step)
            self._answer()
            waited += step
            if lines or waited >= seconds:
                return lines
        return []

    @property
    def _is_busy(self) -> bool:
        return self._spreader is not None and self._spreader.is_busy

    def _read(self, seconds: float) -> list[str]:
        if not self._selector.select(seconds):
            return []
        assert self.process.stdout is not None
        data = os.read(self.process.stdout.fileno(), 1 << 16)
        if not data:
            self._selector.close()
            self.code = processes.reap(self.process)
            return []
        *lines, self._unread = (self._unread + data).split(b"\n")
        return [line.decode("utf-8", "backslashreplace") for line in lines if not self._asks(line)]

    def _asks(self, line: bytes) -> bool:
        """Whether a line is for us, and not for whoever supervises."""
        if b'"ask"' not in line and b'"enough"' not in line:
            return False
        try:
            message = decode(line)
        except ProtocolError:
            return False  # whoever supervises says what is wrong with it
        if not isinstance(message, Ask | Enough):
            return False
        if self._spreader is None:
            self.send({"declined": "nobody is there to compute it"})
        elif isinstance(message, Ask):
            self._spreader.begin(message)
        else:
            self._spreader.drop()
            self.send({"declined": "no more of them are wanted"})
        return True

    def _answer(self) -> None:
        if self._spreader is not None:
            for answer in self._spreader.answers():
                self.send(answer)
