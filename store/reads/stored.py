"""What a column of the view holds, as JSON mostly, made a value again."""

from __future__ import annotations

from collections.abc import Callable

from store.errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def decoded(decode: Callable[[Any], Any], stored: Any) -> Any:
    """What a column holds, decoded. Raises StoreError where that is damaged."""
    try:
        return decode(stored)
    except (ValueError, TypeError) as error:
        raise StoreError(
            f"a row of the state view cannot be read: {error}",
            hint="`cadenzactl db rebuild` folds it anew",
        ) from error
