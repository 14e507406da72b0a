"""`cadenzactl events`: the history, as lines for people or JSON for programs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING

from cadenzad.cli.base.lookup import find_project
from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_hub_options, add_state_option, asks_hub, filled
from cadenzad.cli.shown.eventlines import as_json, as_line
from cadenzad.config.paths import state_path
from cadenzad.moments import moment_us, position_number
from store.errors import ConfigError
from store.reads.names import Names
from store.reads.state import State
from store.schema import connect_reader

if TYPE_CHECKING:
    from store.history import StoredEvent, StoredHistory

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
    from store.events.envelope import project_stream
    from store.events.names import SCHEMA_VERSIONS
    from store.history import StoredHistory

    for name in arguments.type or ():
        if name not in SCHEMA_VERSIONS:
            raise ConfigError(
                f"no event type {name!r}", hint="one of " + ", ".join(sorted(SCHEMA_VERSIONS))
            )
    if asks_hub(arguments):
        from cadenzad.cli.ctl.operate.hub.fleet import show_events

        return show_events(arguments)
    with closing(connect_reader(state_path(arguments.state))) as reader:
        history = StoredHistory(reader)
        stream = None
        if arguments.project:
            stream = project_stream(find_project(State(reader), arguments.project).path)
        after = _after(history, arguments.since)
        read: Iterable[StoredEvent]
        if arguments.follow:
            read = history.follow(after, stream=stream, types=arguments.type)
        else:
            read = history.read(after, stream=stream, types=arguments.type)
        names = Names(reader)
        for record in read:
            if arguments.json:
                say_json(as_json(record))
            else:
                say(as_line(record, names.shown(record.project or "")))
            if arguments.follow:
                sys.stdout.flush()
        return OK


def _after(history: StoredHistory, since: str | None) -> int:
    if since is None:
        return 0
    number = position_number(since)
    if number is not None:
        return number
    return history.position_at(moment_us(since) - 1)
