"""Waiting for what another thread or process does: until a condition holds, never for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def eventually(
    condition: Callable[[], Found],
    what: str,
    timeout: float = 20.0,
    every: float = 0.01,
    explain: Callable[[], object] | None = None,
) -> Found:
    """The first true answer of `condition`, asked `every` so many seconds.

    Fails after `timeout` seconds with what did not come, and with what `explain` has to say of it.
    """
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        if time.monotonic() > deadline:
            why = f"\n{explain()}" if explain is not None else ""
            raise AssertionError(f"did not come in {timeout:g} s: {what}{why}")
        time.sleep(every)
    return found
