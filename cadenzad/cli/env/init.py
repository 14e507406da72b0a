"""`cadenza env init`: make a complete sample project."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_json_and_state, filled
from cadenzad.config.paths import expand
from handlers.project.scaffold import init_project

DESCRIPTION = """Make a complete sample project: a rescue-dog mission (env.json), a brain with a
SYSTEM_PROMPT (main.py), example and exam goals (lora/)."""
EXAMPLE = "cadenza env init ~/robots/rescue"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=filled, help="the folder to make; it must be new or empty")
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    target = expand(arguments.project)
    files = init_project(target)
    if arguments.json:
        path = target.absolute()
        names = [str(file.relative_to(target)) for file in files]
        say_json({"project": path.name, "path": str(path), "files": names})
        return OK
    say(f"made {target}:")
    for file in files:
        say(f"  {file.relative_to(target)}")
    say(f"next: cadenzad --workspace {target.parent}")
    return OK
