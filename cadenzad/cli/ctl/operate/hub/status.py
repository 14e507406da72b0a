"""`cadenzactl hub status`: the robots, how far each is, and what is in no view yet."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.parser import add_hub_options
from cadenzad.cli.ctl.operate.hub.fleet import show_fleet

DESCRIPTION = """The robots of the hub: what their views count, where their logs end, how many
events are in no view yet (`cadenzactl hub keep` folds them), and when each was seen last. The same
as `cadenzactl --hub DSN status`."""
EXAMPLE = "cadenzactl hub status --all --hub reader.hub"


def configure(parser: argparse.ArgumentParser) -> None:
    add_hub_options(parser)
    parser.add_argument("--all", action="store_true", help="more than 20 robots too")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    parser.set_defaults(at=None, project=None)


def command(arguments: argparse.Namespace) -> int:
    return show_fleet(arguments)
