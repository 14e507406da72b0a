"""Every text in run logs, whatever field it stands in: what free text is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

MOST_BYTES = 256 << 20
"""Of logs that are looked through; where there is more, nobody can say that nothing is copied."""
SHORTEST = 4
"""Characters of a text that says anything."""


class TooMuch(Exception):
    """The logs are too long to be looked through, or cannot be read. The message says so."""


def texts_in(paths: Iterable[Path]) -> Iterator[str]:
    """Each text once: values and keys of every line; a line that is no JSON as it stands.

    Raises TooMuch.
    """
    seen: set[int] = set()
    left = MOST_BYTES
    for path in paths:
        try:
            left -= path.stat().st_size
            if left < 0:
                raise TooMuch(f"the logs have more than {MOST_BYTES >> 20} MiB")
            with path.open("rb") as stream:
                for line in stream:
                    for text in _texts(line):
                        if len(text) >= SHORTEST and hash(text) not in seen:
                            seen.add(hash(text))
                            yield text
        except OSError as error:
            raise TooMuch(f"{path.name} cannot be read: {error.strerror}") from None


def _texts(line: bytes) -> Iterator[str]:
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        yield line.decode("utf-8", "replace")
        return
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            waiting += item
