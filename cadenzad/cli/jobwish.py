"""What `retry` and `cancel` share: check the job, leave the wish, say what came of it."""

from __future__ import annotations

import argparse
import json

from cadenzad.cli.common import OK
from cadenzad.cli.requesting import perform
from cadenzad.inbox import new_request
from cadenzad.paths import state_dir
from store.errors import DaemonError, ProjectNotFound
from store.reads.state import State
from store.schema import connect_reader


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
