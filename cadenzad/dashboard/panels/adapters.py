"""Adapters over time: every scorecard with its intervals and thresholds, and the loss curves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cadenzad.dashboard.moment import Moment
from handlers.lora.hub.curves import columns_of
from handlers.lora.model.names import CURVE
from handlers.project.paths import inside
from store.errors import UnsafePathError
from store.events.adapter import AdapterScored, AdapterTrained, AxisFact
from store.events.envelope import Recorded
from store.reads.improvements import AdapterRow, adapters

CURVES = 4
"""Loss curves of so many versions, the newest, are in one picture."""

ADDED = "training"
"""The axis that says what training added."""


@dataclass(frozen=True, slots=True)
class Score:
    """A measurement of a version."""

    recorded: Recorded
    event: AdapterScored


@dataclass(frozen=True, slots=True)
class Point:
    """An axis of one scorecard. `position`: of the event that tells of it."""

    version: int
    position: int
    fact: AxisFact


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis over all scorecards, the oldest first; its name and where its values lie."""

    name: str
    points: list[Point]

    @property
    def span(self) -> tuple[float, float]:
        """The least and the most that a picture of it has to hold; 0 to 1 for shares."""
        numbers = [
            number
            for point in self.points
            for number in (
                point.fact.value, point.fact.lower, point.fact.upper, point.fact.threshold
            )
            if number is not None
        ]  # fmt: skip
        return min([0.0, *numbers]), max([1.0, *numbers])


@dataclass(frozen=True, slots=True)
class Curve:
    """How a training's loss went: (column, epochs, values) for each that was written."""

    version: int
    columns: list[tuple[str, list[int], list[float]]]


@dataclass(frozen=True, slots=True)
class Adapters:
    """`unread`: versions whose curve is not on disk any more, or never was."""

    rows: list[AdapterRow]
    trained: dict[int, AdapterTrained]
    scores: list[Score]
    axes: list[Axis]
    curves: list[Curve]
    unread: list[int]

    @property
    def deployed(self) -> int | None:
        """The version that serves."""
        return next((row.version for row in self.rows if row.state == "deployed"), None)

    @property
    def last(self) -> Score | None:
        return self.scores[-1] if self.scores else None

    @property
    def added(self) -> AxisFact | None:
        """What training added, as the last scorecard says."""
        checks = self.last.event.checks if self.last is not None else ()
        return next((check for check in checks if check.axis == ADDED), None)


def adapter_history(moment: Moment, project: str) -> Adapters:
    """Every training and scorecard up to a moment."""
    scores, trained = [], {}
    for record in moment.events(project, "AdapterTrained", "AdapterScored"):
        if isinstance(record.event, AdapterTrained):
            trained[record.event.version] = record.event
        elif isinstance(record.event, AdapterScored):
            scores.append(Score(record, record.event))
    rows = adapters(moment.view, project)
    curves: list[Curve] = []
    unread: list[int] = []
    for row in reversed(rows):
        curve = _curve(project, row)
        if curve is None:
            unread.append(row.version)
        elif len(curves) < CURVES:
            curves.append(curve)
    return Adapters(rows, trained, scores, _axes(scores), curves, unread)


def _axes(scores: list[Score]) -> list[Axis]:
    axes: dict[str, Axis] = {}
    for score in scores:
        for check in score.event.checks:
            axis = axes.setdefault(check.axis, Axis(check.axis, []))
            axis.points.append(Point(score.event.version, score.recorded.position, check))
    return list(axes.values())


def _curve(project: str, row: AdapterRow) -> Curve | None:
    try:
        path = inside(Path(project), Path(row.path) / CURVE)
    except UnsafePathError:
        return None
    columns: dict[str, tuple[list[int], list[float]]] = {}
    for name, epoch, value in columns_of(path):
        epochs, values = columns.setdefault(name, ([], []))
        epochs.append(epoch)
        values.append(value)
    lines = [(name, *data) for name, data in columns.items()]
    return Curve(row.version, lines) if lines else None
