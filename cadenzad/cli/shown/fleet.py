"""The hub behind `--hub`: opened for one command, and how its robots stand, for people."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from store.errors import ConfigError, ProjectNotFound

if TYPE_CHECKING:
    from store.hub.connection import Hub
    from store.hub.dsn import Dsn
    from store.hub.reads import FleetTotals, Place, RobotRow

HEADINGS = ("ROBOT", "PROJECTS", "RUNS", "OK", "FAILED", "TO LOOK AT", "EVENTS", "BEHIND", "SEEN")


def dsn_of(arguments: argparse.Namespace) -> Dsn:
    """What `--hub` names. Raises ConfigError."""
    if not arguments.hub:
        raise ConfigError(
            "which hub?", hint="--hub FILE, with the file that `cadenzactl hub add` made"
        )
    from store.hub.dsn import from_argument

    return from_argument(arguments.hub)


@contextmanager
def open_database(arguments: argparse.Namespace) -> Iterator[tuple[Hub, Dsn]]:
    """The database that `--hub` names, be it a hub already or not."""
    dsn = dsn_of(arguments)
    from store.hub.connection import Hub

    hub = Hub.connect(dsn)
    try:
        yield hub, dsn
    finally:
        hub.close()


@contextmanager
def open_hub(arguments: argparse.Namespace) -> Iterator[Hub]:
    """The hub that `--hub` names. Raises HubError for a database that is none."""
    with open_database(arguments) as (hub, _):
        from store.hub.install import expect_hub, expect_views

        expect_hub(hub)
        expect_views(hub)
        yield hub


@contextmanager
def one_project(arguments: argparse.Namespace) -> Iterator[tuple[Hub, Place]]:
    """The project that is named, on a connection that shows its robot's part alone.

    Raises ProjectNotFound, also where several robots have one of that name.
    """
    with open_hub(arguments) as hub:
        from store.hub.reads import projects_named

        places = projects_named(hub, arguments.project, arguments.robot)
        if len(places) > 1:
            names = ", ".join(dict.fromkeys(place.robot for place in places[:10]))
            raise ProjectNotFound(
                f"{arguments.project!r} names {len(places)} projects",
                hint=f"--robot, one of {names}",
            )
        with hub.transaction():
            hub.scope(places[0].origin)
            yield hub, places[0]


def row_of(robot: RobotRow) -> tuple[object, ...]:
    """A robot's row below HEADINGS."""
    return (
        robot.name,
        robot.projects,
        robot.runs,
        robot.succeeded,
        robot.failed,
        robot.to_look_at,
        robot.head,
        robot.head - robot.folded,
        moment(robot.seen_us),
    )


def notes_of(robots: Sequence[RobotRow]) -> list[str]:
    """A line for each robot whose view goes no further."""
    return [f"{robot.name}: its view stops: {robot.trouble}" for robot in robots if robot.trouble]


def as_json(robot: RobotRow) -> dict[str, Any]:
    facts = robot._asdict()
    del facts["id"], facts["seen_us"]
    return {**facts, "behind": robot.head - robot.folded, "seen_at": moment(robot.seen_us) or None}


def summary(found: FleetTotals) -> str:
    line = f"{found.robots:,} robots, {found.events:,} events, {found.unfolded:,} in no view yet"
    others = ((found.never_seen, "never seen"), (found.stuck, "with a view that stops"))
    return ", ".join([line, *(f"{count:,} {what}" for count, what in others if count)])


def moment(us: int | None) -> str:
    """A time of the hub's, in UTC; "" for none."""
    if us is None:
        return ""
    at = datetime.fromtimestamp(us // 1_000_000, UTC)
    return at.isoformat().replace("+00:00", "Z")
