"""`cadenzactl hub add`: a login for a robot, a reader or a keeper, in a file."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_hub_options, filled
from cadenzad.cli.shown.fleet import open_database
from cadenzad.config.paths import expand
from store.errors import ConfigError

DESCRIPTION = """Make a login, and write where the hub is and the login's password to a file that
is yours alone. A robot's file goes onto the robot, as `[hub] dsn_file` or as the unit's credential
`hub_dsn`. A robot sees and ships its own log; a reader sees everything; a keeper folds. For the
owner of the hub."""
EXAMPLE = "cadenzactl hub add rescue-dog-7 -o rescue-dog-7.hub --hub owner.hub"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", type=filled, help="what people call it")
    parser.add_argument(
        "--as",
        dest="kind",
        choices=["robot", "reader", "keeper"],
        default="robot",
        help="what it may do (default: robot)",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=filled, help="the file (default: NAME.hub)"
    )
    parser.add_argument(
        "--renew", action="store_true", help="it is there: give it another password"
    )
    add_hub_options(parser, robot=False)
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")


def command(arguments: argparse.Namespace) -> int:
    from store.durable import write_file

    target = expand(arguments.output or f"{arguments.name}.hub")
    if "/" in arguments.name or not arguments.name.isprintable():
        raise ConfigError(f"{arguments.name!r} is no name", hint="for example: rescue-dog-7")
    if target.exists() and not arguments.renew:
        raise ConfigError(f"{target} is there already", hint="-o FILE names another")
    if not target.parent.is_dir():
        raise ConfigError(f"{target.parent}: no such folder", hint=f"mkdir {target.parent}")
    with open_database(arguments) as (hub, dsn):
        from store.hub.install import expect_hub
        from store.hub.security import add_login

        expect_hub(hub)
        with hub.transaction():
            text = add_login(hub, dsn, arguments.kind, arguments.name, renew=arguments.renew)
            # Written while nothing is decided yet: a full disk leaves no login without a file.
            write_file(target, f"{text}\n".encode())
    if arguments.json:
        say_json({"name": arguments.name, "kind": arguments.kind, "file": str(target)})
    else:
        say(f"{arguments.kind} {arguments.name}: its login is in {target}")
        if arguments.kind == "robot":
            say(f'on the robot, in cadenzad.toml:  [hub] dsn_file = "/path/to/{target.name}"')
    return OK
