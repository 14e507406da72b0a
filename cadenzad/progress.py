"""What slow work says of how far it is: the time that is left, and all of it in words. Light.

    {"step": "training", "done": 3, "total": 12, "eta_s": 40.0, "loss": 0.12}

`step`, `done` and `total` are the job's, `eta_s` (seconds) is added here where it says none;
whatever else it names is shown beside them.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_COUNTED = ("step", "done", "total", "eta_s")


def with_eta(
    report: Callable[[Mapping[str, Any]], None], now: Callable[[], float] = time.monotonic
) -> Callable[[Mapping[str, Any]], None]:
    """`report` with the seconds that are left of a step, going by those it took so far."""
    began: dict[tuple[object, object], tuple[int, float]] = {}

    def report_with_eta(values: Mapping[str, Any]) -> None:
        part = share_of(values)
        if part is not None and "eta_s" not in values:
            done, total = part
            first, at = began.setdefault((values.get("step"), total), (done, now()))
            if done > first:
                left = (total - done) * (now() - at) / (done - first)
                values = {**values, "eta_s": round(left, 1)}
        report(values)

    return report_with_eta


def share_of(values: Mapping[str, Any] | None) -> tuple[int, int] | None:
    """(done, total) of a step; None where it is not known how much there is to do."""
    done, total = (values or {}).get("done"), (values or {}).get("total")
    if isinstance(done, int) and isinstance(total, int) and total > 0:
        return min(done, total), total
    return None


def said_of(values: Mapping[str, Any] | None) -> str:
    """Progress as one phrase: "training 3 of 12, 40 s left, loss 0.12"; "" for none."""
    if not values:
        return ""
    parts = [str(values["step"])] if values.get("step") else []
    if (part := share_of(values)) is not None:
        parts.append(f"{part[0]:,} of {part[1]:,}")
    words = [" ".join(parts)] if parts else []
    if (left := left_of(values)) is not None:
        words.append(f"{span(left)} left")
    return ", ".join([*words, *rest_of(values)])


def left_of(values: Mapping[str, Any] | None) -> float | None:
    """The seconds that are left of a step; None where nobody knows."""
    left = (values or {}).get("eta_s")
    return float(left) if isinstance(left, int | float) else None


def rest_of(values: Mapping[str, Any]) -> list[str]:
    """What a job says besides how far it is, "name value" each."""
    return [f"{name} {value}" for name, value in values.items() if name not in _COUNTED]


def span(seconds: float) -> str:
    """A time span in words: "40 s", "3 min 20 s", "2 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
