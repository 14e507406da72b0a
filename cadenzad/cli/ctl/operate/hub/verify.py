"""`cadenzactl hub verify`: is every log whole at the hub, and every view what its log says?"""

from __future__ import annotations

import argparse
from contextlib import closing

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import FAILED, OK, add_hub_options, add_state_option
from cadenzad.cli.shown.fleet import open_hub
from cadenzad.config.paths import state_dir
from store.schema import connect_reader

DESCRIPTION = """Check the hub: that no position of a log is missing, no version of a stream, and
that folding a log anew gives the view that is there. On a robot (with its own login) the log here
is compared with the one at the hub as well, event by event. Exits with 1 when something differs."""
EXAMPLE = "cadenzactl hub verify --robot rescue-dog-7 --hub reader.hub"


def configure(parser: argparse.ArgumentParser) -> None:
    add_hub_options(parser)
    parser.add_argument(
        "--here", action="store_true", help="compare with the event log of this machine too"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(parser)


def command(arguments: argparse.Namespace) -> int:
    problems: list[str] = []
    with open_hub(arguments) as hub:
        from store.hub.reads import robot_named, robots
        from store.hub.verify import compare, verify

        asked = [robot_named(hub, arguments.robot)] if arguments.robot else robots(hub)
        for robot in asked:
            problems += [f"{robot.name}: {problem}" for problem in verify(hub, robot)]
        if arguments.here:
            with closing(connect_reader(state_dir(arguments.state))) as reader:
                problems += compare(hub, reader)
    events = sum(robot.head for robot in asked)
    if arguments.json:
        say_json({"ok": not problems, "robots": len(asked), "events": events, "problems": problems})
    else:
        for problem in problems:
            say(problem)
        say(f"robots: {len(asked)}, events: {events:,}: {'NOT ' if problems else ''}whole")
    return FAILED if problems else OK
