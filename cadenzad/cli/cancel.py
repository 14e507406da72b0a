"""`cadenzactl cancel`: a job that waits or runs is not wanted any more."""

from __future__ import annotations

import argparse

from cadenzad.cli.common import add_state_option
from cadenzad.cli.jobwish import wish

DESCRIPTION = "Take a waiting job out of the queue, or end a running one. Its history stays."
EXAMPLE = "cadenzactl cancel 42"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", type=int, help="the job's number, as `cadenzactl jobs` shows it")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(parser)


def command(arguments: argparse.Namespace) -> int:
    return wish(arguments, "cancel-job", ("queued", "running"), "cancelled")
