"""The text of the service's files: the units as shipped, and the drop-in of this installation.

The units are complete files in systemd/ at the checkout's root, which a wheel carries in
service_manager/units, and are installed as they are. What is true of one installation only goes
into a drop-in beside them: where the program is, which workspaces it watches, and what of the
installation the sandbox would hide.
"""

from __future__ import annotations

import re
import site
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import cadenzad
from store import interpreter
from store.errors import ConfigError

Scope = Literal["user", "system"]
PACKAGE = Path(cadenzad.__file__).parent
HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")
"""What ProtectHome= and PrivateTmp= replace in the system unit's view."""


def shipped(name: str) -> str:
    """The text of a unit file: cadenzad.service, cadenzad@.service or cadenzad.slice."""
    in_wheel = PACKAGE / "service_manager" / "units"
    folder = in_wheel if in_wheel.is_dir() else PACKAGE.parent / "systemd"
    return (folder / name).read_text(encoding="utf-8")


def drop_in(
    scope: Scope, command: Sequence[str], workspaces: Sequence[Path], state: Path | None
) -> str:
    """The part of the unit that holds for this installation alone. Raises ConfigError."""
    words = [*command, *(word for path in workspaces for word in ("--workspace", str(path)))]
    lines = [
        "# Written by `cadenzactl service install`, which overwrites it. What you change goes into",
        "# another file in this folder; `systemctl edit` makes one.",
    ]
    if scope == "system":
        lines += ["[Unit]", *(f"RequiresMountsFor={quoted(path)}" for path in workspaces)]
    # The first, empty assignment takes back the one of the unit file.
    lines += ["[Service]", "ExecStart=", "ExecStart=" + " ".join(map(_argument, words))]
    if state is not None:
        lines.append(f"Environment={quoted(f'CADENZAD_STATE={state}')}")
    if scope == "system":
        lines += [f"BindReadOnlyPaths={_bound(path)}" for path in hidden(installation())]
        lines += [
            f"BindPaths={_bound(path)}" if hidden([path]) else f"ReadWritePaths={quoted(path)}"
            for path in workspaces
        ]
    return "\n".join(lines) + "\n"


def program() -> list[str]:
    """The daemon's command, of the installation that is running now, by absolute paths."""
    script = Path(sysconfig.get_path("scripts")) / "cadenzad"
    if script.is_file():
        return [str(script)]
    return interpreter.command("-m", "cadenzad.cli.daemon")


def installation() -> list[Path]:
    """The folders that the program's modules and its interpreter lie in, none inside another."""
    package = PACKAGE.parent  # of an editable installation: the checkout
    extra = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    named = [Path(sys.prefix), Path(sys.base_prefix), package, *map(Path, extra)]
    folders = {path for name in named if name.is_dir() for path in (name, name.resolve())}
    return [
        path
        for path in sorted(folders)
        if not any(path.is_relative_to(other) for other in folders - {path})
    ]


def hidden(paths: Iterable[Path]) -> list[Path]:
    """Those that the system unit's sandbox replaces with an empty folder."""
    return [path for path in paths if any(path.is_relative_to(place) for place in HIDDEN)]


def quoted(value: object) -> str:
    """A value as one word of a unit file. Raises ConfigError for what one cannot hold."""
    text = str(value)
    if not text.isprintable():
        raise ConfigError(f"{text}: a unit file cannot hold this name")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if re.search(r"[\s\"'\\;#]", text) else escaped


def _argument(word: str) -> str:
    """A word of a command line, in which `$` would name a variable as well."""
    return quoted(word.replace("$", "$$"))


def _bound(path: Path) -> str:
    """A path in BindPaths=, where an unescaped colon would begin the destination."""
    return quoted(path).replace(":", "\\:")
