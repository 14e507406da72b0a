"""`cadenzactl hub offer`: a version that one robot has is offered to the others."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_hub_options, filled
from cadenzad.cli.shown.fleet import one_project, open_hub
from store.errors import InputError

if TYPE_CHECKING:
    from store.reads.improvements import PromptRow

DESCRIPTION = """Offer the rules of a prompt's version to all robots with a project of the same
goal: the same mission, robot and phases. A few of them come first (--canary), chosen by a hash.
Each robot puts it through its own gate, and may decline it. `cadenzactl hub keep` looks at the runs
since: all others follow when a test says that it costs nothing much, and it is pulled when it does
harm. For the owner of the hub."""
EXAMPLE = "cadenzactl hub offer rescue prompt 3 --robot rescue-dog-7 --hub owner.hub"
CANARY = 5


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=filled, help="its name or path, on the robot that has it")
    parser.add_argument("kind", choices=["prompt"], help="what is offered")
    parser.add_argument(
        "version", type=int, help="`cadenzactl prompt PROJECT log` lists them there"
    )
    parser.add_argument(
        "--canary",
        metavar="K",
        type=_count,
        default=CANARY,
        help=f"so many robots first; 0: all at once (default: {CANARY})",
    )
    parser.add_argument("--why", default="", help="for people: it is kept with it")
    add_hub_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of robots; for example: 5")
    return int(text)


def command(arguments: argparse.Namespace) -> int:
    from handlers.fleet.content import encode
    from store.events.prompt import RuleFact
    from store.reads.improvements import prompt_versions

    with one_project(arguments) as (hub, place):
        from store.hub.offers import Draft, goal_of, make

        rows = prompt_versions(hub, place.path)
        row = _offerable(rows, arguments.version, f"{arguments.project} on {place.robot}")
        data = encode([RuleFact.model_validate(rule) for rule in row.rules])
        goal = goal_of(hub, place.path)
    draft = Draft("prompt", arguments.project, goal, place.robot, row.version, data)
    with open_hub(arguments) as hub:
        number, first = make(hub, draft, arguments.canary, arguments.why)
    if arguments.json:
        say_json({"offer": number, "kind": "prompt", "version": row.version, "first": first})
        return OK
    say(f"offer {number}: the {len(row.rules)} rules of version {row.version} of {place.robot}")
    say(f"first: {', '.join(first)}" if arguments.canary else f"to all: {len(first)} robots now")
    say(f"next: `cadenzactl hub offers` shows what becomes of it; `hub pull {number}` ends it")
    return OK


def _offerable(rows: Sequence[PromptRow], version: int, whose: str) -> PromptRow:
    """The version that is meant. Raises InputError: also for one that is not wanted there."""
    row = next((row for row in rows if row.version == version), None)
    if row is None:
        known = ", ".join(str(row.version) for row in rows) or "none"
        raise InputError(f"{whose}: no prompt version {version}", hint=f"versions there: {known}")
    if row.unwanted or row.undoes is not None:
        raise InputError(
            f"{whose}: version {version} is {row.state.replace('_', ' ')} there",
            hint="offer a version that is in the file there, or was",
        )
    return row
