"""`cadenzactl retry`: put a job that was given up or cancelled back into the queue."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.parser import add_state_option
from cadenzad.cli.ctl.operate.cancel import wish

DESCRIPTION = "Put a job that was given up or cancelled back into the queue, with all its attempts."
EXAMPLE = "cadenzactl retry 42"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", type=int, help="the job's number, as `cadenzactl jobs` shows it")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(parser)


def command(arguments: argparse.Namespace) -> int:
    return wish(arguments, "retry-job", ("failed", "cancelled"), "queued again")
