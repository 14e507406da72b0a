"""cadenzactl: ask the event log and the daemon. Starts as fast as Python does.

Only `status` and `ping` are hot, and they import nothing beyond the standard library; the rest is
imported by the functions that need it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from cadenzad import __version__
from cadenzad.cli.common import EXIT_CODES, Parser, add_state_option, run


def status(arguments: argparse.Namespace) -> int:
    from cadenzad.cli.status import status as command

    return command(arguments)


def events(arguments: argparse.Namespace) -> int:
    from cadenzad.cli.events import events as command

    return command(arguments)


def rebuild(arguments: argparse.Namespace) -> int:
    from cadenzad.cli.upkeep import rebuild as command

    return command(arguments)


def verify(arguments: argparse.Namespace) -> int:
    from cadenzad.cli.upkeep import verify as command

    return command(arguments)


def ping(arguments: argparse.Namespace) -> int:
    from cadenzad.cli.ping import ping as command

    return command(arguments)


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="cadenzactl",
        description="Ask the cadenzad daemon and its event log.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"cadenzactl {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    one = commands.add_parser(
        "status",
        help="what the daemon does and how every project stands",
        description="What the daemon does and how every project stands. Exits with 3 when the "
        "daemon is not running; what it knew last is shown all the same.",
        epilog="example:\n  cadenzactl status rescue --json | jq .projects[0].exports",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("project", nargs="?", help="a project's name or path (default: all)")
    one.add_argument("--json", action="store_true", help="one JSON object, for programs")
    one.add_argument("--at", metavar="P", help="as of a past position, or a time (ISO 8601)")
    add_state_option(one)
    one.set_defaults(command=status)

    one = commands.add_parser(
        "events",
        help="the history, oldest first",
        description="The history, oldest first: every fact the daemon recorded.",
        epilog="example:\n  cadenzactl events --project rescue --type RunRecorded --follow --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("--since", metavar="P", help="after a position, or from a time (ISO 8601)")
    one.add_argument("--project", metavar="X", help="one project's events, by name or path")
    one.add_argument("--type", metavar="T", action="append", help="events of a type; repeatable")
    one.add_argument("--follow", "-f", action="store_true", help="wait for more, until interrupted")
    one.add_argument("--json", action="store_true", help="one JSON object a line")
    add_state_option(one)
    one.set_defaults(command=events)

    one = commands.add_parser(
        "rebuild",
        help="fold the state view anew from the event log",
        description="Fold the state view anew from the event log, and say whether it differs.",
        epilog="example:\n  cadenzactl rebuild",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(one)
    one.set_defaults(command=rebuild)

    one = commands.add_parser(
        "verify",
        help="check the database, the history, the view and every recorded file",
        description="Check SQLite's integrity, that positions and versions have no gap, that the "
        "view equals a rebuild, and that every recorded file still has its recorded hash.",
        epilog="example:\n  cadenzactl verify --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(one)
    one.set_defaults(command=verify)

    one = commands.add_parser(
        "ping",
        help="send a request through the whole daemon and back",
        description="Leave a request in the daemon's inbox and wait for the answer: it passes the "
        "watcher, the main loop and the writer, so an answer means that all of them work.",
        epilog="example:\n  cadenzactl ping --timeout 2",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("--timeout", type=float, default=5.0, metavar="S", help="seconds (default 5)")
    one.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(one)
    one.set_defaults(command=ping)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    return run(build_parser(), argv)


if __name__ == "__main__":
    sys.exit(main())
