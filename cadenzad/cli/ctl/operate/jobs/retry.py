"""`cadenzactl jobs retry`: put a job that was given up or cancelled back into the queue."""

from __future__ import annotations

import argparse

from cadenzad.cli.ctl.operate.jobs.cancel import change_job
from cadenzad.cli.ctl.operate.jobs.cancel import configure as configure

DESCRIPTION = "Put a job that was given up or cancelled back into the queue, with all its attempts."
EXAMPLE = "cadenzactl jobs retry 42"


def command(arguments: argparse.Namespace) -> int:
    from cadenzad.requests.commands import RetryJob

    request = RetryJob(arguments.job, "cadenzactl jobs retry")
    return change_job(arguments, request, ("failed", "cancelled"), "queued again")
