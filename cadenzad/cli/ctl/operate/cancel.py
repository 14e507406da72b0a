"""`cadenzactl cancel`: a job that waits or runs is not wanted any more."""

from __future__ import annotations

import argparse
import json

from cadenzad.cli.base.parser import OK, add_state_option
from cadenzad.config.paths import state_dir
from cadenzad.requests.client import perform
from cadenzad.requests.inbox import new_request
from store.errors import DaemonError, ProjectNotFound
from store.reads.state import State
from store.schema import connect_reader

DESCRIPTION = "Take a waiting job out of the queue, or end a running one. Its history stays."
EXAMPLE = "cadenzactl cancel 42"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", type=int, help="the job's number, as `cadenzactl jobs` shows it")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(parser)


def command(arguments: argparse.Namespace) -> int:
    return wish(arguments, "cancel-job", ("queued", "running"), "cancelled")


def wish(arguments: argparse.Namespace, kind: str, states: tuple[str, ...], done: str) -> int:
    """Carry out `kind` for the job, which must be in one of `states`."""
    directory = state_dir(arguments.state)
    state = State(connect_reader(directory))
    job = state.job(arguments.job)
    if job is None:
        raise ProjectNotFound(f"no job {arguments.job}", hint="`cadenzactl jobs` lists them")
    if job.state not in states:
        raise DaemonError(
            f"job {job.id} is {job.state}", hint=f"this is for jobs that are {' or '.join(states)}"
        )
    body = {"job": job.id, "by": f"cadenzactl {kind.removesuffix('-job')}"}
    outcome = perform(directory, new_request(kind, body), timeout=10.0)
    if arguments.json:
        print(json.dumps({"job": job.id, "position": outcome.position, "type": outcome.type}))
    else:
        print(f"job {job.id} ({job.kind}) {done}")
    return OK
