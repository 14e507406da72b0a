"""What `status` and `events` show with `--hub`: of all robots, or of one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.output import say, say_json, say_table
from cadenzad.cli.base.parser import OK
from cadenzad.cli.shown.eventlines import as_json as event_json
from cadenzad.cli.shown.eventlines import as_line
from cadenzad.cli.shown.fleet import HEADINGS, as_json, notes_of, open_hub, row_of, summary
from cadenzad.cli.shown.standing import HEADINGS as PROJECT_HEADINGS
from cadenzad.cli.shown.standing import notes_of as project_notes
from cadenzad.cli.shown.standing import row_of as project_row
from cadenzad.moments import moment_us, position_at, position_number
from store.errors import ConfigError, InputError
from store.reads.status import STATUS_SCHEMA, project_statuses

if TYPE_CHECKING:
    import sqlite3

    from store.history import StoredEvent
    from store.hub.connection import Hub
    from store.hub.reads import FleetTotals, RobotRow, Wanted
    from store.reads.shapes import ProjectStatus

SHOWN = 20


def show_fleet(arguments: argparse.Namespace) -> int:
    """`status`: every robot in a row; of one robot, or of one project, each project in a row."""
    most = None if arguments.all or arguments.json else SHOWN
    with open_hub(arguments) as hub:
        if arguments.project or arguments.robot:
            return _show_projects(hub, arguments)
        from store.hub.reads import robots, totals

        if arguments.at:
            found, rows = _fleet_then(hub, arguments.at, most)
        else:
            found, rows = totals(hub), robots(hub, most)
    if arguments.json:
        robots_json = [as_json(robot) for robot in rows]
        say_json({"schema": STATUS_SCHEMA, "hub": found._asdict(), "robots": robots_json}, indent=2)
        return OK
    say(f": {summary(found)}", head="hub")
    say()
    if not rows:
        say("no robots yet: `cadenzactl hub add NAME` makes a login for one")
        return OK
    say_table(HEADINGS, [row_of(robot) for robot in rows])
    for note in notes_of(rows):
        say(note)
    if found.robots > len(rows):
        say(f"not shown: {found.robots - len(rows):,} robots; `--all` shows them")
    return OK


def _fleet_then(hub: Hub, at: str, most: int | None) -> tuple[FleetTotals, list[RobotRow]]:
    """Every robot as it was at a time, with its history up to then folded anew."""
    from store.hub.reads import FleetTotals, as_of, robots

    _expect_time(at)
    rows = []
    for robot in robots(hub):
        with hub.transaction():
            hub.scope(robot.id)
            try:
                with _view_then(hub, robot.id, at) as (view, position):
                    rows.append(as_of(robot, view, position))
            except InputError as error:
                why = error.message.removeprefix(f"{robot.name}: ")
                rows.append(robot._replace(trouble=why))
    stuck = sum(1 for row in rows if row.trouble)
    found = FleetTotals(len(rows), 0, sum(row.head for row in rows if not row.trouble), 0, stuck)
    if most is not None and len(rows) > most:
        rows.sort(key=lambda row: (not row.trouble and not row.to_look_at, row.name))
        rows = rows[:most]
    return found, rows


def _expect_time(at: str) -> None:
    if position_number(at) is not None:
        raise ConfigError(
            "--at of several robots is a time: each has positions of its own",
            hint="for example: --at 2026-11-27T06:00",
        )


def _show_projects(hub: Hub, arguments: argparse.Namespace) -> int:
    found: list[tuple[str, ProjectStatus]] = []
    asked = list(_asked_for(hub, arguments))
    if arguments.at and len(asked) > 1:
        _expect_time(arguments.at)
    for robot, origin, paths in asked:
        with hub.transaction():
            hub.scope(origin)
            found += [(robot, project) for project in _statuses(hub, origin, paths, arguments.at)]
    if arguments.json:
        projects = [{"robot": robot, **project} for robot, project in found]
        say_json({"schema": STATUS_SCHEMA, "projects": projects}, indent=2)
        return OK
    if not found:
        say("no projects of it yet")
        return OK
    rows = [(robot, *project_row(project)) for robot, project in found]
    say_table(("AT", *PROJECT_HEADINGS), rows)
    notes = [f"{robot}: {note}" for robot, project in found for note in project_notes(project)]
    for note in ["", *notes] if notes else []:
        say(note)
    return OK


def _statuses(
    hub: Hub, origin: int, paths: list[str] | None, at: str | None
) -> list[ProjectStatus]:
    """Of the robot that the hub shows: now, or with its history up to then folded anew."""
    if not at:
        return project_statuses(hub, paths)
    with _view_then(hub, origin, at) as (view, _):
        return project_statuses(view, paths, history=hub)


@contextmanager
def _view_then(hub: Hub, origin: int, at: str) -> Iterator[tuple[sqlite3.Connection, int]]:
    """The view of the robot that the hub shows, as of a time or a position of its log, and which
    that is. Raises InputError where the beginning of its log is not kept."""
    from store.log import History
    from store.views.replay import view_as_of

    query = "SELECT name, pruned FROM origins WHERE id = ?"
    name, pruned = hub.execute(query, (origin,)).fetchone()
    if pruned:
        raise InputError(
            f"{name}: its first {pruned:,} events were pruned here, so what was then is not known",
            hint=f"`cadenzactl status --at` on {name}, or `cadenzactl hub refetch {name}` before",
        )
    position = position_at(History(hub), at)
    with closing(view_as_of(hub, position)) as view:
        yield view, position


def _asked_for(
    hub: Hub, arguments: argparse.Namespace
) -> Iterator[tuple[str, int, list[str] | None]]:
    """(robot, origin, paths of its projects; None for all of them)."""
    from store.hub.reads import projects_named, robot_named

    if not arguments.project:
        robot = robot_named(hub, arguments.robot)
        yield robot.name, robot.id, None
        return
    for place in projects_named(hub, arguments.project, arguments.robot):
        yield place.robot, place.origin, [place.path]


# -- events ----------------------------------------------------------------------------------------


def show_events(arguments: argparse.Namespace) -> int:
    """`events`: in the order of the robots' clocks, then as they come."""
    from store.hub import reads

    with open_hub(arguments) as hub:
        wanted = _wanted(hub, arguments)
        names = dict(hub.execute("SELECT id, name FROM origins").fetchall())
        write = _writer(hub, names, json=arguments.json)
        ends = reads.heads(hub)
        for origin, record in reads.events(hub, wanted, ends):
            write(origin, record)
        if arguments.follow:
            sys.stdout.flush()
            for origin, record in reads.follow(hub, wanted, ends):
                write(origin, record)
                sys.stdout.flush()
    return OK


