"""`cadenzactl setup`: from an installation to a running daemon, with what only a person knows."""

from __future__ import annotations

import argparse
import getpass
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_json_and_state, filled
from cadenzad.config.credentials import CREDENTIAL
from cadenzad.config.paths import expand, state_dir
from handlers.project.scaffold import init_project
from store.durable import make_folder, write_file
from store.errors import ConfigError

DESCRIPTION = """Set up this installation for you: the workspace that is watched, the judge's key if
there is one, and the service that keeps the daemon running. What is not given is asked for on a
terminal; elsewhere, and with --yes, it is left as it is. Repeated, it changes nothing."""
EXAMPLE = "cadenzactl setup --workspace ~/robots --sample rescue-dog"
DROP_IN = "50-setup.toml"
"""Laid over cadenzad.toml, which is its owner's: that file is written where there is none."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workspace", metavar="DIR", type=filled, help="the folder that holds your projects"
    )
    parser.add_argument(
        "--sample", metavar="NAME", type=filled, help="make a sample project of that name in it"
    )
    parser.add_argument(
        "--key-file", metavar="FILE", type=filled, help="a file that holds the Groq key; - is stdin"
    )
    parser.add_argument(
        "--service",
        choices=["user", "none"],
        help="have your own systemd run the daemon, or start it yourself (default: if it can be)",
    )
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    if arguments.sample:
        _expect_name(arguments.sample)
    steps = _Steps(arguments)
    ask = sys.stdin.isatty() and not arguments.yes
    workspace = _workspace(arguments, steps, ask=ask)
    if arguments.sample:
        _sample(workspace / arguments.sample, steps)
    _key(arguments, steps, ask=ask)
    running = _service(arguments, steps)
    first = [] if running else [f"cadenzad --workspace {shlex.quote(str(workspace))}"]
    steps.end([*first, "cadenzactl status", "cadenzactl doctor"])
    return OK


def _expect_name(name: str) -> None:
    """A project's folder is called so: what the daemon would not look at is refused."""
    if "/" in name:
        fault = "a name, not a path"
    elif name.startswith("."):
        fault = "a name that begins with a dot is a hidden folder, which no scan looks into"
    elif not name.isprintable():
        fault = "a name holds no line end, nor anything else that does not print"
    else:
        return
    raise ConfigError(f"--sample {name}: {fault}", hint=EXAMPLE)


class _Steps:
    """What was done, as lines at once or as one JSON object at the end."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._json: bool = arguments.json
        self._done: list[str] = []

    def did(self, text: str) -> None:
        self._done.append(text)
        if not self._json:
            say(text)

    def end(self, following: list[str]) -> None:
        if self._json:
            say_json({"steps": self._done, "next": following})
            return
        for line in following:
            say(f"next: {line}")


def _ask(question: str, otherwise: str) -> str:
    say(f"{question} [{otherwise}]", err=True)
    return sys.stdin.readline().strip() or otherwise


# -- workspace ------------------------------------------------------------------------------------


def _workspace(arguments: argparse.Namespace, steps: _Steps, *, ask: bool) -> Path:
    """The folder, made where it is missing, and named by the configuration."""
    from cadenzad.config.files import read_config

    watched = read_config(None).config.workspaces
    text = arguments.workspace
    if not text and ask:
        text = _ask("Which folder holds your projects?", str([*watched, "~/robots"][0]))
    if not text and not watched:
        hint = "cadenzactl setup --workspace ~/robots"
        raise ConfigError("no workspace is named", hint=hint)
    if not text:
        steps.did(f"unchanged: {', '.join(map(str, watched))} is watched")
        return watched[0]
    folder = expand(text).absolute()
    if not folder.is_dir():
        _make(folder, steps, ask=ask)
    folder = folder.resolve()
    if folder in watched:
        steps.did(f"unchanged: {folder} is watched")
    else:
        steps.did(f"wrote {_watch(folder, [*watched, folder])}: {folder} is watched")
    return folder


def _make(folder: Path, steps: _Steps, *, ask: bool) -> None:
    """Make the workspace; a whole path, which may be a typo, only for who says so."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    if len(missing) > 1:
        number = f"{folder}: {len(missing)} folders of it are missing, from {missing[-1]} on"
        if not ask or _ask(f"{number}. Make them?", "no").lower() not in ("y", "yes"):
            raise ConfigError(number, hint=f"mkdir -p {shlex.quote(str(folder.parent))}")
    make_folder(folder)
    for path in reversed(missing):
        steps.did(f"made {path}")


def _watch(folder: Path, workspaces: list[Path]) -> Path:
    """Name the folder in a configuration file that is ours; the file."""
    from cadenzad.config.files import default_path, read_config

    file = default_path()
    if file.exists():
        file = file.parent / f"{file.name}.d" / DROP_IN
    else:
        workspaces = [folder]
    make_folder(file.parent)
    listed = json.dumps([str(path) for path in workspaces], ensure_ascii=False)
    text = f"# Written by `cadenzactl setup`.\nworkspaces = {listed}\n"
    write_file(file, text.encode(), mode=0o644)
    if folder not in read_config(None).config.workspaces:
        # A drop-in that comes later, or a command line, says otherwise: not ours to change.
        raise ConfigError(
            f"{folder} is not watched: a later file sets `workspaces`", hint=str(file)
        )
    return file


def _sample(project: Path, steps: _Steps) -> None:
    if (project / "env.json").exists():
        steps.did(f"unchanged: {project} is a project")
        return
    init_project(project)
    steps.did(f"made {project}: a sample project")


# -- key ------------------------------------------------------------------------------------------


def _key(arguments: argparse.Namespace, steps: _Steps, *, ask: bool) -> None:
    """Keep the judge's key where the service finds it; it is shown nowhere."""
    from cadenzad.config.files import default_path

    file = default_path().parent / CREDENTIAL
    key = _given_key(arguments.key_file)
    if key is None and ask and not file.exists():
        say(
            "A Groq key lets a model propose remedies too; code does without. None: Enter", err=True
        )
        key = getpass.getpass("key: ").strip()
    if not key:
        there = file.exists()
        steps.did(f"unchanged: the key in {file}" if there else "no key: code alone proposes")
        return
    if any(not character.isprintable() or character.isspace() for character in key):
        raise ConfigError("that is no key: it has spaces in it", hint="one line, as Groq shows it")
    make_folder(file.parent)
    write_file(file, f"{key}\n".encode(), mode=0o600)
    steps.did(f"wrote {file}: the key")


def _given_key(source: str | None) -> str | None:
    if source is None:
        return None
    read: Callable[[], str] = sys.stdin.read if source == "-" else expand(source).read_text
    try:
        key = read().strip()
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"--key-file {source}: {said}") from error
    if not key:
        raise ConfigError(f"--key-file {source}: it is empty")
    return key


# -- service --------------------------------------------------------------------------------------


def _service(arguments: argparse.Namespace, steps: _Steps) -> bool:
    """Have systemd run the daemon where that is wanted and can be; whether it does."""
    from cadenzad.service_manager import install as services
    from cadenzad.service_manager.install import Hand

    can = services.manager_runs("system") and services.manager_runs("user")
    if arguments.service == "user" and not can:
        raise ConfigError("no systemd manager of yours is running", hint=services.BY_HAND)
    if arguments.service == "none" or not can:
        why = "" if can else ": no systemd manager of yours is running"
        steps.did(f"no service{why}")
        return False
    service = services.user_service()
    files = services.contents(service, [], state_dir(arguments.state))
    services.install(service, files, Hand(service, steps.did, dry=False))
    return True
