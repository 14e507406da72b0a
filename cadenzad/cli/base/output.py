"""What the commands print: lines, tables, JSON, errors as one line and a hint. Light imports.

Nothing else writes to a terminal, so that no name and no text from a file reaches it as it is.
"""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing

from cadenzad.cli.terminal.tables import lines_of, table
from cadenzad.cli.terminal.window import BOLD, RED, painted, room, shows_colour
from store.errors import CadenzaError, ConfigError, MissingExtraError, NoEventLog, StoreError
from store.text import json_text, one_line, printable_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


ALARM = re.compile(r"(?<!\b0 )(?<!no )\b(?:BLOCK|failed)\b")
"""What somebody should look at, and finds sooner in red."""


def say(text: str = "", *, head: str = "", code: str = BOLD, err: bool = False) -> None:
    """One line on stdout, or on stderr; whatever does not print is escaped.

    `head` comes first, on a terminal that wants colour in bold, or as `code` (SGR) says. On stdout
    it goes on below itself, between words, where the window ends.
    """
    text = one_line(text)
    if err:
        print(head + text, file=sys.stderr)
        return
    first, *more = lines_of(head + text, room())
    rest = first[len(head) :]
    if shows_colour():
        head = head and painted(head, code)
        rest, more = _alarmed(rest), [_alarmed(line) for line in more]
    print("\n".join([head + rest, *more]))


def say_lines(text: str) -> None:
    """Several lines on stdout, such as a diff. What stands within a line must not break it."""
    print(printable_lines(text))


def say_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on stdout, as wide as the terminal is (see `cadenzad.cli.terminal.tables`)."""
    text = table(headings, rows, room())
    print(_alarmed(text) if shows_colour() else text)


def _alarmed(text: str) -> str:
    return ALARM.sub(lambda found: painted(found[0], RED), text)


def say_json(value: object, *, indent: int | None = None, flush: bool = False) -> None:
    """A JSON value on stdout, for programs; a terminal can show it too."""
    print(json_text(value, indent), flush=flush)


def pass_on(path: Path) -> None:
    """A file's bytes on stdout, as they are: what a command was asked to write there."""
    import shutil  # no other command waits for it

    with path.open("rb") as source:
        shutil.copyfileobj(source, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def say_again(text: str) -> None:
    """On a terminal's stderr: in the place of what was said there before."""
    print(f"\r{one_line(text)}", end="", file=sys.stderr, flush=True)


def begin_screen() -> None:
    """On a terminal: begin at its top again."""
    print("\033[H\033[J", end="")


DAMAGED_HINT = (
    "`cadenzactl verify` checks the file; `cadenzactl db restore` has a backup replace it"
)


def refused(error: OSError) -> CadenzaError:
    """What the operating system refused, and nobody nearer to it had words for."""
    where = f"{error.filename}: " if error.filename is not None else ""
    return CadenzaError(f"{where}{error.strerror or error}")


def not_installed(error: ModuleNotFoundError) -> MissingExtraError | None:
    """A package of an extra that a command came to need; None for a module of no extra."""
    from cadenzad.doctor.installation import DISTRIBUTION, extra_with

    module = (error.name or "").partition(".")[0]
    extra = extra_with(module)
    if extra is None:
        return None
    hint = f"pip install '{DISTRIBUTION}[{extra}]'"
    return MissingExtraError(f"this needs {module}, which is not installed", hint=hint)


def damaged(error: sqlite3.Error) -> StoreError:
    """What SQLite says of the event log, and what to do about it."""
    if str(error).startswith("no such"):  # table or column
        hint = "a start of the daemon, or `cadenzactl db rebuild`, folds it anew"
        return StoreError(f"the state view is another version's: {error}", hint=hint)
    return StoreError(f"the event log: {error}", hint=DAMAGED_HINT)


def damage_behind(flag: str | None) -> StoreError | None:
    """What is wrong with the event log, after a command failed in a way that none foresaw.

    None when the log is sound, or is none: then the failure is the program's own.
    """
    from cadenzad.config.paths import state_dir
    from store.schema import connect_reader
    from store.soundness import UNREADABLE, first_problem

    try:
        with closing(connect_reader(state_dir(flag))) as reader:
            problem = first_problem(reader)
    except (ConfigError, NoEventLog):
        return None
    except UNREADABLE as error:
        problem = str(error)
    if problem is None:
        return None
    return StoreError(f"the event log is damaged: {problem}", hint=DAMAGED_HINT)


def give_up_on_output() -> None:
    """When nothing can be written to stdout, do not have Python try it again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_error(prog: str, error: CadenzaError) -> None:
    """One line on stderr that says what and where, and one that says what to do."""
    say(f"{prog}: error: {error.message}", err=True)
    if error.hint:
        say(f"  {error.hint}", err=True)
