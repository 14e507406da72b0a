"""A command with subcommands, each in a module of its own that is imported only when it is used.

A subcommand's module defines

    DESCRIPTION, EXAMPLE: str           what `--help` says
    configure(parser) -> None           its arguments
    command(arguments) -> int           what it does; the exit code

so that `cadenzactl status` pays for `status` alone, however many commands there are.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cadenzad import __version__
from cadenzad.cli.common import EXIT_CODES, Parser, run


class Program(NamedTuple):
    """`name` as it is typed; `commands`: subcommand -> (module, one line of help)."""

    name: str
    description: str
    commands: Mapping[str, tuple[str, str]]

    def main(self, argv: Sequence[str]) -> int:
        """Run one subcommand; without a known one, say which there are."""
        if argv and argv[0] in self.commands:
            return run(self.parser_of(argv[0]), argv[1:])
        return run(self.overview(), argv)

    def parser_of(self, name: str) -> argparse.ArgumentParser:
        """The parser of one subcommand."""
        module = importlib.import_module(self.commands[name][0])
        parser = Parser(
            prog=f"{self.name} {name}",
            description=module.DESCRIPTION,
            epilog=f"example:\n  {module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.configure(parser)
        parser.set_defaults(command=module.command)
        return parser

    def overview(self) -> argparse.ArgumentParser:
        """The parser of the bare command: its help, its version, and "no such command"."""
        width = max(len(name) for name in self.commands)
        lines = [f"  {name.ljust(width)}  {line}" for name, (_, line) in self.commands.items()]
        parser = Parser(
            prog=self.name,
            usage=f"{self.name} COMMAND ...",
            description=self.description,
            epilog="\n".join(
                ["commands:", *lines, "", f"`{self.name} COMMAND --help` says more", "", EXIT_CODES]
            ),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument("--version", action="version", version=f"{self.name} {__version__}")
        parser.add_argument(
            "name", metavar="COMMAND", choices=list(self.commands), help="what to do"
        )
        parser.set_defaults(command=lambda arguments: 0)
        return parser

    def tree(self) -> argparse.ArgumentParser:
        """Everything as one parser, for what describes the whole command line."""
        parser = Parser(prog=self.name, description=self.description)
        parser.add_argument("--version", action="version", version=f"{self.name} {__version__}")
        subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
        for name, (module_name, line) in self.commands.items():
            module = importlib.import_module(module_name)
            one = subparsers.add_parser(
                name,
                help=line,
                description=module.DESCRIPTION,
                epilog=f"example:\n  {module.EXAMPLE}",
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
            module.configure(one)
            one.set_defaults(command=module.command)
        return parser
