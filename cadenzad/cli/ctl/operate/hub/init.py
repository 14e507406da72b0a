"""`cadenzactl hub init`: make a database the hub, or bring one up to date."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_hub_options
from cadenzad.cli.shown.fleet import open_database

DESCRIPTION = """Make the tables, functions, roles and policies of the hub in a PostgreSQL database,
or bring them up to date after an upgrade of cadenzad. Whoever runs it owns them: a role with
CREATEROLE that owns the database; no superuser. It may be repeated, and touches no event."""
EXAMPLE = "cadenzactl hub init --hub owner.hub"


def configure(parser: argparse.ArgumentParser) -> None:
    add_hub_options(parser, robot=False)
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")


def command(arguments: argparse.Namespace) -> int:
    with open_database(arguments) as (hub, dsn):
        from store.hub.install import install

        done = install(hub)
        database = hub.connection.info.dbname
    if arguments.json:
        say_json({"database": database, "done": done})
    else:
        say(f"the hub in {dsn.place} {done if done != 'made' else 'is made'}")
        say("next: `cadenzactl --hub DSN hub add NAME -o FILE` for each robot")
    return OK
