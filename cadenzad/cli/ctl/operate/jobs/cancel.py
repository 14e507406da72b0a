"""`cadenzactl jobs cancel`: a job that waits or runs is not wanted any more."""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import TYPE_CHECKING

from cadenzad.cli.base.parser import OK, add_json_and_state, whole
from cadenzad.cli.base.requests import print_answer, send_command
from cadenzad.config.paths import state_dir
from store.errors import DaemonError, ProjectNotFound
from store.schema import connect_reader

if TYPE_CHECKING:
    from cadenzad.requests.commands import CancelJob, RetryJob

DESCRIPTION = "Take a waiting job out of the queue, or end a running one. Its history stays."
EXAMPLE = "cadenzactl jobs cancel 42"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", type=whole, help="the job's number, as `cadenzactl jobs` shows it")
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    from cadenzad.requests.commands import CancelJob

    request = CancelJob(arguments.job, "cadenzactl jobs cancel")
    return change_job(arguments, request, ("queued", "running"), "cancelled")


def change_job(
    arguments: argparse.Namespace,
    request: CancelJob | RetryJob,
    states: tuple[str, ...],
    done: str,
) -> int:
    """Cancel or retry the job, which must be in one of `states`."""
    from store.reads.state import State

    with closing(connect_reader(state_dir(arguments.state))) as reader:
        job = State(reader).job(request.job)
    if job is None:
        raise ProjectNotFound(f"no job {request.job}", hint="`cadenzactl jobs` lists them")
    if job.state not in states:
        raise DaemonError(
            f"job {job.id} is {job.state}", hint=f"this is for jobs that are {' or '.join(states)}"
        )
    outcome = send_command(arguments, request)
    print_answer(
        arguments,
        {"job": job.id, "position": outcome.position, "type": outcome.type},
        f"job {job.id} ({job.kind}) {done}",
    )
    return OK
