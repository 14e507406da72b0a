"""The stamp on a run log's first record: under what the run was driven."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from store.events.files import RunStamp


def stamp_of(record: Mapping[str, Any]) -> RunStamp | None:
    """The stamp of a run by its first record; None where it has none.

    What is missing, or no value that we would write, is unknown; other keys are somebody else's.
    """
    given = record.get("stamp")
    if not isinstance(given, dict):
        return None
    known: dict[str, Any] = {}
    for name in RunStamp.fields():
        value = given.get(name)
        try:
            RunStamp.of_shape({name: value})
        except ValueError:
            continue
        known[name] = value
    return RunStamp(**known) if any(value is not None for value in known.values()) else None
