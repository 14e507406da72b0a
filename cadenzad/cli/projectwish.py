"""What `pause` and `resume` share."""

from __future__ import annotations

import argparse
import json

from cadenzad.cli.common import OK
from cadenzad.cli.requesting import perform
from cadenzad.cli.select import find_project
from cadenzad.inbox import new_request
from cadenzad.paths import state_dir
from store.reads.state import State
from store.schema import connect_reader


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
