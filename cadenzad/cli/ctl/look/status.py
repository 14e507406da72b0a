"""`cadenzactl status`: how the daemon and every project stand, now or at a past moment."""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.drift import changed, unrecorded
from cadenzad.cli.base.output import (
    clear_screen,
    damaged,
    say,
    say_again,
    say_json,
    say_lines,
    table,
)
from cadenzad.cli.base.parser import FAILED, NOT_RUNNING, OK, add_state_option, filled
from cadenzad.cli.base.watched import watched
from cadenzad.config.paths import state_dir
from cadenzad.requests.role import takes_requests
from store.errors import NoEventLog, StoreError
from store.lock import is_held
from store.reads.improvements import current_prompt
from store.reads.state import DegradedStatus, State
from store.reads.status import (
    STATUS_SCHEMA,
    check_view,
    daemon_status,
    project_statuses,
    trouble_of,
)
from store.schema import connect_reader

if TYPE_CHECKING:
    from store.reads.status import DaemonStatus, ProjectStatus


DESCRIPTION = """What the daemon does and how every project stands. Exits with 3 when the daemon is
not running or does not respond; what it knew last is shown all the same."""
EXAMPLE = "cadenzactl status rescue --json | jq .projects[0].exports"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project", nargs="?", type=filled, help="a project's name or path (default: all)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    parser.add_argument(
        "--at", metavar="P", type=filled, help="as of a past position, or a time (ISO 8601)"
    )
    parser.add_argument("--watch", action="store_true", help="show it anew every second")
    add_state_option(parser)


def command(arguments: argparse.Namespace) -> int:
    if not arguments.watch:
        return show(arguments)
    while True:
        clear_screen()
        show(arguments)
        sys.stdout.flush()
        time.sleep(1.0)


def show(arguments: argparse.Namespace) -> int:
    """Print the status once; 0 with a daemon, 3 without."""
    directory = state_dir(arguments.state)
    holder = is_held(directory)
    try:
        reader = connect_reader(directory)
    except NoEventLog as error:
        if takes_requests(holder) and trouble_of(holder):
            return _unreadable(arguments, directory, holder, error)
        if arguments.project or arguments.at:
            raise
        return _nothing_yet(arguments, str(directory))
    except StoreError as error:
        if not takes_requests(holder):
            raise
        return _unreadable(arguments, directory, holder, error)
    try:
        # Closed, else `--watch` would pin what the writer wants to tidy away.
        with contextlib.closing(reader):
            check_view(reader)
            return _show(arguments, directory, holder, reader)
    except sqlite3.Error as error:
        if not takes_requests(holder):
            raise
        return _unreadable(arguments, directory, holder, damaged(error))


def _show(
    arguments: argparse.Namespace,
    directory: Path,
    holder: dict[str, object] | None,
    reader: sqlite3.Connection,
) -> int:
    # One read transaction: the daemon's part and the projects' part are of the same moment.
    reader.execute("BEGIN")
    daemon = daemon_status(reader, holder)
    view, position = reader, daemon["position"]
    if arguments.at:
        view, position = _past(reader, arguments.at)
    path = None
    if arguments.project:
        from cadenzad.cli.base.lookup import find_project

        path = find_project(State(view), arguments.project).path
    projects = project_statuses(view, path, history=reader)
    if not arguments.at:  # what is in the file today says nothing of the past
        for project in projects:
            project["prompt"]["changed"] = changed(view, project["path"])
            if project["prompt"]["watching"]:
                look = watched(view, project["path"], current_prompt(view, project["path"]))
                project["prompt"] |= look or {}
            project["adapter"]["unrecorded"] = unrecorded(view, project["path"])
    if arguments.json:
        answer: dict[str, Any] = {"schema": STATUS_SCHEMA, "daemon": daemon, "projects": projects}
        if arguments.at:
            answer["as_of"] = position
        say_json(answer, indent=2)
    else:
        _print(daemon, projects, str(directory), position if arguments.at else None)
    return OK if daemon["state"] != "stopped" and daemon["responding"] else NOT_RUNNING


