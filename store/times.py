"""Moments as text: ISO 8601 in UTC, as all that this program shows and writes has them."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(us: int, timespec: str = "seconds") -> str:
    """Microseconds since the epoch as "2026-11-27T03:06:18Z"; `timespec` as datetime has it."""
    moment = datetime.fromtimestamp(us / 1_000_000, UTC)
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")
