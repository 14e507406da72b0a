"""`cadenzactl pause`: stop reactive work for a project."""

from __future__ import annotations

import argparse

from cadenzad.cli.common import add_state_option
from cadenzad.cli.projectwish import wish

DESCRIPTION = """Stop reactive work (exports, jobs) for a project. What is dropped there is still
recorded; a job that runs goes on to its end."""
EXAMPLE = "cadenzactl pause rescue"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", help="a project's name or path")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(parser)


def command(arguments: argparse.Namespace) -> int:
    return wish(arguments, "pause", paused=True)
