"""`cadenza env runs`: a project's runs, a line each."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cadenzad.cli.base.output import say, say_json, say_table
from cadenzad.cli.base.parser import OK, add_json_and_state, add_project, filled, whole

if TYPE_CHECKING:
    from cadenzad.dashboard.panels.runs import Run

DESCRIPTION = """A project's runs as the event log has them, the newest last: how each ended, its
reward, and under which policy, prompt and adapter it was driven."""
EXAMPLE = "cadenza env runs rescue --last 10"
SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument(
        "--last", type=_count, default=SHOWN, metavar="N", help=f"so many (default: {SHOWN})"
    )
    parser.add_argument(
        "--at", metavar="P", type=filled, help="as of a past position, or a time (ISO 8601)"
    )
    add_json_and_state(parser)


def command(args: argparse.Namespace) -> int:
    """List them."""
    from cadenzad.cli.base.told import project_at
    from cadenzad.dashboard.panels.account import run_json
    from cadenzad.dashboard.panels.runs import runs

    with project_at(args.state, args.project, args.at) as (moment, project):
        found = runs(moment, project.path)
    shown = found[-args.last :]
    if args.json:
        say_json({"project": project.name, "runs": [run_json(run) for run in shown]}, indent=2)
        return OK
    if not found:
        say(f"{project.name}: no runs yet; `cadenza env run {project.name} --headless` drives one")
        return OK
    headings = ("RUN", "RECORDED (UTC)", "OUTCOME", "PHASES", "TICKS", "REWARD", "DRIVEN BY", "WHY")
    say_table(headings, [_row(run) for run in shown])
    if len(found) > len(shown):
        say(f"the last {len(shown)} of {len(found)}: --last N shows more", err=True)
    return OK


def _row(run: Run) -> tuple[object, ...]:
    when = datetime.fromtimestamp(run.told_us / 1e6, UTC)
    reward = "unknown" if run.reward is None else f"{run.reward:+.2f}"
    return (
        run.name,
        when.strftime("%Y-%m-%d %H:%M"),
        run.outcome,
        run.phases_done,
        run.ticks,
        reward,
        run.condition,
        run.reason,
    )


def _count(text: str) -> int:
    if (number := whole(text)) > 0:
        return number
    raise argparse.ArgumentTypeError(f"{text!r} is not 1 or more, such as 20")
