"""What every answer to a program has in common: an object, ISO times, a project by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TIMES = re.compile(r".*_at|at|ts|not_before|last_judged")
AS_RECORDED = ("data", "spec", "evidence")
"""Below these stands what an event or a job says, in its own words."""


def faults_of(answer: object) -> Iterator[str]:
    """What is not as in other answers, each with its place."""
    if not isinstance(answer, dict):
        yield "an answer is an object"
    else:
        yield from _faults(answer, "")


def _faults(value: object, place: str) -> Iterator[str]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _faults(item, f"{place}{number}.")
    elif isinstance(value, dict):
        for key, item in value.items():
            if key.endswith("_us"):
                yield f"{place}{key}: a time is ISO 8601"
            elif TIMES.fullmatch(key) and isinstance(item, str) and not ISO.fullmatch(item):
                yield f"{place}{key}: {item!r} is no ISO 8601 time in UTC"
            elif key == "project" and isinstance(item, str) and "/" in item:
                yield f"{place}{key}: {item!r} is a path, not a name"
            elif key not in AS_RECORDED:
                yield from _faults(item, f"{place}{key}.")
