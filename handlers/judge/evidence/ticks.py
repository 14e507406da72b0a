"""Run logs as the judge reads them: a few facts a tick, and no word that was chosen freely.

Names (phases, actions, tags) are kept only where the mission or the robot's library knows them, so
that text in a log reaches neither a model nor a prompt. A missing field is unknown, never 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from handlers.project.formats.lines import BadLine, LineReader, parse_line
from handlers.project.formats.logsummary import LineTally, lines_of
from handlers.project.formats.orchestrator import OrchestratorFold
from handlers.project.formats.runlog import FAR_M, TALL_M, MissionFold, cut_off

FALLEN_DEG = 60.0


@dataclass(frozen=True, slots=True)
class RunLog:
    """A run log of a project."""

    run_id: str
    path: Path
    format: str = "mission"


class Tick(NamedTuple):
    """One tick. None is unknown. `tilt` is the larger of |roll| and |pitch| (degrees)."""

    tick: int
    phase: str | None
    action: str | None
    label: str | None
    tilt: float | None
    nearest_m: float | None
    x: float | None
    y: float | None
    reward: float | None
    match: bool | None
    severity: float | None
    canonical: str | None
    confidence: float | None
    canonical_params: Mapping[str, float]
    signal: str | None
    done: bool
    failed: bool
    truncated: bool
    step_ok: bool | None
    diverged: bool
    visible: Mapping[str, float]


@dataclass(slots=True)
class Episode:
    """One run: its ticks in order, each tick once. `run` is how citations name it."""

    run: str
    outcome: str = "unfinished"
    ticks: list[Tick] = field(default_factory=list)
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that may be kept."""

    phases: Collection[str]
    actions: Collection[str]
    tags: Collection[str]


def episodes_of(log: RunLog, words: Vocabulary) -> list[Episode]:
    """The runs in a log. No content makes it raise; OSError does.

    The first is named by the run id, a second in the same file `run-id#2`, and so on.
    """
    with log.path.open("rb") as stream:
        records = _records(LineReader(stream))
        if log.format == "orchestrator":
            return _sessions(log.run_id, records)
        return _episodes(log.run_id, records, words)


def _records(reader: LineReader) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, data in lines_of(reader, LineTally()):
        try:
            yield number, parse_line(data)
        except BadLine:
            continue


def _episodes(
    run_id: str, records: Iterator[tuple[int, dict[str, Any]]], words: Vocabulary
) -> list[Episode]:
    fold = MissionFold()
    found: list[Episode] = []
    for number, record in records:
        if fold.add(number, record) is not None:
            continue
        while len(found) <= fold.index:
            name = run_id if not found else f"{run_id}#{len(found) + 1}"
            found.append(Episode(name))
        tick = _tick(record, words)
        if tick is not None and tick.tick > 0:
            found[-1].ticks.append(tick)
    for fact, episode in zip(fold.finish(), found, strict=False):
        episode.outcome = fact.outcome
        episode.ticks = _in_order(episode.ticks)
    return found


def _sessions(run_id: str, records: Iterator[tuple[int, dict[str, Any]]]) -> list[Episode]:
    """An orchestrator's log says nothing of what was seen: only its errors are facts."""
    fold = OrchestratorFold()
    errors: dict[int, int] = {}
    index = -1
    for number, record in records:
        if fold.add(number, record) is not None:
            continue
        if index < 0 or record.get("event") == "session_start":
            index += 1
        errors.setdefault(index, 0)
        errors[index] += record.get("event") in ("infer_error", "retries_exceeded")
    return [
        Episode(run_id if i == 0 else f"{run_id}#{i + 1}", fact.outcome, [], errors.get(i, 0))
        for i, fact in enumerate(fold.finish())
    ]


def _in_order(ticks: Sequence[Tick]) -> list[Tick]:
    """By tick; of duplicates the first."""
    once: dict[int, Tick] = {}
    for tick in ticks:
        once.setdefault(tick.tick, tick)
    return sorted(once.values()) if _unsorted(ticks) or len(once) != len(ticks) else list(ticks)


def _unsorted(ticks: Sequence[Tick]) -> bool:
    return any(a.tick > b.tick for a, b in pairwise(ticks))


def _tick(record: Mapping[str, Any], words: Vocabulary) -> Tick | None:
    number = record.get("tick")
    if type(number) is float and number.is_integer():
        number = int(number)
    if type(number) is not int or cut_off(record) is not None:
        return None  # a run that was stopped in an action: it neither timed out nor went wrong
    obs, motion = _object(record.get("obs")), _object(record.get("motion"))
    judgment, visible = _object(record.get("judgment")), _object(record.get("visible_tags"))
    roll, pitch = _number(obs.get("roll_deg")), _number(obs.get("pitch_deg"))
    tilts = [abs(angle) for angle in (roll, pitch) if angle is not None]
    x, y, z = (_number(obs.get(name)) for name in ("pos_x", "pos_y", "body_height"))
    far = any(
        abs(v) >= limit for v, limit in ((x, FAR_M), (y, FAR_M), (z, TALL_M)) if v is not None
    )
    wild = any(
        type(value) is float and not isfinite(value)
        for value in (obs.get(name) for name in ("pos_x", "pos_y", "body_height"))
    )
    nearest = _number(obs.get("nearest_m"))
    return Tick(
        tick=number,
        phase=_known(record.get("phase"), words.phases),
        action=_known(record.get("action"), words.actions),
        label=_known(motion.get("label"), ("stuck", "moving", "navigating", "reaching_goal")),
        tilt=max(tilts) if tilts else None,
        nearest_m=nearest if nearest is not None and nearest >= 0 else None,
        x=x,
        y=y,
        reward=_number(record.get("reward")),
        match=_flag(judgment.get("match")),
        severity=_number(judgment.get("severity")),
        canonical=_known(judgment.get("canonical_action"), words.actions),
        confidence=_number(judgment.get("canonical_confidence")),
        canonical_params=_numbers(_object(judgment.get("canonical_params"))),
        signal=_known(record.get("signal_event"), ("missed", "false_positive", "correct")),
        done=record.get("phase_done") is True,
        failed=record.get("phase_failed") is True,
        truncated=record.get("truncated") is True,
        step_ok=_flag(record.get("step_ok")),
        diverged=far or wild or record.get("finite") is False,
        visible={
            tag: number
            for tag in visible
            if tag in words.tags and (number := _number(visible[tag])) is not None
        },
    )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    """A finite number; true and false are none."""
    if (type(value) is float or type(value) is int) and abs(value) < 1e300:
        return float(value)
    return None


def _numbers(values: Mapping[str, Any]) -> Mapping[str, float]:
    known = ("distance_m", "rotation_rad", "duration_s")
    return {name: number for name in known if (number := _number(values.get(name))) is not None}


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _known(value: object, known: Collection[str]) -> str | None:
    return value if isinstance(value, str) and value in known else None
