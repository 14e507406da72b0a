"""What the three commands share: errors as one line, exit codes, plain tables. Light imports."""

from __future__ import annotations

import argparse
import contextlib
import re
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import TextIOWrapper

from cadenzad.cli.base.output import (
    damage_behind,
    damaged,
    give_up_on_output,
    not_installed,
    print_error,
    refused,
)
from cadenzad.cli.terminal.tables import lines_of
from cadenzad.cli.terminal.window import columns
from store.errors import CadenzaError
from store.errors import one_line as one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

OK, FAILED, USAGE, NOT_RUNNING = 0, 1, 2, 3

EXIT_CODES = """exit codes:
  0 done   1 failed   2 usage   3 daemon not running   4 no such project, run or log
  5 BLOCK   6 NEEDS_DATA   7 a goal is refused   (cadenza env lora)"""


class Terminated(KeyboardInterrupt):
    """Somebody asked the command politely (SIGTERM) to end: as Ctrl-C does, with its own code."""


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM ends what is inside as Ctrl-C does, so that it can tidy up; another is ignored."""

    def stop(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: nobody sends us signals there
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def exit_code_of(stop: KeyboardInterrupt) -> int:
    """130 after Ctrl-C, 143 after SIGTERM, also where the interruption became one with words."""
    chain: BaseException | None = stop
    while chain is not None:
        if isinstance(chain, Terminated):
            return 128 + signal.SIGTERM
        chain = chain.__context__
    return 128 + signal.SIGINT


EXAMPLE = "example:\n"
"""What the end of a help begins with, before the command to copy."""


class Help(argparse.RawDescriptionHelpFormatter):
    """Help as it is written, as wide as the terminal.

    argparse makes one for every argument that a parser gets, and would import shutil to ask for
    the width: with all of its compressions that takes longer than the rest of a parser.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=columns() - 2)

    def _format_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None,
    ) -> str:
        """argparse's own, which lays options beside the name; where they have no room, below it."""
        text = super()._format_usage(usage, actions, groups, prefix)
        if max(map(len, text.splitlines())) <= columns():
            return text
        return "\n".join(_by_options(" ".join(text.split()), columns())) + "\n\n"

    def _format_action_invocation(self, action: argparse.Action) -> str:
        room, further = columns() - self._current_indent, self._current_indent + _FURTHER
        lines = _by_options(super()._format_action_invocation(action), room)
        return f"\n{' ' * further}".join(line.lstrip() for line in lines)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Sentences are filled anew; where a line is indented, each stays a line of its own.

        An example stays whole however narrow the window: it is there to be copied.
        """
        if text.startswith(EXAMPLE):
            return text
        return "\n\n".join(_filled(part, width, indent) for part in text.split("\n\n"))


_FURTHER = 2
"""Columns by which a usage's further lines stand to the right."""
_BRACKETED = re.compile(r"[\[(][^\[\]()]*[\])]")
_INSEPARABLE = "\x1f"
"""Stands for a space that no line is broken at."""


def _by_options(text: str, room: int) -> list[str]:
    """A usage in lines: an option with its value is one word, and choices break after a comma."""
    if len(text) <= room:
        return [text]
    words = _BRACKETED.sub(lambda found: found[0].replace(" ", _INSEPARABLE), text).split(" ")
    most = room - _FURTHER
    words = [word if len(word) <= most else word.replace(",", ", ") for word in words]
    lines = lines_of(" ".join(words), room, further=_FURTHER)
    return [line.replace(_INSEPARABLE, " ") for line in lines]


def _filled(paragraph: str, width: int, indent: str) -> str:
    room = width - len(indent)
    lines = paragraph.splitlines()
    if any(line.startswith(" ") for line in lines):
        parts = [part for line in lines for part in lines_of(line, room)]
    else:
        parts = lines_of(" ".join(lines), room, further=0)
    return "\n".join(indent + part for part in parts)


