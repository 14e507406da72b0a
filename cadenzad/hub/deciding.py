"""The keeper's part in offers: looks at the runs of those that took one up, and says what follows.

All it needs is in the views, so it may be killed and asked again at any time, and several may look
at once: a step of an offer is there once, whoever came first.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from handlers.fleet.outcomes import gains_of_adapter, gains_of_prompt
from handlers.fleet.widening import Verdict, judge
from store.hub.offers import Offer, canaries, offers, step, taken

if TYPE_CHECKING:
    from store.hub.connection import Hub

GAINS = {"prompt": gains_of_prompt, "adapter": gains_of_adapter}
STEPS = {"widen": "widened", "pull": "pulled"}


def decide(hub: Hub) -> list[str]:
    """Take the steps that are due; returns a line for each."""
    said = []
    for offer in offers(hub):
        if offer.pulled is not None:
            continue
        verdict = verdict_on(hub, offer)
        name = STEPS.get(verdict.decision)
        if name and step(hub, offer.id, name, verdict.reason, verdict.numbers()):
            said.append(f"offer {offer.id} is {name}: {verdict.reason}")
    return said


def verdict_on(hub: Hub, offer: Offer) -> Verdict:
    """What the runs say that are in the views now."""
    gains_of = GAINS[offer.kind]
    gains: dict[int, list[float]] = defaultdict(list)
    tried = [one for one in taken(hub, offer.id) if one.state in ("taken", "rolled_back", "theirs")]
    for one in tried:
        assert one.version is not None
        with hub.transaction():
            hub.scope(one.origin)
            gains[one.origin] += gains_of(hub, one.project, one.version)
    up = {one.origin for one in tried}
    return judge(
        gains,
        len(canaries(hub, offer.id)),
        widened=bool(offer.is_widened),
        up=len(up),
        back=len(up - {one.origin for one in tried if one.state != "rolled_back"}),
    )
