"""What is asked of all robots at once: who they are, how far they are, their events in time."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from store.errors import ProjectNotFound
from store.events.envelope import project_stream
from store.history import EVENT_COLUMNS, StoredEvent, stored
from store.hub.connection import Hub
from store.reads.status import TO_LOOK_AT

if TYPE_CHECKING:
    from store.database.backend import Readable

PAGE = 1000
POLL_S = 1.0
NAMES = 10_000
"""So many names are looked through for one that may have been meant."""


class RobotRow(NamedTuple):
    """A robot: where its log ends at the hub (`head`), and how far its view is folded.

    `seen_us`: when it last shipped or greeted, in microseconds since the epoch; None for never.
    `trouble`: why its view goes no further; "" where it does. Counts are of the view. `pruned`: the
    events up to there are not kept.
    """

    id: int
    name: str
    head: int
    folded: int
    trouble: str
    seen_us: int | None
    projects: int
    runs: int
    succeeded: int
    failed: int
    to_look_at: int
    pruned: int = 0


class FleetTotals(NamedTuple):
    """`unfolded`: events that no view has yet. `stuck`: robots whose view goes no further."""

    robots: int
    never_seen: int
    events: int
    unfolded: int
    stuck: int


def totals(hub: Hub) -> FleetTotals:
    row = hub.execute(
        "SELECT count(*), count(*) FILTER (WHERE o.seen_at IS NULL), coalesce(sum(o.head), 0),"
        " coalesce(sum(o.head - f.position), 0), count(*) FILTER (WHERE f.trouble != '')"
        " FROM origins o JOIN folded f ON f.origin = o.id"
    ).fetchone()
    return FleetTotals(*(int(value) for value in row or (0,) * 5))


_COUNTS = (
    "count(*) AS projects, sum(runs_total)::bigint AS runs,"
    " sum(runs_succeeded)::bigint AS succeeded, sum(runs_failed)::bigint AS failed,"
    f" count(*) FILTER (WHERE {TO_LOOK_AT}) AS to_look_at FROM cadenzad.view_projects"
)
"""Of some projects. What is to be looked at is what `status` calls so on a robot."""


def robots(hub: Hub, most: int | None = None, name: str | None = None) -> list[RobotRow]:
    """Robots by name, or the one with a name; of more than `most` those to look at come first."""
    where, values = "", list[object]()
    # Of one, the rows of its projects are looked up; of all, it is quicker to go through them once.
    counted = f"LEFT JOIN (SELECT origin, {_COUNTS} GROUP BY origin) AS p ON p.origin = o.id"
    if name is not None:
        where, values = "WHERE o.name = ?", [name]
        counted = f"CROSS JOIN LATERAL (SELECT {_COUNTS} WHERE origin = o.id) AS p"
    query = (
        "SELECT o.id, o.name, o.head, f.position, f.trouble,"
        " (extract(epoch FROM o.seen_at) * 1000000)::bigint, coalesce(p.projects, 0),"
        " coalesce(p.runs, 0), coalesce(p.succeeded, 0), coalesce(p.failed, 0),"
        " coalesce(p.to_look_at, 0), o.pruned"
        f" FROM origins o JOIN folded f ON f.origin = o.id {counted} {where}"
        " ORDER BY (f.trouble != '' OR coalesce(p.to_look_at, 0) > 0) DESC, o.name"
    )
    if most is not None:
        query, values = f"{query} LIMIT ?", [*values, most]
    found = [RobotRow._make(row) for row in hub.execute(query, values).fetchall()]
    return found if most is not None else sorted(found, key=lambda row: row.name)


def as_of(robot: RobotRow, view: Readable, position: int) -> RobotRow:
    """A robot's row as its view was at a position of its log."""
    row = view.execute(
        "SELECT count(*), coalesce(sum(runs_total), 0), coalesce(sum(runs_succeeded), 0),"
        f" coalesce(sum(runs_failed), 0), count(*) FILTER (WHERE {TO_LOOK_AT}) FROM view_projects"
    ).fetchone()
    projects, runs, succeeded, failed, to_look_at = map(int, row)
    return robot._replace(
        head=position, folded=position, trouble="", seen_us=None, projects=projects, runs=runs,
        succeeded=succeeded, failed=failed, to_look_at=to_look_at,
    )  # fmt: skip


def robot_named(hub: Hub, name: str) -> RobotRow:
    """The robot with a name. Raises ProjectNotFound, which names what may have been meant."""
    found = robots(hub, name=name)
    if found:
        return found[0]
    known = [row[0] for row in hub.execute("SELECT name FROM origins LIMIT ?", (NAMES,))]
    raise ProjectNotFound(f"no robot {name!r} at the hub", hint=_meant(name, known))


