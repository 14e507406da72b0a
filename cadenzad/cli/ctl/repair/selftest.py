"""`cadenzactl selftest`: run a job that exercises what jobs stand on, where they run."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.lookup import project_of
from cadenzad.cli.base.parser import FAILED, OK, add_json_and_state, seconds
from cadenzad.cli.base.requests import print_answer, run_with_bar

DESCRIPTION = """Queue a job that trains a tiny model, steps a tiny simulation and writes a file
(each where installed), and wait for it: does what jobs need work inside the service?"""
EXAMPLE = "cadenzactl selftest"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", nargs="?", help="also write into this project")
    parser.add_argument("--timeout", type=seconds, default=300.0, metavar="S", help="seconds (300)")
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    from cadenzad.config.files import Config
    from cadenzad.requests.commands import QueueJob

    project = project_of(arguments).path if arguments.project else ""
    request = QueueJob("selftest", project, {}, "cadenzactl selftest", instead=True)
    job = run_with_bar(arguments, request, Config(), arguments.timeout).job
    names = ("kind", "state", "attempt", "reason", "result")
    answer = {"job": job.id, **{name: getattr(job, name) for name in names}}
    print_answer(arguments, answer, f"job {job.id}: {job.state}: {job.result}")
    return OK if job.state == "succeeded" else FAILED
