"""`cadenzactl jobs`: slow work that waits, runs or has ended."""

from __future__ import annotations

import argparse
import os
from datetime import datetime
from typing import Any

from cadenzad.cli.base.lookup import find_project
from cadenzad.cli.base.output import say, say_json, say_table
from cadenzad.cli.base.parser import OK, add_json_and_state, whole
from cadenzad.config.paths import state_dir
from cadenzad.progress import said_of
from store.reads.live import job_key
from store.reads.state import JobRow, State
from store.schema import connect_reader

DESCRIPTION = """Slow work, the newest first: what waits, runs, has ended, or was given up and waits
for somebody to look (failed)."""
EXAMPLE = "cadenzactl jobs --failed"

LIVE = ("running", "queued")
"""States in which there may be news of a job: how far it is, or what it waits for."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", nargs="?", help="a project's name or path (default: all)")
    parser.add_argument("--failed", action="store_true", help="only those that were given up")
    parser.add_argument("--last", type=whole, default=20, metavar="N", help="at most N (20)")
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    state = State(connect_reader(state_dir(arguments.state)))
    project = find_project(state, arguments.project).path if arguments.project else None
    rows = state.jobs(project, "failed" if arguments.failed else None, arguments.last)
    jobs = [_as_json(state, row) for row in rows]
    if arguments.json:
        say_json({"jobs": jobs}, indent=2)
    elif jobs:
        headings = ("JOB", "KIND", "PROJECT", "STATE", "ATTEMPT", "QUEUED", "SAYS")
        say_table(headings, [_row(row, job) for row, job in zip(rows, jobs, strict=True)])
    else:
        say("no jobs")
    return OK


def _as_json(state: State, row: JobRow) -> dict[str, Any]:
    progress = state.progress(job_key(row.id)) if row.state in LIVE else None
    return {"job": row.id, **row._asdict(), "progress": progress}


def _row(row: JobRow, job: dict[str, Any]) -> tuple[object, ...]:
    says = said_of(job["progress"]) or row.result or row.reason
    queued = datetime.fromtimestamp(row.queued_us / 1e6).strftime("%Y-%m-%d %H:%M:%S")
    project = os.path.basename(row.project) or "-"
    return (row.id, row.kind, project, row.state, row.attempt, queued, says)
