"""A past moment as people type it: a position in the history, or a time. Light."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from store.errors import ConfigError

if TYPE_CHECKING:
    from typing import Any

    from store.history import HistoryOf


def position_at(history: HistoryOf[Any], text: str) -> int:
    """The position that a typed position or time means, the log's last at most.

    Raises ConfigError (a usage error) for what is neither.
    """
    number = position_number(text)
    if number is None:
        return history.position_at(moment_us(text))
    return min(number, history.head())


def position_number(text: str) -> int | None:
    """A position as typed; None when the text is no number (a time, perhaps)."""
    if not (text.isascii() and text.isdecimal()):
        return None
    digits = text.lstrip("0") or "0"
    return int(digits) if len(digits) < 19 else 2**63 - 1  # as far as SQLite counts


def moment_us(text: str) -> int:
    """Microseconds since the epoch of an ISO 8601 time; without an offset it is local time.

    Raises ConfigError (a usage error) when it is none.
    """
    try:
        return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        raise ConfigError(
            f"{text!r} is neither a position nor a time",
            hint="give a number, or a time such as 2026-01-31T12:00:00Z",
        ) from None
