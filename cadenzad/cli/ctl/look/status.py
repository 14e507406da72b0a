"""`cadenzactl status`: how the daemon and every project stand, now or at a past moment."""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import sys

from cadenzad.cli.base.output import damaged, say, say_again, say_json, say_table
from cadenzad.cli.base.parser import (
    FAILED,
    NOT_RUNNING,
    OK,
    add_hub_options,
    add_state_option,
    asks_hub,
    filled,
)
from cadenzad.cli.shown.drift import changed, unrecorded
from cadenzad.cli.shown.standing import HEADINGS, daemon_line, notes_of, notes_of_jobs, row_of
from cadenzad.config.paths import lies_in, state_path
from cadenzad.requests.role import takes_requests
from store.errors import ConfigError, NoEventLog, StoreError
from store.lock import is_held
from store.reads.live import daemon_status, trouble_of, unknown
from store.reads.live import progress as live_value
from store.reads.names import Names
from store.reads.status import (
    STATUS_SCHEMA,
    FirstProjects,
    check_view,
    daemon_jobs,
    first_projects,
    project_statuses,
)
from store.schema import connect_reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from store.reads.shapes import DaemonStatus, DegradedStatus, HubStatus, JobStatus, ProjectStatus

DESCRIPTION = """What the daemon does and how every project stands. Of very many those to look at
are shown, and the first of the others. Exits with 3 when the daemon is not running or does not
respond; what it knew last is shown all the same. --watch shows it live, with the queue, and keys
lead into each project; it ends with q."""
EXAMPLE = "cadenzactl status rescue --json | jq .projects[0].exports"

SHOWN = 20
"""Projects that a screen has room for, with a note for some; `--all` and `--json` have the rest."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project", nargs="?", type=filled, help="a project's name or path (default: all)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    parser.add_argument(
        "--at", metavar="P", type=filled, help="as of a past position, or a time (ISO 8601)"
    )
    parser.add_argument("--all", action="store_true", help=f"more than {SHOWN} projects too")
    parser.add_argument("--watch", action="store_true", help="show it live, every second")
    add_hub_options(parser)
    add_state_option(parser)


def command(arguments: argparse.Namespace) -> int:
    if not arguments.watch:
        return show(arguments)
    if arguments.at:
        import shlex

        raise ConfigError(
            "--watch shows what goes on, --at a past moment: one of them",
            hint=f"cadenzactl status --at {shlex.quote(arguments.at)}",
        )
    from cadenzad.cli.live.loop import again_and_again, watch

    if arguments.json:
        return again_and_again(lambda: show(arguments))
    opened = ""
    if arguments.project:
        from cadenzad.cli.base.lookup import project_of

        opened = project_of(arguments).path
    return watch(state_path(arguments.state), opened, lambda: show(arguments))


def show(arguments: argparse.Namespace) -> int:
    """Print the status once; 0 with a daemon, 3 without."""
    if asks_hub(arguments):
        from cadenzad.cli.ctl.operate.hub.fleet import show_fleet

        return show_fleet(arguments)
    directory = state_path(arguments.state)
    holder = is_held(directory)
    try:
        reader = connect_reader(directory)
    except NoEventLog as error:
        if takes_requests(holder) and trouble_of(holder):
            return _unreadable(arguments, directory, holder, error)
        if arguments.project or arguments.at:
            raise
        return _nothing_yet(arguments, directory)
    except StoreError as error:
        if not takes_requests(holder):
            raise
        return _unreadable(arguments, directory, holder, error)
    try:
        # Closed, else `--watch` would pin what the writer wants to tidy away.
        with contextlib.closing(reader):
            check_view(reader)
            # One read transaction: the daemon's part and the projects' part are of one moment.
            reader.execute("BEGIN")
            if not arguments.at:
                return _show(arguments, directory, holder, reader)
            view, position = _past(reader, arguments.at)
            with contextlib.closing(view):
                return _show(arguments, directory, holder, reader, (view, position))
    except sqlite3.Error as error:
        if not takes_requests(holder):
            raise
        return _unreadable(arguments, directory, holder, damaged(error))


def _show(
    arguments: argparse.Namespace,
    directory: str,
    holder: dict[str, object] | None,
    reader: sqlite3.Connection,
    past: tuple[sqlite3.Connection, int] | None = None,
) -> int:
    """Print what the log says now, or said then: `past` is that view and its position."""
    daemon = daemon_status(reader, holder)
    view, position = past or (reader, daemon["position"])
    asked = _asked_for(arguments, view)
    projects = project_statuses(view, asked.paths if asked else None, history=reader)
    if not arguments.at:  # what is in the file today says nothing of the past
        for project in projects:
            _look_at_files(view, project)
            if daemon["state"] != "stopped":
                project["watched"] = lies_in(project["path"], daemon["workspaces"])
    cluster, jobs = _cluster(reader, daemon), daemon_jobs(view)
    if arguments.json:
        answer: dict[str, Any] = {"schema": STATUS_SCHEMA, "daemon": daemon, "jobs": jobs}
        answer["projects"] = projects
        if cluster is not None:
            answer["cluster"] = cluster
        if arguments.at:
            answer["as_of"] = position
        say_json(answer, indent=2)
    else:
        names = Names(view)
        _print(daemon, jobs, directory, position if arguments.at else None, cluster)
        _print_projects([(project, names.shown(project["path"])) for project in projects])
        if asked and asked.more:
            say()
            rest = f"not shown: {asked.more}, {asked.more_to_look_at} of them to look at"
            say(f"{rest}; `--all` shows every project")
    return OK if daemon["state"] != "stopped" and daemon["responding"] else NOT_RUNNING


def _cluster(reader: sqlite3.Connection, daemon: DaemonStatus) -> dict[str, Any] | None:
    """Where a running daemon has its jobs done, if that is not this machine."""
    live = live_value(reader, "cluster") if daemon["pid"] is not None else None
    if live is None:
        return None
    from cadenzad.cli.shown.cluster import cluster_status

    return cluster_status(reader, live)


def _asked_for(arguments: argparse.Namespace, view: sqlite3.Connection) -> FirstProjects | None:
    """The one project that is named, else as many as there is room for; None for all."""
    if arguments.project:
        from cadenzad.cli.base.lookup import find_project
        from store.reads.state import State

        return FirstProjects([find_project(State(view), arguments.project).path])
    return None if arguments.json or arguments.all else first_projects(view, SHOWN)


def _look_at_files(view: sqlite3.Connection, project: ProjectStatus) -> None:
    """Add what the project's own folder says today."""
    path, prompt = project["path"], project["prompt"]
    prompt["changed"] = changed(view, path)
    if prompt["watching"]:
        from cadenzad.cli.shown.watched import watched
        from store.reads.improvements import current_prompt

        prompt |= watched(view, path, current_prompt(view, path)) or {}
    project["adapter"]["unrecorded"] = unrecorded(view, path)


