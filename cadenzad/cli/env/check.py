"""`cadenza env check`: what is wrong with a project, before any run."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.lookup import find_project_folder
from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import FAILED, OK, add_json_and_state, add_project

DESCRIPTION = """Check a project before any run: how each phase's goal was understood; whether the
robot is put down in something, reaches what it must in time, sees what it must; which predicates
cannot come true. One line each, with the way out. Exit code 1 when there are errors."""
EXAMPLE = "cadenza env check rescue --json"


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    add_json_and_state(parser)


def command(args: argparse.Namespace) -> int:
    """Check the project: 0, or 1 when there are errors."""
    from cadenzad.cli.env.run_policy import said_of_driver
    from handlers.mission.check.check import check
    from handlers.project.project import Project

    project = Project.open(find_project_folder(args.project, args.state))
    report, driver = check(project), said_of_driver(project)
    if args.json:
        say_json({**report.as_json(), "drives": driver}, indent=2)
    else:
        for line in report.lines():
            say(line)
        say(f"drives: {driver}")
        if not report.findings:
            say("nothing is wrong")
    return FAILED if report.failed else OK
