"""What the forwarder sleeps at: until it is rung, or its connection says something."""

from __future__ import annotations

import os
import select
import weakref


class Bell:
    """`ring` from any thread; `wait` in one. Ringing it several times is ringing it once."""

    def __init__(self) -> None:
        self._counter = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        # Whoever holds the bell may ring it, also when nobody waits any more.
        weakref.finalize(self, os.close, self._counter)

    def ring(self) -> None:
        os.eventfd_write(self._counter, 1)

    def wait(self, seconds: float, line: int) -> tuple[bool, bool]:
        """Wait for so long at most; whether it was rung, and whether file descriptor `line` has
        something to be read: news, or its end."""
        poll = select.poll()
        for descriptor in (self._counter, line):
            poll.register(descriptor, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(seconds * 1000)}
        if self._counter in ready:
            os.eventfd_read(self._counter)
        return self._counter in ready, line in ready
