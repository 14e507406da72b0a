"""`cadenzactl hub prune`: old events that the views hold already are deleted at the hub."""

from __future__ import annotations

import argparse
import time

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_hub_options, filled
from cadenzad.cli.shown.fleet import open_hub
from cadenzad.moments import moment_us
from store.errors import ConfigError

DESCRIPTION = """Delete at the hub what robots recorded before a time, as far as it is in their
views. Robots keep their logs. What is pruned is in no `events` and `why` any more; views stay as
they are until cadenzad changes them: then `cadenzactl hub refetch` asks a robot for its log again.
For the owner of the hub."""
EXAMPLE = "cadenzactl hub prune --keep-days 90 --hub owner.hub"
DAY_US = 86_400 * 1_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    when = parser.add_mutually_exclusive_group(required=True)
    when.add_argument("--before", metavar="TIME", type=filled, help="what is older (ISO 8601)")
    when.add_argument("--keep-days", metavar="N", type=_days, help="what is older than N days")
    parser.add_argument("--dry-run", action="store_true", help="only say how much that is")
    add_hub_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")


def _days(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days; for example: 90")
    return int(text)


def command(arguments: argparse.Namespace) -> int:
    if arguments.before and arguments.before.isdecimal():
        raise ConfigError("--before is a time", hint="for example: --before 2026-08-01")
    now_us = time.time_ns() // 1000
    days = arguments.keep_days
    before_us = now_us - days * DAY_US if days else moment_us(arguments.before)
    with open_hub(arguments) as hub:
        from store.hub.prune import prune
        from store.hub.reads import robot_named, robots

        asked = [robot_named(hub, arguments.robot)] if arguments.robot else robots(hub)
        counts = {
            robot.name: prune(hub, robot.id, before_us, dry=arguments.dry_run) for robot in asked
        }
    events = sum(counts.values())
    if arguments.json:
        say_json({"events": events, "dry_run": arguments.dry_run, "robots": counts})
        return OK
    for name, count in counts.items():
        if count:
            say(f"{name}: {count:,} events")
    say(f"{events:,} events {'would be' if arguments.dry_run else 'are'} deleted")
    return OK
