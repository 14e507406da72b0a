"""Moments as text: ISO 8601 in UTC, as all that this program shows and writes has them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


def iso(us: int, timespec: str = "seconds") -> str:
    """Microseconds since the epoch as "2026-11-27T03:06:18Z"; `timespec` as datetime has it."""
    if timespec == "seconds":
        return _second(us // 1_000_000)
    moment = datetime.fromtimestamp(us / 1_000_000, UTC)
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")


@lru_cache(maxsize=16)  # events come many in one
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
