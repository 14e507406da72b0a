"""A command with subcommands, each in a module of its own that is imported only when it is used.

A subcommand's module defines

    DESCRIPTION, EXAMPLE: str           what `--help` says
    configure(parser) -> None           its arguments
    command(arguments) -> int           what it does; the exit code

so that `cadenzactl status` pays for `status` alone, however many commands there are. What is needed
rarely stands below a noun (`cadenzactl db backup`), which is a program inside of the program.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator, Mapping, Sequence

from cadenzad import __version__
from cadenzad.cli.base.parser import EXAMPLE, EXIT_CODES, Parser, run, stoppable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Program:
    """`name` as it is typed; `modules`: a subcommand's module below `package` -> its line of help.

    A subcommand is called as its module is, and listed under its folder: "look.status" is `status`,
    under "look". A noun stands for its own subcommands; with `alone`, the module that does its work
    where none of them is named, it is a command too.
    """

    # Written out: a NamedTuple takes as long to define as the modules of a command to be read.
    def __init__(
        self,
        name: str,
        description: str,
        package: str,
        modules: Mapping[str, str | Program],
        alone: str = "",
        parser_class: type[argparse.ArgumentParser] = Parser,
    ) -> None:
        self.name, self.description = name, description
        self.package, self.modules, self.alone = package, modules, alone
        self.parser_class = parser_class

    @property
    def commands(self) -> Mapping[str, str]:
        """A subcommand's name -> its module, in the order they are listed."""
        return {_name(module): f"{self.package}.{module}" for module in self.modules}

    def noun(self, name: str) -> Program | None:
        """The program inside of this one that is called `name`."""
        found = (value for path, value in self.modules.items() if _name(path) == name)
        return next((value for value in found if isinstance(value, Program)), None)

    def main(self, argv: Sequence[str]) -> int:
        """Run one subcommand; without a known one, say which there are."""
        with stoppable():
            if argv and (noun := self.noun(argv[0])) is not None:
                return noun.main(argv[1:])
            if argv and argv[0] in self.commands:
                return run(lambda: self.parser_of(argv[0]), argv[1:])
            if self.alone:
                asked = set(argv) & {"-h", "--help"}
                return run(self.tree if asked else self.parser_alone, argv)
            if argv and not argv[0].startswith("-"):
                return run(lambda: self._unknown(argv[0]), argv)
            return run(self.overview, argv)

    def _unknown(self, word: str) -> argparse.ArgumentParser:
        """A usage error that names what may have been meant, below a noun too."""
        import difflib  # only here: no command waits for it

        said = {name: f"{self.name} {name}" for name in self.commands}
        for called, _, _ in self.every():
            said.setdefault(called.rpartition(" ")[2], called)
        near = difflib.get_close_matches(word, said, n=1)
        meant = f"did you mean `{said[near[0]]}`?" if near else "`--help` lists them"
        self.overview().error(f"no command {word!r}: {meant}")

    def every(self) -> Iterator[tuple[str, str, str]]:
        """Every command, those below nouns too: as it is typed, its module, its line of help."""
        if self.alone:
            yield self.name, f"{self.package}.{self.alone}", self.description
        for path, value in self.modules.items():
            if isinstance(value, Program):
                yield from value.every()
            else:
                yield f"{self.name} {_name(path)}", f"{self.package}.{path}", value

    def parser_of(self, name: str) -> argparse.ArgumentParser:
        """The parser of one subcommand."""
        if (noun := self.noun(name)) is not None:
            return noun.tree()
        return self._parser(f"{self.name} {name}", self.commands[name])

    def parser_alone(self) -> argparse.ArgumentParser:
        """The parser of a noun that is used as a command."""
        return self._parser(self.name, f"{self.package}.{self.alone}")

    def _parser(self, prog: str, path: str) -> argparse.ArgumentParser:
        module = importlib.import_module(path)
        return _set_up(self.parser_class(prog=prog, **_help_of(module)), module)

    def overview(self) -> argparse.ArgumentParser:
        """The parser of the bare command: its help, its version, and "no such command"."""
        parser = Parser(
            prog=self.name,
            usage=f"{self.name} COMMAND ...",
            description=self.description,
            epilog="\n".join(
                [*self._listing(), "", f"`{self.name} COMMAND --help` says more", "", EXIT_CODES]
            ),
        )
        parser.add_argument("--version", action="version", version=f"{self.name} {__version__}")
        parser.add_argument(
            "name", metavar="COMMAND", choices=list(self.commands), help="what to do"
        )
        parser.set_defaults(command=lambda arguments: parser.error("the command comes first"))
        return parser

    def _listing(self) -> Iterator[str]:
        """Every subcommand with its line, below the folder's name where there are folders."""
        width = max(len(name) for name in self.commands)
        heading = None
        for path, value in self.modules.items():
            folder = path.rpartition(".")[0] or "commands"
            if folder != heading:
                yield from ([f"{folder}:"] if heading is None else ["", f"{folder}:"])
                heading = folder
            yield f"  {_name(path).ljust(width)}  {_line(value)}"

    def tree(self) -> argparse.ArgumentParser:
        """Everything as one parser, for what describes the whole command line."""
        parser = Parser(prog=self.name, **self._help())
        if not self.alone:
            version = f"{self.name} {__version__}"
            parser.add_argument("--version", action="version", version=version)
        else:
            usage = self.parser_alone().format_usage().removeprefix("usage: ").rstrip()
            parser.usage = f"{usage}\n       {self.name} COMMAND ..."
        self._grow(parser)
        return parser

    def _grow(self, parser: argparse.ArgumentParser) -> None:
        """Give a parser a subcommand for each module, imported now, and for each noun its own."""
        below = parser.add_subparsers(
            title="commands",
            metavar="COMMAND",
            required=not self.alone,
            parser_class=self.parser_class,
        )
        for path, value in self.modules.items():
            if isinstance(value, Program):
                value._grow(below.add_parser(_name(path), help=_line(value), **value._help()))
            else:
                module = importlib.import_module(f"{self.package}.{path}")
                _set_up(below.add_parser(_name(path), help=value, **_help_of(module)), module)
        if self.alone:
            _set_up(parser, importlib.import_module(f"{self.package}.{self.alone}"))

    def _help(self) -> dict[str, Any]:
        if self.alone:
            return _help_of(importlib.import_module(f"{self.package}.{self.alone}"))
        return {"description": self.description}


def _name(path: str) -> str:
    return path.rpartition(".")[2]


def _line(value: str | Program) -> str:
    """One line of help; a noun's ends with what can be done with it."""
    if isinstance(value, str):
        return value
    return f"{value.description}: {', '.join(value.commands)}"


def _help_of(module: Any) -> dict[str, Any]:
    return {
        "description": module.DESCRIPTION,
        "epilog": f"{EXAMPLE}  {module.EXAMPLE}",
    }


def _set_up(parser: argparse.ArgumentParser, module: Any) -> argparse.ArgumentParser:
    module.configure(parser)
    parser.set_defaults(command=module.command)
    return parser
