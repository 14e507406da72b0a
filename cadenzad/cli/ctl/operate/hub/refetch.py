"""`cadenzactl hub refetch`: a robot's log and view are forgotten here, and shipped again."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_hub_options, filled
from cadenzad.cli.shown.fleet import open_database

DESCRIPTION = """Forget a robot's events and view at the hub, and have it ship its whole log again,
the next time it is connected. Where events were pruned, and cadenzad has changed its views since,
this is how they come back. Not for a robot that is gone: what is here is all there is of it then.
For the owner of the hub."""
EXAMPLE = "cadenzactl hub refetch rescue-dog-7 --hub owner.hub"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", type=filled, help="of the robot")
    add_hub_options(parser, robot=False)
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")


def command(arguments: argparse.Namespace) -> int:
    with open_database(arguments) as (hub, _):
        from store.hub.install import expect_hub
        from store.hub.prune import refetch
        from store.hub.reads import robot_named

        expect_hub(hub)
        robot = robot_named(hub, arguments.name)
        refetch(hub, robot.id)
    if arguments.json:
        say_json({"robot": robot.name, "forgotten": robot.head - robot.pruned})
    else:
        say(f"{robot.name}: {robot.head - robot.pruned:,} events are forgotten, and come again")
    return OK
