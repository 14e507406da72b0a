"""`cadenza env lora add`: one more example."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, filled
from cadenzad.cli.env.lora.common import add_project, folder_of
from handlers.lora.data.authoring import add_example, parse_steps
from handlers.project.project import Project

DESCRIPTION = """Add an example to lora/patterns.jsonl: a goal in words and the steps it stands for.
A running daemon trains anew by itself. After an action's name a bare number is radians for turns,
meters for what travels, seconds otherwise; key=value pairs are accepted as well. Steps may also be
said in words with their units ('walk 1,5 m, then turn left 90 degrees'), where nothing is in doubt.
What was understood is shown."""
EXAMPLE = "cadenza env lora add rescue 'squeeze under the beam' --steps 'crawl_forward 1.0, sit'"


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("goal", help="what somebody would say")
    parser.add_argument(
        "--steps", required=True, type=filled, metavar="STEPS", help="'name number, name key=value'"
    )
    parser.add_argument("--image", type=filled, metavar="PATH", help="an image, in the project")


def command(arguments: argparse.Namespace) -> int:
    project = Project.open(folder_of(arguments))
    steps = parse_steps(arguments.steps, project.library)
    where, new = add_example(project, arguments.goal, steps, arguments.image)
    if arguments.json:
        actions = [step.as_json() for step in steps]
        say_json({"where": where, "added": new, "actions": actions})
    else:
        say(f"{where}: {'added' if new else 'is there already'}")
        for step in steps:
            given = " ".join(f"{name}={value:g}" for name, value in step.parameters.items())
            say(f"  {step.action} {given}".rstrip())
    return OK
