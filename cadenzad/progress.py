"""What slow work says of how far it is: the time that is left, and all of it in words. Light.

    {"step": "training", "done": 3, "total": 12, "eta_s": 40.0, "loss": 0.12}

`step`, `done` and `total` are the job's, `eta_s` (seconds) is added here where it says none;
whatever else it names is shown beside them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from store.reads.state import State

Progress = Callable[[Mapping[str, object]], object]
"""Called with what slow work says of itself while it goes on."""

_COUNTED = ("step", "done", "total", "eta_s")


def with_eta(
    report: Progress, now: Callable[[], float] = time.monotonic
) -> Callable[[Mapping[str, object]], None]:
    """`report` with the seconds that are left of a step, going by those it took so far."""
    began: dict[tuple[object, object], tuple[int, float]] = {}

    def report_with_eta(values: Mapping[str, object]) -> None:
        part = share_of(values)
        if part is not None and "eta_s" not in values:
            done, total = part
            first, at = began.setdefault((values.get("step"), total), (done, now()))
            if done > first:
                left = (total - done) * (now() - at) / (done - first)
                values = {**values, "eta_s": round(left, 1)}
        report(values)

    return report_with_eta


def share_of(values: Mapping[str, object] | None) -> tuple[int, int] | None:
    """(done, total) of a step; None where it is not known how much there is to do."""
    done, total = (values or {}).get("done"), (values or {}).get("total")
    if isinstance(done, int) and isinstance(total, int) and total > 0:
        return min(done, total), total
    return None


def said_of(values: Mapping[str, object] | None) -> str:
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


def left_of(values: Mapping[str, object] | None) -> float | None:
    """The seconds that are left of a step; None where nobody knows."""
    left = (values or {}).get("eta_s")
    return float(left) if isinstance(left, int | float) else None


def rest_of(values: Mapping[str, object]) -> list[str]:
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


class Course:
    """How far a `--once` is: files that were read, events that were reacted to, jobs.

    Each word is a sign of life too (`beat`).
    """

    def __init__(self, report: Progress, beat: Callable[[], object], state: State) -> None:
        self._report, self._beat, self._state = with_eta(report), beat, state
        self._began: int | None = None

    def reading(self, done: int, total: int) -> None:
        """So many of the files that the scan found are read."""
        self._tell({"step": "reading files", "done": done, "total": total})

    def reacting(self, position: int, last: int) -> None:
        """The events up to a position are reacted to."""
        if self._began is None:
            self._began = position - 1
        began = min(self._began, position)
        self._tell({"step": "exporting", "done": position - began, "total": last - began})

    def working(self) -> None:
        """Jobs run, one after another."""
        from store.reads.live import job_key

        running = self._state.jobs(state="running", limit=1)
        waiting = self._state.waiting_count()
        values: dict[str, object] = {}
        if running:
            job = running[0]
            told = self._state.progress(job_key(job.id)) or {}
            values = {**told, "step": f"{job.kind} {told.get('step', '')}".rstrip()}
        self._tell(values | ({"jobs waiting": waiting} if waiting else {}))

    def _tell(self, values: Mapping[str, object]) -> None:
        self._report(values)
        self._beat()
