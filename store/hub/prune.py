"""Old events at the hub that are not kept: those of before a time that are in the view already.

The robot keeps its whole log, so nothing is lost that cannot come again: `refetch` has it shipped
anew. That is needed where views change, as a view can be folded from a whole log alone.
"""

from __future__ import annotations

from store.database.view import TABLES
from store.hub.connection import Hub


def prune(hub: Hub, origin: int, before_us: int, *, dry: bool = False) -> int:
    """Delete what a robot recorded before a time, as far as it is folded; returns the events.

    The last event stays, by which the log is known as the same. `dry`: only count them.
    """
    with hub.transaction():
        hub.execute("SELECT 1 FROM origins WHERE id = ? FOR UPDATE", (origin,))
        (count, last) = hub.execute(
            "SELECT count(*), coalesce(max(e.position), 0) FROM cadenzad.events e"
            " JOIN origins o ON o.id = e.origin JOIN folded f ON f.origin = o.id"
            " WHERE e.origin = ? AND e.recorded_at_us < ? AND e.position <= f.position"
            " AND e.position < o.head",
            (origin, before_us),
        ).fetchone() or (0, 0)
        if count and not dry:
            _delete(hub, origin, int(last))
            hub.execute("UPDATE origins SET pruned = ? WHERE id = ?", (last, origin))
    return int(count)


def refetch(hub: Hub, origin: int) -> None:
    """Forget a robot's log and view: it ships its whole log the next time that it is connected."""
    with hub.transaction():
        query = "SELECT head FROM origins WHERE id = ? FOR UPDATE"
        (head,) = hub.execute(query, (origin,)).fetchone() or (0,)
        _delete(hub, origin, int(head))
        for name in TABLES:
            hub.execute(f"DELETE FROM cadenzad.{name} WHERE origin = ?", (origin,))
        hub.execute("UPDATE origins SET head = 0, pruned = 0 WHERE id = ?", (origin,))
        hub.execute("UPDATE folded SET position = 0, trouble = '' WHERE origin = ?", (origin,))


def _delete(hub: Hub, origin: int, until: int) -> None:
    hub.execute("SELECT set_config('cadenzad.pruning', 'on', true)")
    hub.execute("DELETE FROM cadenzad.events WHERE origin = ? AND position <= ?", (origin, until))
    hub.execute("SELECT set_config('cadenzad.pruning', 'off', true)")


def tell_of_pruned(hub: Hub) -> None:
    """Views are to be folded anew: say which cannot be."""
    hub.execute(
        "UPDATE folded SET trouble = 'its first ' || o.pruned || ' events were pruned:"
        " `cadenzactl hub refetch` asks the robot for them' FROM origins o"
        " WHERE o.id = folded.origin AND o.pruned > 0"
    )
