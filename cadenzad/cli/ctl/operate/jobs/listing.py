"""`cadenzactl jobs`: slow work that waits, runs or has ended; one job in full, and its log."""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.lookup import find_project
from cadenzad.cli.base.output import say, say_json, say_table
from cadenzad.cli.base.parser import OK, add_json_and_state, whole
from cadenzad.config.paths import state_dir, state_path
from store.errors import ConfigError
from store.schema import connect_reader

if TYPE_CHECKING:
    from store.reads.names import Names
    from store.reads.state import JobRow, State

DESCRIPTION = """Slow work, the newest first: what waits, runs, has ended, or was given up and waits
for somebody to look (failed). With a job's number: that one, what it led to, and with --log what it
logged; --follow shows that until the job ends (`cadenzactl jobs 42 --log --follow`)."""
EXAMPLE = "cadenzactl jobs --failed"

LIVE = ("running", "queued")
"""States in which there may be news of a job: how far it is, or what it waits for."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "about",
        nargs="?",
        metavar="PROJECT|JOB",
        help="a project's name or path, or a job's number (default: all jobs)",
    )
    parser.add_argument("--failed", action="store_true", help="only those that were given up")
    parser.add_argument("--last", type=_count, default=20, metavar="N", help="at most N (20)")
    parser.add_argument("--log", action="store_true", help="what the job logged")
    parser.add_argument(
        "--follow", "-f", action="store_true", help="show its log until the job ends"
    )
    add_json_and_state(parser)


def _count(text: str) -> int:
    if (number := whole(text)) > 0:
        return number
    raise argparse.ArgumentTypeError(f"{text!r} is not 1 or more, such as 20")


def command(arguments: argparse.Namespace) -> int:
    from store.reads.state import State

    about = arguments.about
    with closing(connect_reader(state_path(arguments.state))) as reader:
        state = State(reader)
        # A project may be called "7": its path, ./7, is no number.
        if about and about.isdecimal() and about.isascii():
            from cadenzad.cli.ctl.operate.jobs.one import show_job

            return show_job(arguments, state_dir(arguments.state), state, whole(about))
        if arguments.log or arguments.follow:
            raise ConfigError(
                "--log and --follow are about one job", hint="cadenzactl jobs 42 --log --follow"
            )
        return _list(arguments, state, find_project(state, about).path if about else None)


def _list(arguments: argparse.Namespace, state: State, project: str | None) -> int:
    from cadenzad.cli.ctl.operate.jobs.one import as_json
    from store.reads.names import Names

    rows = state.jobs(project, "failed" if arguments.failed else None, arguments.last)
    jobs = [as_json(state, row) for row in rows]
    if arguments.json:
        say_json({"jobs": jobs}, indent=2)
    elif jobs:
        headings = ("JOB", "KIND", "PROJECT", "STATE", "ATTEMPT", "QUEUED", "SAYS")
        names = Names(state.connection)
        say_table(headings, [_row(row, job, names) for row, job in zip(rows, jobs, strict=True)])
    else:
        say("no jobs")
    return OK


def _row(row: JobRow, job: dict[str, Any], names: Names) -> tuple[object, ...]:
    from cadenzad.progress import said_of
    from store.times import iso

    says = said_of(job["progress"]) or row.result or row.reason
    project = names.shown(row.project) or "-"
    return (row.id, row.kind, project, row.state, row.attempt, iso(row.queued_us), says)
