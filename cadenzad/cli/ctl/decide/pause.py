"""`cadenzactl pause`: stop reactive work for a project."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.lookup import project_of
from cadenzad.cli.base.parser import OK, add_json_and_state
from cadenzad.cli.base.requests import print_answer, send_command

DESCRIPTION = """Stop reactive work (exports, jobs) for a project. What is dropped there is still
recorded; a job that runs goes on to its end."""
EXAMPLE = "cadenzactl pause rescue"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", help="a project's name or path")
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    return pause_or_resume(arguments, paused=True)


def pause_or_resume(arguments: argparse.Namespace, *, paused: bool) -> int:
    """Have a project paused or resumed; one that is so already stays so."""
    from cadenzad.requests.commands import Pause, Resume

    project = project_of(arguments)
    position = None
    if project.paused != paused:
        path = project.path
        request = Pause(path, "cadenzactl pause") if paused else Resume(path, "cadenzactl resume")
        position = send_command(arguments, request).position
    already = "" if position is not None else " already"
    print_answer(
        arguments,
        {"project": project.name, "paused": paused, "position": position},
        f"{project.name} is{already} {'paused' if paused else 'active'}",
    )
    return OK
