"""`cadenzactl config`: what is set, by which file, and what is wrong with it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.output import say, say_json, say_table
from cadenzad.cli.base.parser import OK, USAGE, add_json_and_state, filled
from cadenzad.config.paths import expand

if TYPE_CHECKING:
    from cadenzad.config.files import Loaded

DESCRIPTION = """Show the configuration as it is in effect, or check it. A running daemon has what
it read last: `systemctl reload` or SIGHUP makes it read again."""
EXAMPLE = "cadenzactl config check && systemctl --user reload cadenzad"

SHOW = """Every key, its value and what set it: a file, or `default`. With a project, as it is for
that project."""
CHECK = """Check a configuration file and its drop-ins, or a project's own cadenzad.toml: one line
for each mistake, and exit code 2 if there is any."""


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    show = actions.add_parser(
        "show",
        help="every key, its value and what set it",
        description=SHOW,
        epilog="example:\n  cadenzactl config show rescue --json",
    )
    show.add_argument("project", nargs="?", help="a project's name or path")
    show.add_argument(
        "--config", metavar="FILE", type=filled, help="instead of the default cadenzad.toml"
    )
    add_json_and_state(show)
    check = actions.add_parser(
        "check",
        help="every mistake, one a line",
        description=CHECK,
        epilog="example:\n  cadenzactl config check ~/robots/rescue/cadenzad.toml",
    )
    check.add_argument(
        "file", nargs="?", metavar="FILE", type=filled, help="the file (default: the daemon's)"
    )
    add_json_and_state(check)


def command(arguments: argparse.Namespace) -> int:
    return _show(arguments) if arguments.action == "show" else _check(arguments)


def _show(arguments: argparse.Namespace) -> int:
    from cadenzad.config.files import read_config
    from cadenzad.config.project import read_project_config
    from cadenzad.config.settings import KEYS

    loaded = read_config(expand(arguments.config) if arguments.config else None)
    if arguments.project:
        loaded = read_project_config(_project(arguments), loaded)
    if arguments.json:
        say_json(_as_json(loaded), indent=2)
        return OK
    rows = [
        (key.name, json.dumps(key.of(loaded.config), ensure_ascii=False), loaded.origins[key.name])
        for key in KEYS.values()
    ]
    say_table(("KEY", "VALUE", "SET BY"), rows)
    return OK


def _project(arguments: argparse.Namespace) -> Path:
    from cadenzad.cli.base.lookup import open_state, project_folder

    with open_state(arguments.state) as state:
        return project_folder(state, arguments.project)


def _as_json(loaded: Loaded) -> dict[str, Any]:
    from cadenzad.config.settings import KEYS

    return {
        "files": [str(file) for file in loaded.files],
        "keys": {
            key.name: {
                "value": key.of(loaded.config),
                "origin": loaded.origins[key.name],
                "default": key.default,
                "needs_restart": key.needs_restart,
            }
            for key in KEYS.values()
        },
    }


def _check(arguments: argparse.Namespace) -> int:
    from cadenzad.config.files import default_path, problems, read_config
    from cadenzad.config.project import project_problems

    file = expand(arguments.file) if arguments.file else None
    if file is not None and _is_a_projects(file):
        found = project_problems(file.parent, read_config(None).config)
    else:
        found = problems(file)
    name = str(file or default_path())
    if arguments.json:
        listed = [{"problem": problem.message, "hint": problem.hint} for problem in found]
        say_json({"file": name, "ok": not found, "problems": listed}, indent=2)
    else:
        for problem in found:
            hint = f" ({problem.hint})" if problem.hint else ""
            say(problem.message + hint)
        if not found:
            absent = file is None and not default_path().is_file()
            say(f"{name}: {'not there: defaults hold' if absent else 'good'}")
    return USAGE if found else OK


def _is_a_projects(file: Path) -> bool:
    """Whether a file is a project's own: it lies beside an env.json."""
    from cadenzad.config.project import FILE_NAME

    return file.name == FILE_NAME and (file.parent / "env.json").exists()
