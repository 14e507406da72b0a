"""`cadenza env lora add`: one more example."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, filled
from cadenzad.cli.env.lora.common import add_project, folder_of
from handlers.project.formats.pictures import picture_named
from store.errors import InputError, UsageError

if TYPE_CHECKING:
    from handlers.project.project import Project

DESCRIPTION = """Add an example to lora/patterns.jsonl: a goal in words and the steps it stands for.
With --exam it goes to lora/eval.jsonl instead, which is never trained on. Where the same goal has
other steps already, that row is named, and the new one counts. A running daemon trains anew by
itself. After an action's name a bare number is radians for turns, meters for what travels, seconds
otherwise; key=value pairs are accepted as well. Steps may also be said in words with their units
('walk 1,5 m, then turn left 90 degrees'), where nothing is in doubt. What was understood is
shown."""
EXAMPLE = "cadenza env lora add rescue 'squeeze under the beam' --steps 'crawl_forward 1.0, sit'"


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("goal", type=filled, help="what somebody would say")
    parser.add_argument(
        "--steps", required=True, type=filled, metavar="STEPS", help="'name number, name key=value'"
    )
    parser.add_argument(
        "--image", type=filled, metavar="PATH", help="a picture in the project; its path from here"
    )
    parser.add_argument("--exam", action="store_true", help="ask it in the exam, do not teach it")


def command(arguments: argparse.Namespace) -> int:
    from handlers.lora.data.authoring import add_example, parse_steps
    from handlers.project.project import Project

    project = Project.open(folder_of(arguments))
    try:
        steps = parse_steps(arguments.steps, project.library)
    except InputError as error:
        raise UsageError(error.message, hint=error.hint) from None
    image = _of_the_project(project, arguments.image) if arguments.image is not None else None
    added = add_example(project, arguments.goal, steps, image, exam=arguments.exam)
    if arguments.json:
        actions = [step.as_json() for step in steps]
        say_json(
            {
                "where": added.where,
                "added": added.new,
                "actions": actions,
                "notes": list(added.notes),
            }
        )
        return OK
    say(f"{added.where}: {'added' if added.new else 'is there already'}")
    for step in steps:
        given = " ".join(f"{name}={value:g}" for name, value in step.parameters.items())
        say(f"  {step.action} {given}".rstrip())
    for note in added.notes:
        say(note)
    return OK


def _of_the_project(project: Project, name: str) -> str:
    """A picture's path as examples have it: from the project. Raises InputError for one outside."""
    path = picture_named(name)
    if not path.is_relative_to(project.path):
        raise InputError(
            f"{name}: is not in {project.path}", hint="copy it there: examples name their images"
        )
    return path.relative_to(project.path).as_posix()
