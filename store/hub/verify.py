"""Is what the hub has what the robots shipped, and are its views what their logs say?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from store.errors import CadenzaError
from store.history import EVENT_COLUMNS
from store.hub.connection import Hub
from store.hub.reads import RobotRow
from store.views.replay import hash_of_tables, view_as_of

if TYPE_CHECKING:
    from store.database.backend import Readable

PAGE = 2000


def verify(hub: Hub, robot: RobotRow) -> list[str]:
    """What is wrong with a robot's log and view at the hub, one line each."""
    problems = []
    with hub.transaction():
        hub.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        hub.scope(robot.id)
        head, pruned = hub.execute(
            "SELECT head, pruned FROM origins WHERE id = ?", (robot.id,)
        ).fetchone() or (0, 0)
        count, first, last = hub.execute(
            "SELECT count(*), coalesce(min(position), 1), coalesce(max(position), 0) FROM events"
        ).fetchone() or (0, 1, 0)
        if (first, last) != (pruned + 1, pruned + count) or last != head:
            problems.append(
                f"{count} events, but positions run from {first} to {last}, and its log ends"
                f" at {head}"
            )
        problems += [
            f"stream {stream}: {events} events, but versions run from {low} to {high}"
            for stream, events, low, high in hub.execute(
                "SELECT stream, count(*), min(version), max(version) FROM events GROUP BY stream"
                " HAVING (min(version) != 1 AND ? = 0)"
                " OR max(version) - min(version) + 1 != count(*)",
                (pruned,),
            )
        ]
        if not pruned:  # else it cannot be folded anew, and is what it was folded to
            problems += _view(hub, robot)
    return problems


def _view(hub: Hub, robot: RobotRow) -> list[str]:
    (folded,) = hub.execute(
        "SELECT position FROM folded WHERE origin = ?", (robot.id,)
    ).fetchone() or (0,)
    try:
        with closing(view_as_of(hub, folded)) as again:
            same = hash_of_tables(again) == hash_of_tables(hub)
    except CadenzaError as error:
        return [error.message]
    return [] if same else [f"its view differs from a replay of its {folded} first events"]


def compare(hub: Hub, log: Readable) -> list[str]:
    """How the log here differs from the one at the hub, for the robot whose login this is."""
    row = hub.execute("SELECT id, head, pruned FROM origins WHERE login = session_user").fetchone()
    if row is None:
        return ["this login is no robot's: its log cannot be compared with the one here"]
    with hub.transaction():
        hub.scope(row[0])
        for ours, theirs in itertools.zip_longest(_rows(log, *row[1:]), _rows(hub, *row[1:])):
            if ours != theirs:
                position = (ours or theirs)[0]
                return [f"the event at position {position} is another one here than at the hub"]
    return []


def _rows(log: Readable, until: int, after: int) -> Iterator[tuple[Any, ...]]:
    query = (
        f"SELECT {EVENT_COLUMNS} FROM events WHERE position > ? AND position <= ?"
        " ORDER BY position LIMIT ?"
    )
    last = after
    while rows := log.execute(query, (last, until, PAGE)).fetchall():
        yield from rows
        last = rows[-1][0]
