"""Offers: versions that robots are to take up, some of them first, each through its own gate.

    offered    to `canary` robots of those that have a project of the same goal
    widened    to all that have one, now or later
    pulled     for good: who took it up takes it back

Each step is a row that stays. Which robots come first follows from a hash of offer and robot, so
nobody chose them. What a robot makes of an offer are events of its own log, which it ships.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from store.errors import InputError, ProjectNotFound
from store.hub.connection import Hub, HubError
from store.hub.tables import OFFER_BYTES
from store.identity import Digest

if TYPE_CHECKING:
    from store.database.backend import Readable


CHANNEL = "cadenzad_offers"
"""What is notified of each step of an offer. A hint: what there is, is asked for."""


class Goal(NamedTuple):
    """What projects have in common that an offer is made to. `phases`: JSON, as the view has it."""

    mission: str
    model: str
    phases: str


class Draft(NamedTuple):
    """What is to be offered: version `version` of the robot called `source`, as `data`."""

    kind: str
    project: str
    goal: Goal
    source: str
    version: int
    data: bytes


class Offer(NamedTuple):
    """An offer. `pulled`: why it was pulled; None while it was not."""

    id: str
    kind: str
    project: str
    mission: str
    model: str
    phases: str
    source: str
    version: int
    content: str
    is_widened: bool
    pulled: str | None

    @property
    def goal(self) -> Goal:
        return Goal(self.mission, self.model, self.phases)


class Step(NamedTuple):
    """A step of an offer. `at_us`: microseconds since the epoch; `evidence`: what a test said."""

    step: str
    why: str
    evidence: Mapping[str, Any]
    made_by: str
    at_us: int


class TakeUp(NamedTuple):
    """What a project of a robot made of an offer, as its view at the hub says.

    `state` and `version` as in OfferRow; `is_canary`: whether the robot was among the first.
    """

    origin: int
    robot: str
    project: str
    state: str
    version: int | None
    reason: str
    withdrawn: int
    is_canary: bool


_OFFER = (
    "SELECT o.id, o.kind, o.project, o.mission, o.model, o.phases, o.source, o.version, o.content,"
    " EXISTS (SELECT 1 FROM cadenzad.offer_history h WHERE h.offer = o.id AND h.step = 'widened'),"
    " (SELECT why FROM cadenzad.offer_history h WHERE h.offer = o.id AND h.step = 'pulled')"
    " FROM cadenzad.offers o"
)


def make(hub: Hub, draft: Draft, canary: int, why: str) -> tuple[str, list[str]]:
    """Offer a version; returns the offer's id and the robots that come first.

    `canary`: how many; 0 for all at once. Raises InputError where no robot could take it up, or
    where it is too large.
    """
    if len(draft.data) > OFFER_BYTES:
        raise InputError(
            f"what is offered has {len(draft.data):,} bytes", hint=f"{OFFER_BYTES:,} at most"
        )
    digest = Digest()
    digest.update(draft.data)
    number = secrets.token_hex(4)
    with hub.transaction():
        able = robots_with(hub, draft.goal, besides=draft.source)
        if not able:
            raise InputError(
                f"no other robot has a project like {draft.project!r}: the same mission, robot and"
                " phases"
            )
        able.sort(key=lambda robot: _order(number, robot[0]))
        first = able[:canary] if canary else []
        hub.execute(
            "INSERT INTO offer_contents VALUES (?, ?) ON CONFLICT (hash) DO NOTHING",
            (digest.value(), draft.data),
        )
        goal = draft.goal
        hub.execute(
            "INSERT INTO offers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (number, draft.kind, draft.project, *goal, draft.source, draft.version, digest.value()),
        )
        for origin, _ in first:
            hub.execute("INSERT INTO offer_canaries VALUES (?, ?)", (number, origin))
        _step(hub, number, "offered", why, {"canary": [name for _, name in first]})
        if not canary:
            _step(hub, number, "widened", "offered to all at once", {})
    return number, [name for _, name in first or able]


def _order(offer: str, origin: int) -> str:
    return hashlib.sha256(f"{offer} {origin}".encode()).hexdigest()


def robots_with(hub: Hub, goal: Goal, besides: str) -> list[tuple[int, str]]:
    """The robots that have a project of a goal now, by id and name."""
    query = (
        "SELECT DISTINCT o.id, o.name FROM origins o JOIN cadenzad.view_projects p"
        " ON p.origin = o.id WHERE p.mission = ? AND p.robot = ? AND p.phases = ?"
        " AND p.state != 'removed' AND o.name != ? ORDER BY o.id"
    )
    return [(int(number), str(name)) for number, name in hub.execute(query, (*goal, besides))]


def goal_of(view: Readable, project: str) -> Goal:
    """The goal of a project that a view has. Raises ProjectNotFound."""
    query = "SELECT mission, robot, phases FROM view_projects WHERE path = ?"
    row = view.execute(query, (project,)).fetchone()
    if row is None or None in row:
        raise ProjectNotFound(f"{project}: its env.json was never valid")
    return Goal._make(row)


def step(hub: Hub, offer: str, name: str, why: str, evidence: Mapping[str, Any]) -> bool:
    """Say that an offer is widened or pulled; False where that was said already.

    A pulled one is not widened any more. Two that say it at once say it once.
    """
    with hub.transaction():
        hub.execute("SELECT pg_advisory_xact_lock(hashtext(?))", (f"offer {offer}",))
        if offer_named(hub, offer).pulled is not None:
            return False
        return _step(hub, offer, name, why, evidence)


def _step(hub: Hub, offer: str, name: str, why: str, evidence: Mapping[str, Any]) -> bool:
    done = hub.execute(
        "INSERT INTO offer_history (offer, step, why, evidence) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (offer, step) DO NOTHING",
        (offer, name, why, json.dumps(evidence)),
    )
    return int(done.rowcount) > 0


# -- reading ---------------------------------------------------------------------------------------


def offers(hub: Hub) -> list[Offer]:
    """All of them, or those that are made to the robot whose login this is; the oldest first."""
    query = (
        f"{_OFFER} LEFT JOIN cadenzad.offer_history f ON f.offer = o.id AND f.step = 'offered'"
        " ORDER BY f.made_at, o.id"
    )
    return [Offer._make(row) for row in hub.execute(query).fetchall()]


def offer_named(hub: Hub, number: str) -> Offer:
    """The offer with an id, or with an id that begins so. Raises ProjectNotFound."""
    rows = hub.execute(f"{_OFFER} WHERE starts_with(o.id, ?)", (number,)).fetchall()
    if number and len(rows) == 1:
        return Offer._make(rows[0])
    raise ProjectNotFound(
        f"no offer {number!r} at the hub" if not rows else f"{number!r} begins several offers",
        hint="`cadenzactl hub offers` lists them",
    )


def content(hub: Hub, offer: Offer) -> bytes:
    """What is offered. Raises HubError where it is not what its hash says."""
    row = hub.execute("SELECT data FROM offer_contents WHERE hash = ?", (offer.content,)).fetchone()
    data = bytes(row[0]) if row is not None else b""
    digest = Digest(like=offer.content)
    digest.update(data)
    if digest.value() != offer.content:
        raise HubError(f"offer {offer.id}: its content is not what its hash says")
    return data


def steps(hub: Hub, offer: str) -> list[Step]:
    """The steps of an offer, the first first."""
    query = (
        "SELECT step, why, evidence, made_by, (extract(epoch FROM made_at) * 1000000)::bigint"
        " FROM offer_history WHERE offer = ? ORDER BY made_at, step"
    )
    return [
        Step(name, why, json.loads(evidence), made_by, at)
        for name, why, evidence, made_by, at in hub.execute(query, (offer,))
    ]


def taken(hub: Hub, offer: str) -> list[TakeUp]:
    """What robots made of an offer, as far as their logs are folded here."""
    query = (
        "SELECT o.id, o.name, v.project, v.state, v.version, v.reason, v.withdrawn,"
        " EXISTS (SELECT 1 FROM cadenzad.offer_canaries c WHERE c.offer = v.offer"
        " AND c.origin = o.id) FROM cadenzad.view_offers v JOIN origins o ON o.id = v.origin"
        " WHERE v.offer = ?"
        " ORDER BY o.name, v.project"
    )
    return [TakeUp._make(row) for row in hub.execute(query, (offer,)).fetchall()]


def canaries(hub: Hub, offer: str) -> list[str]:
    """The robots that come first, by name."""
    query = (
        "SELECT o.name FROM cadenzad.offer_canaries c JOIN origins o ON o.id = c.origin"
        " WHERE c.offer = ? ORDER BY o.name"
    )
    return [name for (name,) in hub.execute(query, (offer,))]
