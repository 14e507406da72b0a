"""What the event log knows of a project's adapters: all that a training asks of it.

Plain enough to travel: a training on another machine gets this, and never the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from handlers.lora.exam.looks import Look, looks_at
from handlers.lora.exam.questions import Mark
from handlers.lora.recovery import ADAPTERS
from handlers.project.paths import ENCODER_FILE
from handlers.recovery import has_led_to
from store.reads.improvements import AdapterRow, adapters, trusted
from store.reads.offers import offered_adapters

if TYPE_CHECKING:
    from store.database.backend import Readable


@dataclass(frozen=True)
class Past:
    """`trusted`: the hash of the project's encoder that somebody trusts; `looks` at its exam, the
    oldest first; `finished`: an earlier attempt of the same job did all of it, and was not heard;
    `offered`: the versions that came by an offer of the fleet's and were not trained here.
    """

    adapters: tuple[AdapterRow, ...] = ()
    trusted: str | None = None
    looks: tuple[Look, ...] = ()
    finished: bool = False
    offered: frozenset[int] = frozenset()

    @classmethod
    def of(cls, history: Readable, project: str, job: int | None) -> Past:
        """As the log has it now, for a job of a project (its absolute path)."""
        return cls(
            tuple(adapters(history, project)),
            trusted(history, project, ENCODER_FILE),
            tuple(looks_at(history, project)),
            has_led_to(ADAPTERS.events, job, history),
            offered_adapters(history, project),
        )

    def as_json(self) -> dict[str, Any]:
        """As JSON has it; `from_json` takes it back."""
        return {
            "adapters": [row._asdict() for row in self.adapters],
            "trusted": self.trusted,
            "looks": [asdict(look) for look in self.looks],
            "finished": self.finished,
            "offered": sorted(self.offered),
        }

    @classmethod
    def from_json(cls, shape: Mapping[str, Any]) -> Past:
        """Raises KeyError or TypeError for what `as_json` does not make."""
        return cls(
            tuple(AdapterRow(**row) for row in shape["adapters"]),
            shape["trusted"],
            tuple(Look(**look | {"rows": _marks(look["rows"])}) for look in shape["looks"]),
            bool(shape["finished"]),
            frozenset(shape["offered"]),
        )


def _marks(rows: Mapping[str, Sequence[str]]) -> dict[str, Mark]:
    return {digest: Mark(*mark) for digest, mark in rows.items()}
