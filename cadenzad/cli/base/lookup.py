"""From what a person types to what is meant: a project by name or by path."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager

from cadenzad.cli.base.output import say
from cadenzad.config.paths import expand, state_path
from handlers.project.paths import printable
from store.errors import ConfigError, NoEventLog, ProjectNotFound, StoreError
from store.schema import connect_reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from store.reads.state import ProjectRow, State


def find_project(state: State, text: str) -> ProjectRow:
    """The project with this path or name. Raises ProjectNotFound, also when a name is ambiguous."""
    by_path = state.project(printable(os.path.realpath(os.path.expanduser(text))))
    if by_path is not None:
        return by_path
    named = state.projects_named(printable(text))
    if len(named) == 1:
        return named[0]
    if named:
        raise ProjectNotFound(
            f"{text!r} names {len(named)} projects",
            hint="give a path: " + ", ".join(row.path for row in named),
        )
    names = [row.name for row in state.projects()]
    known = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if names[10:] else "")
    hint = f"known projects: {known}" if known else "no project is known yet"
    near = _nearest(text, names)
    raise ProjectNotFound(f"no project {text!r}", hint=f"did you mean {near}?" if near else hint)


def _nearest(text: str, names: Iterable[str]) -> str:
    """The name that is most like `text`; "" where none is like it."""
    import difflib  # only here: no command waits for it

    return next(iter(difflib.get_close_matches(text, dict.fromkeys(names), n=1)), "")


def project_of(arguments: argparse.Namespace) -> ProjectRow:
    """The known project that a command is about. Raises ProjectNotFound."""
    from store.reads.state import State

    with closing(connect_reader(state_path(arguments.state))) as reader:
        return find_project(State(reader), arguments.project)


def project_folder(state: State | None, text: str) -> Path:
    """A project's folder: a path that holds env.json, or a known project's name.

    A folder of that name that is no project gives way to a known project of that name. Raises
    ProjectNotFound.
    """
    from pathlib import Path  # most commands ask the view alone

    folder = expand(text)
    if os.path.exists(folder / "env.json"):
        return Path(os.path.realpath(folder))
    try:
        if state is not None:
            return Path(find_project(state, text).path)
        raise ProjectNotFound(
            f"no project {text!r}", hint="give the folder that holds its env.json"
        )
    except ProjectNotFound as error:
        if os.path.isdir(folder):
            return Path(os.path.realpath(folder))  # whoever reads its env.json says what is wrong
        hint = _folder_meant(folder) or error.hint
        raise ProjectNotFound(error.message, hint=hint) from None


def _folder_meant(folder: Path) -> str:
    """A hint that names a project beside a folder that there is not, or in a folder beside it."""
    beside = folder.parent
    found = {
        env.parent.name: os.path.relpath(env.parent)
        for env in (*beside.glob("*/*/env.json"), *beside.glob("*/env.json"))
    }
    near = _nearest(folder.name, found)
    return f"did you mean {found[near]}?" if near else ""


@contextmanager
def open_state(flag: str | None) -> Iterator[State | None]:
    """The state view for looking things up; None where there is none (a damaged one is told)."""
    from store.reads.state import State

    directory = state_path(flag)
    try:
        reader = connect_reader(directory)
    except NoEventLog:
        yield None
        return
    except StoreError as error:
        say(f"warning: {error.message}", err=True)
        yield None
        return
    try:
        yield State(reader)
    finally:
        reader.close()


def find_project_folder(text: str, flag: str | None = None) -> Path:
    """A project's folder by path, or by its name in the view of a state directory (--state)."""
    with open_state(flag) as state:
        return project_folder(state, text)


def file_to_write(text: str, option: str) -> Path:
    """A file that a command is to write, as a path. Raises ConfigError where it cannot be one."""
    target = expand(text)
    if target.is_dir():
        raise ConfigError(f"{option} {text}: is a folder", hint=f"name a file in it: {target}/NAME")
    if not target.parent.is_dir():
        hint = f"mkdir -p {shlex.quote(str(target.parent))}"
        raise ConfigError(f"{option} {text}: there is no folder {target.parent}", hint=hint)
    return target
