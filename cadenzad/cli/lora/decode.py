"""`cadenza env lora decode`: what the adapter makes of goals."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

from cadenzad.cli.common import OK, filled, one_line
from cadenzad.cli.history import open_state
from cadenzad.cli.lora.common import add_project, folder_of
from cadenzad.decoding import project_decoder
from handlers.lora.decoder import Decoded
from store.errors import InputError

DESCRIPTION = """Decode goals with the deployed adapter, or with --version N. With --json one object
a goal: {goal, actions, refused, nearest, confidence, familiarity}. --file takes one JSON object
with a "goal", or one plain goal, a line; `-` is stdin."""
EXAMPLE = "cadenza env lora decode rescue 'walk two meters, then sit' --json"


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("goal", nargs="?", help="what somebody would say")
    parser.add_argument("--file", type=filled, metavar="FILE", help="goals, one a line; - is stdin")
    parser.add_argument("--version", type=int, metavar="N", help="which version (the deployed one)")


def command(arguments: argparse.Namespace) -> int:
    if (arguments.goal is None) == (arguments.file is None):
        raise InputError("give one goal, or --file", hint="cadenza env lora decode --help")
    project = folder_of(arguments)
    with open_state(arguments.state) as state:
        decoder = project_decoder(project, state, arguments.version)
    goals = [arguments.goal] if arguments.goal is not None else _goals(arguments.file)
    for goal in goals:
        decoded = decoder.decode(goal)
        if arguments.json:
            print(json.dumps(decoded.as_json(), ensure_ascii=False), flush=True)
        else:
            _print(decoded)
    return OK


def _goals(name: str) -> Iterator[str]:
    try:
        stream = sys.stdin if name == "-" else open(name, encoding="utf-8")  # noqa: SIM115
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield _goal(line.strip(), f"{name}:{number}")
    except UnicodeDecodeError:
        raise InputError(f"{name}: is not UTF-8") from None


def _goal(line: str, where: str) -> str:
    if not line.startswith("{"):
        return line
    try:
        goal = json.loads(line)["goal"]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{where}: no object with a goal") from None
    if not isinstance(goal, str):
        raise InputError(f"{where}: goal is no text")
    return goal


def _print(decoded: Decoded) -> None:
    print(one_line(decoded.goal))
    if decoded.refused:
        near = "; ".join(decoded.nearest)
        print(f"  refused: nothing taught is like it. Nearest: {one_line(near)}")
        return
    for step in decoded.actions:
        given = " ".join(f"{name}={value:g}" for name, value in step.parameters.items())
        print(f"  {step.action} {given}".rstrip())
    doubt = ", doubtful" if decoded.doubtful else ""
    print(f"  confidence {decoded.confidence:.2f}{doubt}")
