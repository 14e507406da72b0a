"""`cadenza env check`: what is wrong with a project, before any run."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cadenzad.cli.base.lookup import find_project_folder
from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import FAILED, OK, add_json_and_state, add_project

if TYPE_CHECKING:
    from handlers.mission.check.findings import Finding
    from handlers.project.project import Project

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
    report = replace(report, findings=(*report.findings, *_template(project)))
    if args.json:
        say_json({**report.as_json(), "drives": driver}, indent=2)
    else:
        for line in report.lines():
            say(line)
        say(f"drives: {driver}")
        if not report.findings:
            say("nothing is wrong")
    return FAILED if report.failed else OK


def _template(project: Project) -> Iterator[Finding]:
    """A template that no record can be rendered with: exports would use another."""
    from handlers.export.template import OBS_DEFAULTS, SCENE_KEYS, compile_template
    from handlers.mission.check.findings import Finding

    problem = compile_template(project.spec.vla_finetune.template).problem
    if problem is not None:
        fix = f"it may name {', '.join((*SCENE_KEYS, *OBS_DEFAULTS))}"
        yield Finding("warning", "vla_finetune.prompt_template", problem, fix)