class Place(NamedTuple):
    """A project of a robot."""

    origin: int
    robot: str
    path: str


def projects_named(hub: Hub, text: str, robot: str | None = None) -> list[Place]:
    """The projects of this name or path, of a robot or of all. Raises ProjectNotFound for none."""
    origin = None if robot is None else robot_named(hub, robot).id
    query = (
        "SELECT o.id, o.name, p.path FROM cadenzad.view_projects p JOIN origins o ON"
        " o.id = p.origin WHERE (p.name = ? OR p.path = ?) AND (?::integer IS NULL OR o.id = ?)"
        " ORDER BY o.name, p.path"
    )
    rows = hub.execute(query, (text, text, origin, origin)).fetchall()
    if rows:
        return [Place._make(row) for row in rows]
    names = hub.execute("SELECT DISTINCT name FROM cadenzad.view_projects LIMIT ?", (NAMES,))
    of = f" of {robot}" if robot is not None else ""
    raise ProjectNotFound(
        f"no project {text!r}{of} at the hub", hint=_meant(text, [name for (name,) in names])
    )


def _meant(text: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(text, known, n=3, cutoff=0.5)
    if near:
        return "did you mean " + ", ".join(near) + "?"
    return "known: " + ", ".join(sorted(known)[:10]) if known else "it has none yet"


# -- events ----------------------------------------------------------------------------------------


class Wanted(NamedTuple):
    """Which events: of these robots, in these streams of theirs, of these types; None for all."""

    origins: Sequence[int] | None = None
    streams: Sequence[tuple[int, str]] | None = None
    types: Sequence[str] | None = None
    since_us: int = 0

    def condition(self) -> tuple[str, list[Any]]:
        """As SQL, after WHERE, with its values."""
        parts, values = ["recorded_at_us >= ?"], [self.since_us]
        if self.origins is not None:
            parts.append("origin = ANY(?::integer[])")
            values.append(list(self.origins))  # type: ignore[arg-type]
        if self.streams is not None:
            pairs = " OR ".join("(origin = ? AND stream = ?)" for _ in self.streams)
            parts.append(f"({pairs or 'false'})")
            values += [value for pair in self.streams for value in pair]  # type: ignore[misc]
        if self.types is not None:
            parts.append("type = ANY(?::text[])")
            values.append(list(self.types))  # type: ignore[arg-type]
        return " AND ".join(parts), list(values)


def streams_of(places: Sequence[Place]) -> list[tuple[int, str]]:
    return [(place.origin, project_stream(place.path)) for place in places]


def heads(hub: Hub) -> dict[int, int]:
    """Where each robot's log ends now."""
    return dict(hub.execute("SELECT id, head FROM origins").fetchall())


def events(
    hub: Hub, wanted: Wanted, until: Mapping[int, int] | None = None
) -> Iterator[tuple[int, StoredEvent]]:
    """Events with whose they are, in the order of the robots' clocks, a page at a time.

    `until`: the last position of each robot that is given.
    """
    where, values = wanted.condition()
    query = (
        f"SELECT recorded_at_us, origin, {EVENT_COLUMNS} FROM cadenzad.events WHERE {where}"
        " AND (recorded_at_us, origin, position) > (?, ?, ?)"
        " ORDER BY recorded_at_us, origin, position LIMIT ?"
    )
    last = (-1, 0, 0)
    while rows := hub.execute(query, (*values, *last, PAGE)).fetchall():
        for at, origin, *row in rows:
            last = (at, origin, row[0])
            if until is None or row[0] <= until.get(origin, 0):
                yield origin, stored(tuple(row))


def follow(
    hub: Hub,
    wanted: Wanted,
    seen: dict[int, int],
    *,
    sleep: Callable[[float], None] | None = None,
    deadline: float | None = None,
) -> Iterator[tuple[int, StoredEvent]]:
    """Events after those `seen` (the last position of each robot), as they come, without end.

    What PostgreSQL notifies of is a hint that shortens the wait; where the logs end is asked for.
    """
    hub.run("LISTEN cadenzad")
    where, values = wanted.condition()
    query = (
        f"SELECT {EVENT_COLUMNS} FROM cadenzad.events WHERE {where} AND origin = ?"
        " AND position > ? AND position <= ? ORDER BY position"
    )
    while deadline is None or time.monotonic() < deadline:
        for origin, head in heads(hub).items():
            after = seen.get(origin, 0)
            if head > after:
                for row in hub.execute(query, (*values, origin, after, head)):
                    yield origin, stored(row)
                seen[origin] = head
        (sleep or hub.wait_for_news)(POLL_S)
