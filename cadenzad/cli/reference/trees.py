"""The three commands as whole parsers, for what describes them: completion, man pages, tests."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from cadenzad import __version__
from cadenzad.cli.base.parser import Parser
from cadenzad.cli.daemon import build_parser
from cadenzad.cli.programs import CADENZA_ENV, CADENZACTL

COMMANDS = ("cadenza", "cadenzactl", "cadenzad")


def parser_of(command: str) -> argparse.ArgumentParser:
    """One of COMMANDS as one parser with all of its subcommands; imports every one of them."""
    if command == "cadenzad":
        return build_parser()
    if command == "cadenzactl":
        return CADENZACTL.tree()
    parser: argparse.ArgumentParser = Parser(prog="cadenza", description=CADENZA_ENV.description)
    parser.add_argument("--version", action="version", version=f"cadenza {__version__}")
    groups = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    # The copied `--help` of the tree would clash with one of its own.
    groups.add_parser(
        "env",
        help="robot projects by hand",
        description=CADENZA_ENV.description,
        parents=[CADENZA_ENV.tree()],
        add_help=False,
    )
    return parser


def subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """A parser's subcommands by name; none for a parser without."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found: dict[str, Any] = dict(action.choices)
            return found
    return {}


def walk(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and all below it; `prog` of each is the words it is called with."""
    yield parser
    for below in subparsers(parser).values():
        yield from walk(below)


def callable_in(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and all below it that are commands by themselves, not just names for several."""
    for found in walk(parser):
        if not any(action.required for action in _choices_of_commands(found)):
            yield found


def _choices_of_commands(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