def _wanted(hub: Hub, arguments: argparse.Namespace) -> Wanted:
    from store.hub.reads import Wanted, projects_named, robot_named, streams_of

    since = 0
    if arguments.since is not None:
        if position_number(arguments.since) is not None:
            raise ConfigError(
                "--since with --hub is a time: each robot has positions of its own",
                hint="for example: --since 2026-11-27T06:00",
            )
        since = moment_us(arguments.since)
    streams = origins = None
    if arguments.project:
        streams = streams_of(projects_named(hub, arguments.project, arguments.robot))
    elif arguments.robot:
        origins = [robot_named(hub, arguments.robot).id]
    return Wanted(origins, streams, arguments.type, since)


def _writer(hub: Hub, names: dict[int, str], *, json: bool) -> Callable[[int, StoredEvent], None]:
    width = max((len(name) for name in names.values()), default=0)

    def name_of(origin: int) -> str:
        if origin not in names:  # it came while we follow
            names.update(hub.execute("SELECT id, name FROM origins").fetchall())
        return names.get(origin, "?")

    def write(origin: int, record: StoredEvent) -> None:
        if json:
            facts: dict[str, Any] = event_json(record)
            say_json({"robot": name_of(origin), **facts})
        else:
            say(f"{name_of(origin):<{width}}  {as_line(record)}")

    return write
