"""Events of offers: versions that the fleet's hub holds out to a project's robots."""

from __future__ import annotations

from typing import Literal

from store.events.base import Event
from store.events.prompt import RuleFact


class OfferReceived(Event):
    """The hub offers a version to this project; it is put through the project's own gate.

    `offer` is its id at the hub, `content` the hash of what came. `robot` and `version` say whose
    version it is. `rules`: of a prompt, what its block is to say besides what it says here. An
    adapter's files lie in the state directory, under that hash, before this is recorded.
    """

    offer: str
    kind: Literal["prompt", "adapter"]
    content: str
    robot: str
    version: int
    rules: tuple[RuleFact, ...] = ()


class OfferDeclined(Event):
    """The gate of this project did not let an offered version in."""

    offer: str
    reason: str


class OfferKept(Event):
    """The hub pulled an offer, and what was taken up of it stays: later versions stand on it, or
    serve already."""

    offer: str
    reason: str


class OfferWithdrawn(Event):
    """The hub pulled an offer: what was taken up of it is taken back."""

    offer: str
    reason: str
