"""Typed reads of offers: what the hub offered to a project, and what became of it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from store.reads.rows import Rows

if TYPE_CHECKING:
    from store.database.backend import Readable


class OfferRow(NamedTuple):
    """An offer to a project. `robot` and `source`: whose version it is, and which there.

    `state`: open (its gate has not said yet), declined, proposed, taken, rolled_back, kept,
    theirs. `version`: which one it became here. `withdrawn`: the position where the hub pulled it,
    0 for never.
    """

    project: str
    offer: str
    kind: str
    content: str
    robot: str
    source: int
    state: str
    version: int | None
    reason: str
    withdrawn: int
    position: int

    @property
    def is_open(self) -> bool:
        """Whether the gate is to be asked."""
        return self.state == "open" and not self.withdrawn

    @property
    def is_to_leave(self) -> bool:
        """Whether it was pulled while something of it is here."""
        return self.withdrawn > 0 and self.state in ("proposed", "taken")


_OFFERS = Rows(OfferRow, "view_offers", "position, project, offer")


def offers_to(view: Readable, project: str) -> list[OfferRow]:
    """All offers to a project, the oldest first."""
    return _OFFERS.where(view, "project = ?", project)


def every_offer(view: Readable) -> list[OfferRow]:
    """All offers to all projects, the oldest first."""
    return _OFFERS.where(view, "TRUE")


def next_offer(view: Readable, project: str, kind: str) -> OfferRow | None:
    """What is to be done next about a project's offers: taking back comes before taking up."""
    rows = [row for row in offers_to(view, project) if row.kind == kind]
    due = [row for row in rows if row.is_to_leave] + [row for row in rows if row.is_open]
    return due[0] if due else None


def pulled_adapters(view: Readable, project: str) -> frozenset[int]:
    """The versions of a project's adapter that the hub has pulled: no rollback leads to them
    unless somebody names one."""
    rows = offers_to(view, project)
    return frozenset(
        row.version
        for row in rows
        if row.kind == "adapter" and row.withdrawn and row.version is not None
    )


def offered_adapters(view: Readable, project: str) -> frozenset[int]:
    """The versions of a project's adapter that came by an offer: they were not trained here."""
    rows = offers_to(view, project)
    return frozenset(r.version for r in rows if r.kind == "adapter" and r.version is not None)
