"""What must not be left half done by a signal that asks to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ASK_TO_STOP = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_back() -> Iterator[None]:
    """Let SIGINT and SIGTERM wait for the end of the block, and act then as they would have.

    A signal mask would not do: with other threads about (MuJoCo's, torch's) the kernel gives the
    signal to one of them, and Python runs its handler in the main thread all the same.
    Elsewhere than in the main thread no handler runs, and nothing is to be held back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    handlers = {number: signal.getsignal(number) for number in _ASK_TO_STOP}
    # None: set by C code, which cannot be put back from here
    before = {number: handler for number, handler in handlers.items() if handler is not None}
    for number in before:
        signal.signal(number, lambda sent, frame: came.append((sent, frame)))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for sent, frame in came[:1]:
            acts = before[signal.Signals(sent)]
            if callable(acts):
                acts(sent, frame)
            elif acts != signal.SIG_IGN:
                signal.raise_signal(sent)
