"""`cadenzactl hub offer`: a version that one robot has is offered to the others."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_hub_options, filled
from cadenzad.cli.shown.fleet import one_project, open_hub
from store.errors import InputError, UsageError

if TYPE_CHECKING:
    from store.events.adapter import AdapterTrained
    from store.hub.connection import Hub
    from store.hub.reads import Place
    from store.reads.improvements import AdapterRow, PromptRow

    Row = TypeVar("Row", PromptRow, AdapterRow)

DESCRIPTION = """Offer the rules of a prompt's version, or an adapter, to all robots with a project
of the same goal: the same mission, robot and phases. A few of them come first (--canary), chosen by
a hash. Each robot puts it through its own gate, and may decline it. `cadenzactl hub keep` looks at
the runs since: all others follow when a test says that it costs nothing much, and it is pulled when
it does harm. The hub does not have an adapter's files: offer one on the robot that has it, or with
a copy of its folder (--files). For the owner of the hub."""
EXAMPLE = "cadenzactl hub offer rescue prompt 3 --robot rescue-dog-7 --hub owner.hub"
CANARY = 5


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=filled, help="its name or path, on the robot that has it")
    parser.add_argument("kind", choices=list(PACKERS), help="what is offered")
    parser.add_argument(
        "version",
        type=int,
        help="`cadenzactl prompt PROJECT log` and `cadenza env lora log PROJECT` list them there",
    )
    parser.add_argument(
        "--files",
        metavar="FOLDER",
        type=Path,
        help="an adapter's folder, where it is not in its place on this machine",
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
    if arguments.files is not None and arguments.kind != "adapter":
        raise UsageError("--files is for adapters: a prompt's rules are at the hub")
    with one_project(arguments) as (hub, place):
        from store.hub.offers import Draft, goal_of, make

        data, what = PACKERS[arguments.kind](hub, place, arguments)
        goal = goal_of(hub, place.path)
    draft = Draft(arguments.kind, arguments.project, goal, place.robot, arguments.version, data)
    with open_hub(arguments) as hub:
        number, first = make(hub, draft, arguments.canary, arguments.why)
    if arguments.json:
        kind, version = arguments.kind, arguments.version
        say_json({"offer": number, "kind": kind, "version": version, "first": first})
        return OK
    say(f"offer {number}: {what} of version {arguments.version} of {place.robot}")
    say(f"first: {', '.join(first)}" if arguments.canary else f"to all: {len(first)} robots now")
    say(f"next: `cadenzactl hub offers` shows what becomes of it; `hub pull {number}` ends it")
    return OK


# -- what is offered -------------------------------------------------------------------------------


def _prompt(hub: Hub, place: Place, arguments: argparse.Namespace) -> tuple[bytes, str]:
    """A prompt's version as bytes, and what it is. Raises InputError, also for one that is not
    wanted there."""
    from handlers.fleet.content import encode
    from store.events.prompt import RuleFact
    from store.reads.improvements import prompt_versions

    row = _version(prompt_versions(hub, place.path), place, arguments, "prompt")
    if row.unwanted or row.undoes is not None:
        raise InputError(
            f"{_whose(place, arguments)}: version {row.version} is"
            f" {row.state.replace('_', ' ')} there",
            hint="offer a version that is in the file there, or was",
        )
    data = encode([RuleFact.of_shape(rule) for rule in row.rules])
    return data, f"the {len(row.rules)} rules"


def _adapter(hub: Hub, place: Place, arguments: argparse.Namespace) -> tuple[bytes, str]:
    """An adapter's files as bytes, and what they are. Raises InputError, also for one that did not
    pass its own robot's gate."""
    from handlers.lora.hub.packed import pack
    from store.reads.improvements import adapters

    row = _version(adapters(hub, place.path), place, arguments, "adapter")
    if not row.promoted:
        said = f"its verdict is {row.verdict}" if row.verdict else "it has no verdict"
        raise InputError(
            f"{_whose(place, arguments)}: version {row.version} was never deployed there, and"
            f" {said}",
            hint="offer a version that serves there, or did",
        )
    folder = arguments.files or Path(place.path) / row.path
    if not folder.is_dir():
        raise InputError(
            f"{folder}: is not on this machine, and the hub has no adapter's files",
            hint=f"run this on {place.robot}, or copy the folder from there and name it:"
            f" --files ./{folder.name}",
        )
    data = pack(folder, _training_of(hub, place, arguments))
    return data, f"the adapter, {len(data):,} bytes,"


def _training_of(hub: Hub, place: Place, arguments: argparse.Namespace) -> AdapterTrained:
    """What the log says of an adapter's training. Raises InputError where that is not there."""
    from store.events.adapter import AdapterTrained
    from store.events.envelope import project_stream
    from store.log import History

    names = (AdapterTrained.type_name(),)
    for record in History(hub).read(stream=project_stream(place.path), types=names):
        if isinstance(record.event, AdapterTrained) and record.event.version == arguments.version:
            return record.event
    raise InputError(
        f"{_whose(place, arguments)}: the hub knows of no training of version {arguments.version}",
        hint=f"where its log was pruned: `cadenzactl hub refetch {place.robot}`",
    )


PACKERS = {"prompt": _prompt, "adapter": _adapter}


def _version(rows: Sequence[Row], place: Place, arguments: argparse.Namespace, kind: str) -> Row:
    """The version that is meant. Raises InputError."""
    row = next((row for row in rows if row.version == arguments.version), None)
    if row is None:
        known = ", ".join(str(row.version) for row in rows) or "none"
        raise InputError(
            f"{_whose(place, arguments)}: no {kind} version {arguments.version}",
            hint=f"versions there: {known}",
        )
    return row


def _whose(place: Place, arguments: argparse.Namespace) -> str:
    return f"{arguments.project} on {place.robot}"
