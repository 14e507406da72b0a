"""A run tick by tick, read from its log on disk: where it was, what it did, what that was worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from cadenzad.dashboard.panels.runs import Run
from handlers.mission.show.history import records
from handlers.project.formats.runlog import MissionFold, cut_off
from handlers.project.paths import inside
from store.errors import CadenzaError, InputError

LONGEST = 2000
"""Ticks of a run that are shown, the first."""

FILMS = (".mp4", ".gif")


@dataclass(frozen=True, slots=True)
class Frame:
    """The state after a tick. What its record does not say is None. x, y: m; yaw: degrees.

    `total`: the sum of the known rewards so far.
    """

    tick: int
    phase: str | None
    action: str | None
    x: float | None
    y: float | None
    yaw: float | None
    reward: float | None
    total: float
    motion: str | None
    says: str


@dataclass(frozen=True, slots=True)
class Replay:
    """A run and its ticks; `problem` says why there are none. `more`: ticks that are not shown.

    `film`: the file beside the log that shows it, by its name; None where there is none.
    """

    run: Run
    frames: list[Frame]
    more: int = 0
    film: str | None = None
    problem: str = ""

    @property
    def path(self) -> list[tuple[float, float]]:
        """Where it went, m."""
        return [(f.x, f.y) for f in self.frames if f.x is not None and f.y is not None]

    @property
    def phases(self) -> list[tuple[str, int, int]]:
        """(phase, first tick, last tick) in the order it went through them."""
        spans: list[tuple[str, int, int]] = []
        for frame in self.frames:
            name = frame.phase or "unknown"
            if spans and spans[-1][0] == name:
                spans[-1] = (name, spans[-1][1], frame.tick)
            else:
                spans.append((name, frame.tick, frame.tick))
        return spans


def replay(project: str, run: Run) -> Replay:
    """Read a run's log. A log that cannot be read is said, and no error."""
    try:
        path = inside(Path(project), Path(run.path))
        frames, more = frames_of(path, run.index)
    except (CadenzaError, OSError) as error:
        reason = error.message if isinstance(error, CadenzaError) else error.strerror or str(error)
        return Replay(run, [], problem=f"{run.path}: {reason}")
    problem = "" if frames else f"{run.path}: holds no ticks of this run"
    return Replay(run, frames, more, film_of(path), problem)


def frames_of(path: Path, index: int) -> tuple[list[Frame], int]:
    """The ticks of the run with that index in a log, and how many more there are.

    Raises OSError, and InputError where it is no mission's log.
    """
    found, more, total = list[Frame](), 0, 0.0
    for record in ticks_of(path, index):
        if len(found) == LONGEST:
            more += 1
            continue
        frame = frame_of(record, total, len(found))
        total = frame.total
        found.append(frame)
    return found, more


def ticks_of(path: Path, index: int) -> Iterator[Mapping[str, Any]]:
    """The records of the run with that index in a log.

    Raises OSError, and InputError where it is no mission's log.
    """
    fold = MissionFold()
    for number, record in enumerate(records(path), 1):
        if "event" in record and "tick" not in record:
            raise InputError("an orchestrator's log: it has no positions to show")
        if fold.add(number, record) is not None or fold.index < index or cut_off(record):
            continue
        if fold.index > index:
            break
        yield record


def frame_of(record: Mapping[str, Any], total: float, number: int) -> Frame:
    """A record as a frame; `number`: of those before it, which is its tick where it says none."""
    obs, motion, judged = (_object(record.get(name)) for name in ("obs", "motion", "judgment"))
    reward, tick = _number(record.get("reward")), _number(record.get("tick"))
    return Frame(
        tick=number if tick is None else int(tick),
        phase=_text(record.get("phase")),
        action=_text(record.get("action")),
        x=_number(obs.get("pos_x")),
        y=_number(obs.get("pos_y")),
        yaw=_number(record.get("yaw_deg")),
        reward=reward,
        total=total + (reward or 0.0),
        motion=_text(motion.get("label")),
        says=_text(record.get("end_reason")) or _text(judged.get("rationale")) or "",
    )


def film_of(log: Path) -> str | None:
    """The name of a film that lies beside a log under its name, inside the same folder."""
    stem = log.name.removesuffix(".log.jsonl")
    for suffix in FILMS:
        film = log.with_name(f"{stem}{suffix}")
        if film.is_file() and not film.is_symlink():
            return film.name
    return None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return float(value) if known and isinstance(value, int | float) else None
