"""`cadenza env stats`: what all runs say together."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.lookup import find_project_folder
from cadenzad.cli.base.output import say, say_json, say_lines
from cadenzad.cli.base.parser import add_project

DESCRIPTION = (
    """What all runs of a project say together: success rate, reward trend, motion mix, phases."""
)
EXAMPLE = "cadenza env stats rescue --json"


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")


def command(args: argparse.Namespace) -> int:
    """Success rate, reward trend, motion mix and a table by phase, over all runs."""
    from handlers.mission.show.history import project_stats, read_runs
    from handlers.mission.show.tables import stats_text
    from handlers.project.project import Project

    project = Project.open(find_project_folder(args.project))
    unreadable: list[tuple[str, str]] = []
    history = read_runs(project.path, unreadable)
    stats = project_stats(history.runs)
    for name, reason in unreadable:
        say(f"{name}: {reason}", err=True)
    if history.copies:
        say(f"left out, with the bytes of another log: {history.copies}", err=True)
    if args.json:
        say_json(stats.as_dict(), indent=2)
    else:
        say_lines(stats_text(stats, project.spec))
    return 0
