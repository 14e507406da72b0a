"""`cadenza env init`: make a complete sample project."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, filled
from cadenzad.config.paths import expand
from handlers.project.scaffold import init_project

DESCRIPTION = """Make a complete sample project: a rescue-dog mission (env.json), a brain with a
SYSTEM_PROMPT (main.py), example and exam goals (lora/)."""
EXAMPLE = "cadenza env init ~/robots/rescue"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=filled, help="the folder to make; it must be new or empty")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")


def command(arguments: argparse.Namespace) -> int:
    target = expand(arguments.project)
    files = init_project(target)
    if arguments.json:
        say_json({"project": str(target), "files": [str(file) for file in files]})
        return OK
    say(f"made {target}:")
    for file in files:
        say(f"  {file.relative_to(target)}")
    say(f"next: cadenzad --workspace {target.parent}")
    return OK