class Parser(argparse.ArgumentParser):
    """argparse with its usage errors in the form of all other errors, and help as it is written."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": Help, **options})

    def error(self, message: str) -> NoReturn:
        line = one_line(message) + self._meant(message)
        self.exit(USAGE, f"{self.prog}: error: {line}\n  try `{self.prog} --help`\n")

    def _meant(self, message: str) -> str:
        """The option nearest to one that there is not."""
        head, _, unknown = message.partition("unrecognized arguments: --")
        if head or not unknown:
            return ""
        import difflib  # only here: no command waits for it

        word = f"--{unknown.split()[0].partition('=')[0]}"
        near = difflib.get_close_matches(word, self._option_string_actions, n=1)
        return f": did you mean {near[0]}?" if near else ""


class AnyOrder(Parser):
    """Takes an optional positional argument after options too: `decode PROJECT --json GOAL`."""

    _again = False

    def parse_known_args(  # type: ignore[override]  # of its overloads, the one that is called
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """argparse's own, in two passes: first the options, then what is left."""
        if self._again:
            return super().parse_known_args(args, namespace)
        self._again = True
        try:
            found = self.parse_known_intermixed_args(args, namespace)
        finally:
            self._again = False
        if found[1] and args is not None and "--" in args:
            return super().parse_known_args(args, namespace)  # `-- PROJECT -goal`
        return found


def add_project(parser: argparse.ArgumentParser) -> None:
    """The project that a command is about."""
    parser.add_argument("project", help="the project's folder, or its name in a watched workspace")


def add_json_and_state(parser: argparse.ArgumentParser) -> None:
    """The two options that almost every command ends with."""
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(parser)


def add_state_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state",
        metavar="DIR",
        type=filled,
        help="state directory (else $CADENZAD_STATE, $STATE_DIRECTORY, ~/.local/state/cadenzad)",
    )


def add_hub_options(parser: argparse.ArgumentParser, *, robot: bool = True) -> None:
    """For a command that can ask all robots, or one of them, instead of this one."""
    parser.add_argument(
        "--hub",
        metavar="DSN",
        type=filled,
        help="ask the hub: a file that says where it is, or a connection string",
    )
    if robot:
        parser.add_argument(
            "--robot", metavar="NAME", type=filled, help="with --hub: of this robot alone"
        )


def asks_hub(arguments: argparse.Namespace) -> bool:
    """Whether the hub is asked. Raises ConfigError for a robot without one."""
    if arguments.robot and not arguments.hub:
        from store.errors import ConfigError

        raise ConfigError("--robot is about the hub's robots", hint="say which hub: --hub FILE")
    return bool(arguments.hub)


def filled(text: str) -> str:
    """An argument that must say something: an empty one is a script's unset variable."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def finite(text: str) -> float:
    """A number argument; NaN and infinity, which compare with nothing, are none."""
    with contextlib.suppress(ValueError):
        if abs(number := float(text)) < float("inf"):  # not so for NaN
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is not a number")


def whole(text: str) -> int:
    """A whole-number argument, as large as the event log can hold."""
    with contextlib.suppress(ValueError):
        if len(text) < 30 and abs(number := int(text)) < 2**63:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, or too large a one")


def seconds(text: str) -> float:
    """A time-span argument: more than nothing."""
    if (number := finite(text)) > 0:
        return number
    raise argparse.ArgumentTypeError(f"{text!r} is not more than 0 seconds")


def run(
    parser: argparse.ArgumentParser | Callable[[], argparse.ArgumentParser],
    argv: Sequence[str] | None,
) -> int:
    """Parse, call the chosen function, turn errors into one line and an exit code.

    `parser` may be what makes it: to import a command takes so long that somebody breaks it off.
    """
    prog, arguments = "", argparse.Namespace()
    try:
        parser = parser if isinstance(parser, argparse.ArgumentParser) else parser()
        prog = parser.prog
        arguments = parser.parse_args(argv)
        command: Callable[[argparse.Namespace], int] = arguments.command
        if isinstance(sys.stdout, TextIOWrapper):
            # A name that the terminal's encoding cannot show is no reason to end with a traceback.
            sys.stdout.reconfigure(errors="backslashreplace")
        code = command(arguments)
        sys.stdout.flush()
        return code
    except CadenzaError as error:
        print_error(prog, error)
        return error.exit_code
    except KeyboardInterrupt as stop:
        return exit_code_of(stop)
    except BrokenPipeError:
        return OK  # whoever read our output has gone (`| head`): not an error
    except OSError as error:
        print_error(prog, refused(error))
    except sqlite3.Error as error:
        print_error(prog, damaged(error))
    except ModuleNotFoundError as error:
        missing = not_installed(error)
        if missing is None:
            raise
        print_error(prog, missing)
    except Exception:
        damage = damage_behind(getattr(arguments, "state", None))
        if damage is None:
            raise
        print_error(prog, damage)
    finally:
        give_up_on_output()
    return FAILED
