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
from typing import Any, NamedTuple

from cadenzad import __version__
from cadenzad.cli.base.parser import EXIT_CODES, Parser, run, stoppable


class Program(NamedTuple):
    """`name` as it is typed; `modules`: a subcommand's module below `package` -> its line of help.

    A subcommand is called as its module is: "look.status" is `status`.
    """

    name: str
    description: str
    package: str
    modules: Mapping[str, str]

    @property
    def commands(self) -> Mapping[str, str]:
        """A subcommand's name -> its module, in the order they are listed."""
        return {_name(module): f"{self.package}.{module}" for module in self.modules}

    def main(self, argv: Sequence[str]) -> int:
        """Run one subcommand; without a known one, say which there are."""
        with stoppable():
            if argv and argv[0] in self.commands:
                return run(lambda: self.parser_of(argv[0]), argv[1:])
            return run(self.overview, argv)

    def parser_of(self, name: str) -> argparse.ArgumentParser:
        """The parser of one subcommand."""
        module = importlib.import_module(self.commands[name])
        return _set_up(Parser(prog=f"{self.name} {name}", **_help_of(module)), module)

    def overview(self) -> argparse.ArgumentParser:
        """The parser of the bare command: its help, its version, and "no such command"."""
        width = max(len(name) for name in self.commands)
        lines = [f"  {_name(path).ljust(width)}  {line}" for path, line in self.modules.items()]
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
        parser.set_defaults(command=lambda arguments: parser.error("the command comes first"))
        return parser

    def tree(self) -> argparse.ArgumentParser:
        """Everything as one parser, for what describes the whole command line."""
        parser = Parser(prog=self.name, description=self.description)
        parser.add_argument("--version", action="version", version=f"{self.name} {__version__}")
        add_subcommands(parser, self.package, self.modules)
        return parser


def add_subcommands(
    parser: argparse.ArgumentParser,
    package: str,
    modules: Mapping[str, str],
    parser_class: type[argparse.ArgumentParser] = Parser,
) -> None:
    """Give a parser a subcommand for each module below a package (-> its line), imported now."""
    subparsers = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=parser_class
    )
    for path, line in modules.items():
        module = importlib.import_module(f"{package}.{path}")
        _set_up(subparsers.add_parser(_name(path), help=line, **_help_of(module)), module)


def _name(path: str) -> str:
    return path.rpartition(".")[2]


def _help_of(module: Any) -> dict[str, Any]:
    return {
        "description": module.DESCRIPTION,
        "epilog": f"example:\n  {module.EXAMPLE}",
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }


def _set_up(parser: argparse.ArgumentParser, module: Any) -> argparse.ArgumentParser:
    module.configure(parser)
    parser.set_defaults(command=module.command)
    return parser
