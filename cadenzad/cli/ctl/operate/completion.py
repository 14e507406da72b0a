"""`cadenzactl completion`: scripts that complete the three commands in a shell."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_json_and_state
from cadenzad.cli.reference.trees import COMMANDS, parser_of, walk
from cadenzad.config.paths import state_dir
from store.errors import NoEventLog

SHELLS = ("bash", "zsh", "fish")

DESCRIPTION = """Print what makes a shell complete cadenza, cadenzactl and cadenzad:

  bash   echo 'eval "$(cadenzactl completion bash)"' >> ~/.bashrc
  zsh    echo 'eval "$(cadenzactl completion zsh)"' >> ~/.zshrc      (after compinit)
  fish   echo 'cadenzactl completion fish | source' >> ~/.config/fish/config.fish

A package installs one file a command instead: `cadenzactl completion zsh cadenza > _cadenza`."""
EXAMPLE = "cadenzactl completion bash"


def configure(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("shell", nargs="?", choices=SHELLS, help="the shell to print it for")
    what.add_argument(
        "--projects", action="store_true", help="print known projects instead, as scripts ask for"
    )
    parser.add_argument(
        "only", nargs="?", metavar="COMMAND", choices=COMMANDS, help="for one of the commands alone"
    )
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    if arguments.projects:
        projects = _projects(arguments.state)
        if arguments.json:
            say_json({"projects": projects})
        else:
            for name in projects:
                say(name)
        return OK
    named = [arguments.only] if arguments.only else COMMANDS
    scripts = {name: script(arguments.shell, name) for name in named}
    if arguments.json:
        say_json({"shell": arguments.shell, "scripts": scripts})
    else:
        print("".join(scripts.values()), end="")
    return OK


def _projects(state: str | None) -> list[str]:
    """Known projects by name. Imports little: somebody waits behind the TAB key."""
    from store.reads.names import Names
    from store.reads.state import State
    from store.schema import connect_reader

    try:
        reader = connect_reader(state_dir(state))
    except NoEventLog:
        return []
    try:
        names = Names(reader)
        return [names.shown(row.path) for row in State(reader).projects()]
    finally:
        reader.close()


def script(shell: str, name: str) -> str:
    """What makes a shell complete one of the commands."""
    import shtab

    parser = parser_of(name)
    for below in walk(parser):
        _say_what_completes(below)
    return shtab.complete(parser, shell).rstrip("\n") + "\n"


def _say_what_completes(parser: argparse.ArgumentParser) -> None:
    """Tell shtab how values are completed, by what they are called in every command alike."""
    import shtab

    from store.events.names import SCHEMA_VERSIONS

    by_name = {
        "DIR": shtab.DIRECTORY,
        "FILE": shtab.FILE,
        "log": shtab.FILE,
        "project": PROJECT,
        "about": PROJECT,
        "type": _words("event_types", sorted(SCHEMA_VERSIONS)),
    }
    for action in parser._actions:
        known = by_name.get(str(action.metavar)) or by_name.get(action.dest)
        if known is not None and action.nargs != 0 and action.choices is None:
            action.complete = known  # type: ignore[attr-defined]  # where shtab looks for it


def _words(name: str, words: Iterable[str]) -> dict[str, Any]:
    """Completion from a fixed list, for an argument whose parser does not insist on it."""
    text = " ".join(words)
    return {
        "bash": f"_cadenza_{name}",
        "zsh": f"({text})",
        "fish": text,
        "preamble": {"bash": f'_cadenza_{name}() {{ compgen -W "{text}" -- "$1"; }}'},
    }


PROJECT: dict[str, Any] = {
    # shtab has bash treat what comes from a function with "dir" in its name as file names.
    "bash": "_cadenza_projects_and_dirs",
    "zsh": "_cadenza_projects_and_dirs",
    "fish": "(_cadenza_projects_and_dirs)",
    "preamble": {
        "bash": """\
_cadenza_projects_and_dirs() {
  local name
  # Not by `compgen -W`, which expands its words: a name may hold $(...).
  while IFS= read -r name; do
    [[ $name == "$1"* ]] && printf '%s\\n' "$name"
  done < <(cadenzactl completion --projects 2>/dev/null)
  compgen -d -- "$1"
}""",
        "zsh": """\
_cadenza_projects_and_dirs() {
  local -a names=(${(f)"$(cadenzactl completion --projects 2>/dev/null)"})
  compadd -a names
  _files -/
}""",
        "fish": """\
function _cadenza_projects_and_dirs
  cadenzactl completion --projects 2>/dev/null
  __fish_complete_directories (commandline -ct)
end""",
    },
}
"""A project: one the event log knows by name, or a folder."""
