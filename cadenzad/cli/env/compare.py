"""`cadenza env compare`: two runs side by side."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.output import say, say_json, say_table
from cadenzad.cli.base.parser import OK, add_json_and_state, add_project, filled

DESCRIPTION = """Two runs side by side: outcome, policy, prompt and adapter, reward as it grew,
phases, what judgings cite them for, and the first tick at which they did something else."""
EXAMPLE = "cadenza env compare rescue 2026-01-31T12 2026-01-31T13"


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    for name in ("first", "second"):
        parser.add_argument(
            name, metavar="RUN", type=filled, help="a run's id, or the beginning of it"
        )
    add_json_and_state(parser)


def command(args: argparse.Namespace) -> int:
    """Tell both."""
    from cadenzad.cli.shown.told import project_at, rows_of
    from cadenzad.dashboard.panels.account import account, parted
    from cadenzad.dashboard.panels.runs import called, runs

    with project_at(args.state, args.project) as (moment, project):
        found = runs(moment, project.path)
        chosen = [called(found, text) for text in (args.first, args.second)]
        first, second = (account(moment, project.path, run) for run in chosen)
    apart = parted(first, second)
    if args.json:
        say_json({"a": first.as_json(), "b": second.as_json(), "apart_at": apart}, indent=2)
        return OK
    say_table(("", "A", "B"), rows_of((first, second)))
    said = "they did the same" if apart is None else f"they part at tick {apart}"
    say(f"{said}, as far as both logs go")
    return OK
