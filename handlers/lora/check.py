"""One axis of a scorecard: what was measured, and whether it is enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Result = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True, slots=True)
class Check:
    """One axis. `gate` says what a failure leads to."""

    axis: str
    value: float | None
    lower: float | None
    upper: float | None
    threshold: float | None
    n: int
    result: Result
    gate: str
    detail: str