def _past(reader: sqlite3.Connection, at: str) -> tuple[sqlite3.Connection, int]:
    """The view as of a position or a time, folded in memory."""
    from cadenzad.moments import position_at
    from store.log import EventLog
    from store.views.replay import view_as_of

    position = position_at(EventLog(reader), at)
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
    directory: Path,
    holder: dict[str, object] | None,
    error: StoreError,
) -> int:
    """A daemon runs on a log that cannot be read: what it says of that, and what we met."""
    met: DegradedStatus = {"code": "event-log", "detail": error.message}
    daemon = _unknown() | {
        "state": "running",
        "pid": (holder or {}).get("pid"),
        "degraded": [met, *trouble_of(holder)],
    }
    if arguments.json:
        say_json({"schema": STATUS_SCHEMA, "daemon": daemon, "projects": []}, indent=2)
    else:
        say(f": running (pid {daemon['pid']})", head="daemon")
        say(f"state:  {directory}")
        for reason in daemon["degraded"]:
            say(f"degraded: {reason['detail']}")
    return FAILED


def _unknown() -> dict[str, Any]:
    """The daemon's part where there is no event log to ask."""
    return {
        "state": "stopped",
        "pid": None,
        "started_at": None,
        "version": None,
        "position": 0,
        "lag": 0,
        "responding": True,
        "silent_s": None,
        "degraded": [],
        "watching": {"projects": 0, "directories": 0},
        "workspaces": [],
    }


def _nothing_yet(arguments: argparse.Namespace, directory: str) -> int:
    """No event log: no daemon ever ran here. That is an answer, not a failure."""
    if arguments.json:
        say_json({"schema": STATUS_SCHEMA, "daemon": _unknown(), "projects": []}, indent=2)
    else:
        say(f"daemon: stopped; {directory} holds no event log yet")
        say("start it: cadenzad --workspace DIR")
    return NOT_RUNNING


def _print(
    daemon: DaemonStatus, projects: list[ProjectStatus], directory: str, as_of: int | None
) -> None:
    say(f": {_daemon_line(daemon)}", head="daemon")
    say(f"state:  {directory}")
    for reason in daemon["degraded"]:
        say(f"degraded: {reason['detail']}")
    if as_of is not None:
        say(f"projects as of position {as_of}:")
    say()
    if not projects:
        say("no projects yet: a project is a folder with env.json inside a workspace")
        return
    headings = (
        "PROJECT",
        "ROBOT",
        "STATE",
        "RUNS",
        "OK",
        "FAILED",
        "REJECTED",
        "EXPORTS",
        "RECORDS",
        "EXAMPLES",
        "LAST RUN",
    )
    say_lines(table(headings, [_row(project) for project in projects]))
    notes = [note for project in projects for note in _notes(project)]
    if notes:
        say()
        for note in notes:
            say(note)


def _daemon_line(daemon: DaemonStatus) -> str:
    if daemon["state"] == "stopped":
        return f"stopped, at position {daemon['position']}"
    if daemon["silent_s"] is not None:
        since = datetime.now(UTC) - timedelta(seconds=daemon["silent_s"])
        return (
            f"not responding since {since.isoformat(timespec='seconds')[:19]}Z"
            f" (pid {daemon['pid']}): stopped by a signal, or hung; at position"
            f" {daemon['position']}, lag {daemon['lag']}"
        )
    watching = daemon["watching"]
    return (
        f"{daemon['state']} (pid {daemon['pid']}) since {daemon['started_at']},"
        f" position {daemon['position']}, lag {daemon['lag']},"
        f" watching {watching['projects']} projects in {watching['directories']} folders"
    )


def _row(project: ProjectStatus) -> tuple[object, ...]:
    runs, exports, examples = project["runs"], project["exports"], project["examples"]
    last = runs["last"]
    counts: tuple[tuple[str, int], ...] = (
        ("stale", exports["stale"]),
        ("failed", exports["failed"]),
        ("missing", exports["missing"]),
    )
    others = [f"{count} {word}" for word, count in counts if count]
    return (
        project["project"],
        project["robot"],
        project["state"],
        runs["total"],
        runs["succeeded"],
        runs["failed"],
        runs["rejected"],
        ", ".join([f"{exports['current']} current", *others]),
        exports["records"],
        f"{examples['train']}+{examples['exam']}",
        f"{last['run']}: {last['outcome']}" if last else "-",
    )


