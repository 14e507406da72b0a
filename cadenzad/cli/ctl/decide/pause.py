"""`cadenzactl pause`: stop reactive work for a project."""

from __future__ import annotations

import argparse
import json

from cadenzad.cli.base.lookup import find_project
from cadenzad.cli.base.parser import OK, add_state_option
from cadenzad.config.paths import state_dir
from cadenzad.requests.client import perform
from cadenzad.requests.inbox import new_request
from store.reads.state import State
from store.schema import connect_reader

DESCRIPTION = """Stop reactive work (exports, jobs) for a project. What is dropped there is still
recorded; a job that runs goes on to its end."""
EXAMPLE = "cadenzactl pause rescue"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", help="a project's name or path")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(parser)


def command(arguments: argparse.Namespace) -> int:
    return wish(arguments, "pause", paused=True)


def wish(arguments: argparse.Namespace, kind: str, *, paused: bool) -> int:
    """Have a project paused or resumed; one that is so already stays so."""
    directory = state_dir(arguments.state)
    project = find_project(State(connect_reader(directory)), arguments.project)
    position = None
    if project.paused != paused:
        body = {"project": project.path, "by": f"cadenzactl {kind}"}
        position = perform(directory, new_request(kind, body), timeout=10.0).position
    if arguments.json:
        answer = {"project": project.name, "paused": paused, "position": position}
        print(json.dumps(answer))
    else:
        already = "" if position is not None else " already"
        print(f"{project.name} is{already} {'paused' if paused else 'active'}")
    return OK
