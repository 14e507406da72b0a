"""`cadenzactl resume`: go on with reactive work for a project."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.parser import add_state_option
from cadenzad.cli.ctl.decide.pause import wish

DESCRIPTION = """Go on with reactive work for a paused project: what was left out is done now."""
EXAMPLE = "cadenzactl resume rescue"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", help="a project's name or path")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(parser)


def command(arguments: argparse.Namespace) -> int:
    return wish(arguments, "resume", paused=False)
