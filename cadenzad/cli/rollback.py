"""`cadenzactl rollback`: deploy an earlier adapter again."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from cadenzad.cli.common import OK, add_state_option
from cadenzad.cli.jobrun import run_job
from cadenzad.cli.select import find_project
from cadenzad.config import load_config
from cadenzad.paths import state_dir
from store.errors import DaemonError
from store.queries import State
from store.schema import connect_reader

DESCRIPTION = """Deploy an earlier version of a project's adapter: the one deployed before, or
--to N. One that is not there whole is refused, and the deployed one goes on serving."""
EXAMPLE = "cadenzactl rollback rescue --to 3"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", help="a project's name or path")
    parser.add_argument("--to", type=int, metavar="N", help="the version to deploy")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(parser)


def command(arguments: argparse.Namespace) -> int:
    directory = state_dir(arguments.state)
    project = find_project(State(connect_reader(directory)), arguments.project)
    spec = {"to": arguments.to}
    ended = run_job(
        directory, "deploy", Path(project.path), spec, "cadenzactl rollback",
        config=load_config(None),
    )  # fmt: skip
    if ended.job.state != "succeeded":
        raise DaemonError(ended.job.result)
    if arguments.json:
        events = {event.type_name(): event.model_dump(mode="json") for event in ended.events}
        print(json.dumps(events))
    else:
        print(ended.job.result)
    return OK
