"""The hub's views: each robot's folded from its log, by the code that folds it at the robot."""

from __future__ import annotations

from store.errors import SchemaError
from store.hub.connection import Hub
from store.hub.install import expect_views
from store.log import History
from store.views import fold

BATCH = 1000
"""Events of one robot that are folded in one transaction."""


def fold_some(hub: Hub, robots: int = 64) -> int:
    """Fold a batch of each of the robots that are furthest behind; returns the events folded.

    Several processes may do this at once: each leaves alone what another one is at.
    """
    expect_views(hub)
    behind = hub.execute(
        "SELECT o.id FROM origins o JOIN folded f ON f.origin = o.id"
        " WHERE f.position < o.head AND f.position >= o.pruned AND f.trouble = ''"
        " ORDER BY f.position - o.head LIMIT ?",
        (robots,),
    ).fetchall()
    return sum(_fold_origin(hub, origin) for (origin,) in behind)


def _fold_origin(hub: Hub, origin: int) -> int:
    """Fold a robot's next batch; 0 where another process is at it."""
    try:
        with hub.transaction():
            hub.scope(origin)
            row = hub.execute(
                "SELECT position FROM folded WHERE origin = ? FOR UPDATE SKIP LOCKED", (origin,)
            ).fetchone()
            if row is None:
                return 0
            records = list(History(hub).read(row[0], limit=BATCH))
            if not records:
                return 0
            fold(hub, records)
            hub.execute(
                "UPDATE folded SET position = ? WHERE origin = ?", (records[-1].position, origin)
            )
            return len(records)
    except SchemaError as error:  # of a newer robot: the others go on
        with hub.transaction():
            query = "UPDATE folded SET trouble = ? WHERE origin = ?"
            hub.execute(query, (error.with_hint, origin))
        return 0


def try_again(hub: Hub) -> None:
    """Forget why views went no further: another version of this program may know better."""
    hub.execute(
        "UPDATE folded SET trouble = '' FROM origins WHERE origins.id = folded.origin"
        " AND folded.trouble != '' AND folded.position >= origins.pruned"
    )
