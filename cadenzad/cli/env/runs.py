"""`cadenza env runs`: a project's runs, a line each."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cadenzad.cli.base.output import say, say_json, say_table
from cadenzad.cli.base.parser import OK, add_json_and_state, add_project, filled, whole
from cadenzad.cli.base.requests import print_answer
from cadenzad.cli.shown.rewards import said_of_reward
from cadenzad.config.paths import expand
from store.errors import ConfigError
from store.text import counted, shell_word
from store.times import iso

if TYPE_CHECKING:
    from cadenzad.dashboard.panels.runs import Run

DESCRIPTION = """A project's runs as the event log has them, the newest last: how each ended, its
reward, and under which policy, prompt and adapter it was driven. With --tensorboard these runs
become event files: a curve of each by tick, and all runs by number."""
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
    parser.add_argument(
        "--tensorboard",
        metavar="DIR",
        type=filled,
        help="write event files there (`tensorboard --logdir DIR`)",
    )
    add_json_and_state(parser)


def command(args: argparse.Namespace) -> int:
    """List them."""
    from cadenzad.cli.shown.told import project_at
    from cadenzad.dashboard.panels.account import run_json
    from cadenzad.dashboard.panels.runs import runs

    with project_at(args.state, args.project, args.at) as (moment, project):
        found = runs(moment, project.path)
        shown = found[-args.last :]
        if args.tensorboard:
            return _write_events(args, project.path, found, shown)
    if args.json:
        say_json({"project": project.name, "runs": [run_json(run) for run in shown]}, indent=2)
        return OK
    if not found:
        word = shell_word(project.name)
        say(f"{project.name}: no runs yet; `cadenza env run {word} --headless` drives one")
        return OK
    headings = ("RUN", "RECORDED", "OUTCOME", "PHASES", "TICKS", "REWARD", "DRIVEN BY", "WHY")
    say_table(headings, [_row(run) for run in shown])
    if len(found) > len(shown):
        say(f"the last {len(shown)} of {len(found)}: --last N shows more", err=True)
    return OK


def _write_events(
    args: argparse.Namespace, project: str, found: Sequence[Run], shown: Sequence[Run]
) -> int:
    from cadenzad.dashboard.panels.replay import replay
    from cadenzad.elsewhere.tensorboard import write_missions

    folder = expand(args.tensorboard).absolute()
    if not folder.parent.is_dir():
        hint = f"cadenza env runs {args.project} --tensorboard ./events"
        raise ConfigError(f"--tensorboard {args.tensorboard}: no such folder above it", hint=hint)
    replays = [replay(project, run) for run in shown]
    written = write_missions(folder, found, replays)
    for item in replays:
        if item.problem:
            say(item.problem, err=True)
    said = (
        f"{counted(written, 'event file')} in {folder}; `tensorboard --logdir {folder}` shows them"
    )
    print_answer(args, {"folder": str(folder), "written": written, "runs": len(shown)}, said)
    return OK


def _row(run: Run) -> tuple[object, ...]:
    return (
        run.name,
        iso(run.told_us),
        run.outcome,
        run.phases_done,
        run.ticks,
        said_of_reward(run.reward),
        run.condition,
        run.reason,
    )


def _count(text: str) -> int:
    if (number := whole(text)) > 0:
        return number
    raise argparse.ArgumentTypeError(f"{text!r} is not 1 or more, such as 20")
