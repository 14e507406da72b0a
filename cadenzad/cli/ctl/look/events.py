"""`cadenzactl events`: the history, as lines for people or JSON for programs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.lookup import find_project
from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_hub_options, add_state_option, asks_hub, filled
from cadenzad.config.paths import state_dir
from cadenzad.moments import moment_us, position_number
from store.errors import ConfigError
from store.reads.state import State
from store.schema import connect_reader

if TYPE_CHECKING:
    from store.events.envelope import Recorded
    from store.log import EventLog

DESCRIPTION = "The history, oldest first: every fact the daemon recorded."
EXAMPLE = "cadenzactl events --project rescue --type RunRecorded --follow --json"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", metavar="P", help="after a position, or from a time (ISO 8601)")
    parser.add_argument(
        "--project", metavar="X", type=filled, help="one project's events, by name or path"
    )
    parser.add_argument("--type", metavar="T", action="append", help="of a type; repeatable")
    parser.add_argument("--follow", "-f", action="store_true", help="wait for more")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    add_hub_options(parser)
    add_state_option(parser)


def command(arguments: argparse.Namespace) -> int:
    from store.events import EVENT_TYPES
    from store.events.envelope import project_stream
    from store.log import EventLog

    for name in arguments.type or ():
        if name not in EVENT_TYPES:
            raise ConfigError(
                f"no event type {name!r}", hint="one of " + ", ".join(sorted(EVENT_TYPES))
            )
    if asks_hub(arguments):
        from cadenzad.cli.ctl.hub.fleet import show_events

        return show_events(arguments)
    reader = connect_reader(state_dir(arguments.state))
    history = EventLog(reader)
    stream = None
    if arguments.project:
        stream = project_stream(find_project(State(reader), arguments.project).path)
    after = _after(history, arguments.since)
    read: Iterable[Recorded]
    if arguments.follow:
        read = history.follow(after, stream=stream, types=arguments.type)
    else:
        read = history.read(after, stream=stream, types=arguments.type)
    write = _print_json if arguments.json else _print_line
    for record in read:
        write(record)
        if arguments.follow:
            sys.stdout.flush()
    return OK


def _after(history: EventLog, since: str | None) -> int:
    if since is None:
        return 0
    number = position_number(since)
    if number is not None:
        return number
    return history.position_at(moment_us(since) - 1)


def as_json(record: Recorded) -> dict[str, Any]:
    """An event as programs see it. `project` is its path, None for the daemon's own events."""
    return {
        "position": record.position,
        "type": record.type,
        "project": os.path.basename(record.project) if record.project else None,
        "path": record.project,
        "recorded_at": record.recorded_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "causation": record.causation,
        "correlation": record.correlation,
        "schema_version": record.event.schema_version,
        "data": record.event.model_dump(mode="json"),
    }


def _print_json(record: Recorded) -> None:
    say_json(as_json(record))


def _print_line(record: Recorded) -> None:
    say(as_line(record))


def as_line(record: Recorded) -> str:
    """An event as people see it."""
    moment = record.recorded_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    project = os.path.basename(record.project) if record.project else "-"
    cause = f" <- {record.causation}" if record.causation else ""
    return f"{record.position:>7}  {moment}  {project:<16} {record.type}{cause}  {_gist(record)}"


def _gist(record: Recorded) -> str:
    """The few values of an event that a person scans for."""
    from store.events.files import ProjectChecked

    data = record.event.model_dump(mode="json")
    words = []
    if file := data.get("file"):  # of a dropped file there is more than its path
        words.append(file["path"] if isinstance(file, dict) else file)
    for key in (
        "run_path",
        "path",
        "output",
        "records",
        "rejected",
        "rows",
        "reason",
        "message",
        "detail",
        "code",
    ):
        value = data.get(key)
        if value not in (None, "", []):
            words.append(f"{key}={value}" if isinstance(value, int) else str(value))
    if isinstance(record.event, ProjectChecked):
        words.append(f"errors={record.event.errors}  warnings={record.event.warnings}")
        words += [f"{first.place}: {first.what}" for first in record.event.findings[:1]]
    for episode in data.get("episodes", [])[-1:]:
        policy = episode.get("stamp", {}).get("policy")
        under = f" under policy {policy}" if policy else ""
        words.append(f"{episode['outcome']} after {episode['ticks']} ticks{under}")
    return "  ".join(words)
