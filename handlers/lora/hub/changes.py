"""The versions of an adapter, one after another, and what changed from each to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handlers.lora.hub.card import TRAINED, read_json
from handlers.lora.model.names import HEAD, SCORECARD
from handlers.lora.registry import Registry
from store.events.adapter import AdapterTrained
from store.events.envelope import project_stream
from store.log import History
from store.reads.improvements import AdapterRow, adapters

if TYPE_CHECKING:
    from store.database.backend import Readable

NAMED = 5
SETTINGS = tuple(TRAINED)


@dataclass(frozen=True, slots=True)
class Version:
    """A version as `log` shows it. `scores`: axis -> value, None where nothing was measured.
    `changed`: in words, against the version before it, and where it came from if not from here."""

    version: int
    state: str
    verdict: str | None
    scores: Mapping[str, float | None]
    rows: int | None
    exam_rows: int | None
    epochs: int | None
    loss: float | None
    changed: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "changed": list(self.changed)}


def versions(history: Readable, project: Path) -> list[Version]:
    """Every version that the log knows, the oldest first. Files that have gone tell nothing."""
    registry = Registry(project)
    trained = {
        record.event.version: record.event
        for record in History(history).read(
            stream=project_stream(str(project)), types=(AdapterTrained.type_name(),)
        )
        if isinstance(record.event, AdapterTrained)
    }
    made: list[Version] = []
    before: _Facts | None = None
    for row in adapters(history, str(project)):
        now = _Facts(row, trained.get(row.version), registry.folder(row.version))
        changed = tuple(_changed(before, now)) if before is not None else ()
        made.append(now.version((*now.came, *changed)))
        before = now
    return made


class _Facts:
    """What is known of a version: from the log, and from its folder while that is there."""

    def __init__(self, row: AdapterRow, trained: AdapterTrained | None, folder: Path) -> None:
        self.row, self.trained = row, trained
        self.head = read_json(folder / HEAD).get("facts") or {}
        goals = read_json(folder / SCORECARD).get("per_goal") or ()
        self.right = {str(item.get("goal")): bool(item.get("ok")) for item in goals}

    @property
    def scores(self) -> dict[str, float | None]:
        return {check["axis"]: check["value"] for check in self.row.checks}

    @property
    def came(self) -> tuple[str, ...]:
        """How a version came that was not trained here."""
        offer = self.trained.offer if self.trained else ""
        return (f"trained elsewhere, came by the fleet's offer {offer}",) if offer else ()

    def version(self, changed: tuple[str, ...]) -> Version:
        told = self.trained
        return Version(
            self.row.version,
            self.row.state,
            self.row.verdict,
            self.scores,
            told.rows if told else None,
            told.exam_rows if told else None,
            told.epochs if told else None,
            told.loss if told else None,
            changed,
        )


def _changed(old: _Facts, new: _Facts) -> Iterator[str]:
    if old.trained is not None and new.trained is not None:
        for name, what in (("rows", "examples"), ("exam_rows", "exam rows")):
            a, b = getattr(old.trained, name), getattr(new.trained, name)
            if a != b:
                yield f"{what} {a} -> {b}"
        if old.trained.rows == new.trained.rows and (
            old.trained.dataset_sha256 != new.trained.dataset_sha256
        ):
            yield "other examples or exam rows, as many"
    for name in SETTINGS:
        if name in old.head and name in new.head and old.head[name] != new.head[name]:
            yield f"{TRAINED[name]} {old.head[name]} -> {new.head[name]}"
    for axis, value in new.scores.items():
        before = old.scores.get(axis)
        if value is not None and before is not None and round(value - before, 4):
            yield f"{axis} {before:.2f} -> {value:.2f}"
    both = old.right.keys() & new.right.keys()
    yield from _goals("now right", [goal for goal in both if new.right[goal] > old.right[goal]])
    yield from _goals("now wrong", [goal for goal in both if new.right[goal] < old.right[goal]])


def _goals(what: str, goals: list[str]) -> Iterator[str]:
    if goals:
        more = f" and {len(goals) - NAMED} more" if len(goals) > NAMED else ""
        yield f"{what}: " + ", ".join(repr(goal) for goal in sorted(goals)[:NAMED]) + more
