"""What the three commands share: errors as one line, exit codes, plain tables. Light imports."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from typing import NoReturn

from store.errors import CadenzaError, StoreError
from store.errors import one_line as one_line

OK, FAILED, USAGE, NOT_RUNNING, NOT_FOUND = 0, 1, 2, 3, 4

EXIT_CODES = """exit codes:
  0 done   1 failed   2 usage   3 daemon not running   4 no such project, run or log"""


class Parser(argparse.ArgumentParser):
    """argparse with its usage errors in the form of all other errors."""

    def error(self, message: str) -> NoReturn:
        line = one_line(message)
        self.exit(USAGE, f"{self.prog}: error: {line}\n  try `{self.prog} --help`\n")


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


def add_state_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state",
        metavar="DIR",
        type=filled,
        help="state directory (else $CADENZAD_STATE, $STATE_DIRECTORY, ~/.local/state/cadenzad)",
    )


def filled(text: str) -> str:
    """An argument that must say something: an empty one is a script's unset variable."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def finite(text: str) -> float:
    """A number argument; NaN and infinity, which compare with nothing, are none."""
    with contextlib.suppress(ValueError):
        if math.isfinite(number := float(text)):
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is not a number")


def seconds(text: str) -> float:
    """A time-span argument: more than nothing."""
    if (number := finite(text)) > 0:
        return number
    raise argparse.ArgumentTypeError(f"{text!r} is not more than 0 seconds")


def run(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    """Parse, call the chosen function, turn errors into one line and an exit code."""
    arguments = parser.parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    if isinstance(sys.stdout, TextIOWrapper):
        # A name that the terminal's encoding cannot show is no reason to end with a traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = command(arguments)
        sys.stdout.flush()
        return code
    except CadenzaError as error:
        tell_error(parser.prog, error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return OK  # whoever read our output has gone (`| head`): not an error
    except OSError as error:
        tell_error(parser.prog, _refused(error))
    except sqlite3.Error as error:
        tell_error(parser.prog, _damaged(error))
    finally:
        _give_up_on_output()
    return FAILED


def _refused(error: OSError) -> CadenzaError:
    """What the operating system refused, and nobody nearer to it had words for."""
    where = f"{error.filename}: " if error.filename is not None else ""
    return CadenzaError(f"{where}{error.strerror or error}")


def _damaged(error: sqlite3.Error) -> StoreError:
    if str(error).startswith("no such"):  # table or column
        hint = "a start of the daemon, or `cadenzactl rebuild`, folds it anew"
        return StoreError(f"the state view is another version's: {error}", hint=hint)
    return StoreError(f"the event log: {error}", hint="`cadenzactl verify` checks the file")


def _give_up_on_output() -> None:
    """When nothing can be written to stdout, do not have Python try it again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tell_error(prog: str, error: CadenzaError) -> None:
    """One line on stderr that says what and where, and one that says what to do."""
    print(f"{prog}: error: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  {error.hint}", file=sys.stderr)


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as their widest cell; numbers to the right, text to the left."""
    cells = [["" if cell is None else one_line(str(cell)) for cell in row] for row in rows]
    widths = [
        max(len(heading), *(len(row[index]) for row in cells)) if cells else len(heading)
        for index, heading in enumerate(headings)
    ]
    right = [
        bool(rows) and all(isinstance(row[index], int | float | None) for row in rows)
        for index in range(len(headings))
    ]

    def line(row: Sequence[str]) -> str:
        parts = [
            cell.rjust(width) if numeric else cell.ljust(width)
            for cell, width, numeric in zip(row, widths, right, strict=True)
        ]
        return "  ".join(parts).rstrip()

    return "\n".join([line(headings), *(line(row) for row in cells)])


def bold(text: str) -> str:
    """Bold on a terminal that wants colour, plain elsewhere."""
    wanted = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return f"\033[1m{text}\033[0m" if wanted else text
