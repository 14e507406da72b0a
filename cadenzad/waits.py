"""Times on the wall clock that somebody waits for, and not for longer than was asked.

What waits across restarts has its time in the log, on the wall clock. Set that clock back an hour
and it would wait an hour longer; begin a boot in 1970 and it would wait for decades. So a wait is
over when its time has come on the wall clock, or when as much monotonic time has passed as was left
when it was first looked at; and no more can be left then than was asked for in the first place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Mapping

BOOT_ID = "/proc/sys/kernel/random/boot_id"


def stamp() -> dict[str, float | str]:
    """Now, by both clocks, for another process to tell its age from (see `age_s`)."""
    return {"wall": time.time(), "monotonic": time.monotonic(), "boot": _boot()}


def age_s(stamped: Mapping[str, float | str]) -> float:
    """Seconds since a stamp, whatever became of the wall clock while the machine ran."""
    clock = "monotonic" if stamped["boot"] == _boot() != "" else "wall"
    now = time.monotonic() if clock == "monotonic" else time.time()
    return max(0.0, now - float(stamped[clock]))


def _boot() -> str:
    try:
        with open(BOOT_ID, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


class Waits:
    """Waits by key. One whose time is changed begins anew. Not thread-safe."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._seen: dict[Hashable, tuple[float, float]] = {}

    def left(self, key: Hashable, until: float, asked_s: float) -> float:
        """Seconds that are left; 0 when it is over.

        `until`: Unix seconds. `asked_s`: how long it was to wait when that was set.
        """
        now, left = self._monotonic(), until - self._wall()
        seen = self._seen.get(key)
        if seen is None or seen[0] != until:
            seen = self._seen[key] = (until, now + min(left, asked_s))
        return max(0.0, min(left, seen[1] - now))

    def keep(self, keys: Collection[Hashable]) -> None:
        """Forget every other one."""
        self._seen = {key: seen for key, seen in self._seen.items() if key in keys}