def _past(reader: sqlite3.Connection, at: str) -> tuple[sqlite3.Connection, int]:
    """The view as of a position or a time, folded in memory."""
    from cadenzad.moments import position_at
    from store.log import History
    from store.views.replay import view_as_of

    position = position_at(History(reader), at)
    progress = None
    if sys.stderr.isatty() and position > 20_000:

        def progress(count: int) -> None:
            say_again(f"replaying {count:,} of {position:,} events")

    view = view_as_of(reader, position, progress)
    if progress is not None:
        say(err=True)
    return view, position


def _unreadable(
    arguments: argparse.Namespace,
    directory: str,
    holder: dict[str, object] | None,
    error: StoreError,
) -> int:
    """A daemon runs on a log that cannot be read: what it says of that, and what we met."""
    met: DegradedStatus = {"code": "event-log", "detail": error.message}
    pid, daemon = (holder or {}).get("pid"), unknown()
    daemon["state"], daemon["pid"] = "running", pid if isinstance(pid, int) else None
    daemon["degraded"] = [met, *trouble_of(holder)]
    if arguments.json:
        say_json({"schema": STATUS_SCHEMA, "daemon": daemon, "jobs": [], "projects": []}, indent=2)
    else:
        say(f": running (pid {daemon['pid']})", head="daemon")
        say(f"state:  {directory}")
        for reason in daemon["degraded"]:
            say(f"degraded: {reason['detail']}")
    return FAILED


def _nothing_yet(arguments: argparse.Namespace, directory: str) -> int:
    """No event log: no daemon ever ran here. That is an answer, not a failure."""
    if arguments.json:
        say_json(
            {"schema": STATUS_SCHEMA, "daemon": unknown(), "jobs": [], "projects": []}, indent=2
        )
    else:
        say(f"daemon: stopped; {directory} holds no event log yet")
        say("start it: cadenzad --workspace DIR")
    return NOT_RUNNING


def _print(
    daemon: DaemonStatus,
    jobs: list[JobStatus],
    directory: str,
    as_of: int | None,
    cluster: dict[str, Any] | None,
) -> None:
    say(f": {daemon_line(daemon)}", head="daemon")
    say(f"state:  {directory}")
    for reason in daemon["degraded"]:
        say(f"degraded: {reason['detail']}")
    for note in notes_of_jobs(jobs):
        say(note)
    if cluster is not None:
        from cadenzad.cli.shown.cluster import cluster_lines

        for line in cluster_lines(cluster):
            say(line)
    if daemon["hub"] is not None:
        say(f"hub:    {_hub_line(daemon['hub'])}")
    if as_of is not None:
        say(f"projects as of position {as_of}:")
    say()


def _print_projects(projects: list[tuple[ProjectStatus, str]]) -> None:
    """Projects, each with what it is called, and what somebody should look at."""
    if not projects:
        say("no projects yet: a project is a folder with env.json inside a workspace")
        return
    say_table(HEADINGS, [row_of(project, name) for project, name in projects])
    notes = [note for project, name in projects for note in notes_of(project, name)]
    if notes:
        say()
        for note in notes:
            say(note)


def _hub_line(hub: HubStatus) -> str:
    has = f"{hub['position']} events of {hub['name'] or 'this log'}"
    behind = f"{has} are there, {hub['lag']} are to come"
    if not hub["trouble"]:
        return f"{behind} ({hub['place']})"
    from store.times import iso

    return f"{behind}; since {iso(int((hub['since'] or 0) * 1e6))}: {hub['trouble']}"
