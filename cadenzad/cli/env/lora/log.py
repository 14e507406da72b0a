"""`cadenza env lora log`: the versions of an adapter, and what changed between them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from cadenzad.cli.base.lookup import open_state
from cadenzad.cli.base.output import say, say_json, say_table
from cadenzad.cli.base.parser import OK
from cadenzad.cli.env.lora.common import add_project, folder_of

if TYPE_CHECKING:
    from handlers.lora.hub.changes import Version

DESCRIPTION = """The versions of a project's adapter, the newest first: verdict, scores, and what
changed against the version before: examples, settings, scores, goals that are right now or wrong.
Without a recorded version there is nothing to show."""
EXAMPLE = "cadenza env lora log rescue"


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)


def command(arguments: argparse.Namespace) -> int:
    from handlers.lora.hub.changes import versions
    from handlers.project.project import Project

    project = Project.open(folder_of(arguments))
    with open_state(arguments.state) as state:
        found = versions(state.connection, project.path) if state is not None else []
    found.reverse()
    if arguments.json:
        say_json({"versions": [version.as_json() for version in found]}, indent=2)
        return OK
    if not found:
        say(f"no adapter is recorded yet: cadenza env lora finetune {project.path}", err=True)
        return OK
    headings = ("VERSION", "STATE", "VERDICT", "ROWS", "EXAM", "EPOCHS", "LOSS", "SCORES")
    say_table(headings, [_row(version) for version in found])
    for version in found:
        for what in version.changed:
            say(f"{version.version}: {what}")
    return OK


def _row(version: Version) -> tuple[object, ...]:
    scores = ", ".join(
        f"{axis} {value:.2f}" for axis, value in version.scores.items() if value is not None
    )
    loss = "-" if version.loss is None else f"{version.loss:.3f}"
    told = [version.rows, version.exam_rows, version.epochs]
    cells = ["-" if value is None else value for value in told]
    return (version.version, version.state, version.verdict or "-", *cells, loss, scores or "-")
