"""Records of a log, for people: a line each, what went wrong in several below it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from cadenzad.cli.base.output import say, say_json
from store.text import json_text

_OWN = ("ts", "level", "logger", "message", "exception")


def print_records(records: Iterable[Mapping[str, Any]], *, as_json: bool, whole: bool) -> int:
    """Print records as they come; how many. `whole`: their messages do not have the fields yet."""
    count = 0
    for record in records:
        count += 1
        if as_json:
            say_json(record)
        else:
            _print(record, whole=whole)
        sys.stdout.flush()
    return count


def _print(record: Mapping[str, Any], *, whole: bool) -> None:
    moment = str(record.get("ts") or "")
    level = str(record.get("level", "")).upper()
    first, *more = str(record.get("message", "")).split("\n")
    fields = [f"{name}={_word(value)}" for name, value in record.items() if name not in _OWN]
    parts = [moment[:19] + "Z" * bool(moment), level, first, *(fields if whole else ())]
    say(" ".join(part for part in parts if part))
    for line in [*more, *str(record.get("exception", "")).splitlines()]:
        say(f"    {line}")


def _word(value: Any) -> str:
    return value if isinstance(value, str) and value and " " not in value else json_text(value)