def _notes(project: ProjectStatus) -> list[str]:
    """One line for everything about a project that somebody should look at."""
    name = project["project"]
    notes = []
    if project["paused"]:
        notes.append(f"{name}: paused; `cadenzactl resume {name}` goes on")
    if project["state"] != "ready":
        notes.append(f"{name}: {project['state']}: {project['reason']}")
    notes.extend(
        f"{name}: rejected {item['path']}: {item['reason']}"
        for item in project["runs"]["rejected_files"]
        if item["path"] != "env.json"
    )
    notes += _check(project)
    exports = project["exports"]
    notes.extend(
        f"{name}: export failed for {item['path']}: {item['reason']}"
        for item in exports["failures"]
    )
    notes.extend(
        f"{name}: the export of {item['path']} is missing: {item['reason']}"
        for item in exports["losses"]
    )
    notes += _dataset(project)
    notes += _improvements(project)
    for job in project["jobs"]:
        if job["state"] in ("queued", "running", "failed"):
            progress = " ".join(f"{key}={value}" for key, value in (job["progress"] or {}).items())
            says = progress or job["result"] or job["reason"]
            notes.append(f"{name}: job {job['job']} ({job['kind']}) {job['state']}: {says}")
    if project["reactions_failed"]:
        count = project["reactions_failed"]
        notes.append(f"{name}: {count} reactions failed, last: {project['last_failure']}")
    return notes


def _check(project: ProjectStatus) -> list[str]:
    """What the check of the mission found: counts, and the first error or warning."""
    name, check = project["project"], project["check"]
    if not (check["errors"] or check["warnings"]):
        return []
    said = f"errors: {check['errors']}, warnings: {check['warnings']}"
    since = " (env.json has changed since)" if check["state"] == "pending" else ""
    first = check["findings"][0]
    line = f"{first['level']}: {first['place']}: {first['what']}"
    fix = f"; {first['fix']}" if first["fix"] else ""
    return [f"{name}: check: {said}{since}: `cadenza env check {name}`", f"{name}: {line}{fix}"]


def _dataset(project: ProjectStatus) -> list[str]:
    """How much the dataset holds, and which runs it does not."""
    dataset = project["dataset"]
    if dataset is None:
        return []
    name = project["project"]
    rows = ", ".join(f"{config} {count:,}" for config, count in dataset["rows"].items())
    return [
        f"{name}: dataset of {dataset['runs']} runs, rows: {rows}",
        *(f"{name}: not in the dataset: {item['run_path']}: {item['reason']}"
          for item in dataset["failed"]),
    ]  # fmt: skip


def _improvements(project: ProjectStatus) -> list[str]:
    """What the judge and the last scorecard say."""
    name, prompt, adapter = project["project"], project["prompt"], project["adapter"]
    notes = []
    if prompt["state"] != "not judged":
        version = f"version {prompt['version']}" if prompt["version"] is not None else "unchanged"
        verified = " (improved)" if prompt["improved"] else ""
        verified += " (found by enumeration)" if "code" in prompt["by"] else ""
        reason = f": {prompt['reason']}" if prompt["reason"] else ""
        notes.append(f"{name}: prompt {version}{verified}, {prompt['state']}{reason}")
    if prompt["watch"]:
        word = "watched" if prompt["watching"] else "watch"
        notes.append(f"{name}: {word}: {prompt['watch']}")
    if prompt.get("changed"):
        notes.append(f"{name}: {prompt['changed']}")
    if prompt["pending"] is not None:
        notes.append(
            f"{name}: prompt version {prompt['pending']} waits:"
            f" `cadenzactl prompt {name} diff`, then approve or reject"
        )
    if adapter.get("unrecorded"):
        versions = ", ".join(map(str, adapter["unrecorded"]))
        notes.append(f"{name}: adapter {versions}: on disk, not recorded here")
    if adapter["forced"]:
        notes.append(f"{name}: adapter {adapter['deployed']} serves by force, against its verdict")
    if adapter["verdict"] is not None:
        serving = adapter["deployed"] if adapter["deployed"] is not None else "none"
        notes.append(
            f"{name}: adapter {adapter['scored']} {adapter['verdict']}, deployed: {serving}"
        )
        notes += [f"{name}: next: {step}" for step in adapter["next_steps"][:3]]
    return notes
