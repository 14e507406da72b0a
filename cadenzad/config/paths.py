"""Where settings and state are; paths as typed, and as stored. Light."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from store.errors import ConfigError, StoreError
from store.ownership import INBOX as INBOX
from store.ownership import PRIVATE_FOLDER, expect_own

TYPE_CHECKING = False
if TYPE_CHECKING:  # pathlib and what it imports would be a tenth of `cadenzactl status`
    from pathlib import Path


def state_path(flag: str | None = None, environ: Mapping[str, str] = os.environ) -> str:
    """The state directory: --state, CADENZAD_STATE, systemd's STATE_DIRECTORY, else XDG's.

    Raises ConfigError when the home folder it lies in is not known.
    """
    chosen = flag or environ.get("CADENZAD_STATE")
    if chosen:
        return os.path.join(os.getcwd(), expanded(chosen))
    if environ.get("STATE_DIRECTORY"):
        # systemd lists several separated by colons; the first is ours.
        return os.path.join(os.getcwd(), environ["STATE_DIRECTORY"].split(":")[0])
    home = environ.get("XDG_STATE_HOME") or "~/.local/state"
    return os.path.join(os.getcwd(), expanded(home), "cadenzad")


def state_dir(flag: str | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """`state_path` as a Path."""
    from pathlib import Path

    return Path(state_path(flag, environ))


def default_path(environ: Mapping[str, str] = os.environ) -> Path:
    """systemd's CONFIGURATION_DIRECTORY, else XDG's, `cadenzad.toml` in it."""
    from pathlib import Path

    if environ.get("CONFIGURATION_DIRECTORY"):
        return Path(environ["CONFIGURATION_DIRECTORY"].split(":")[0]) / "cadenzad.toml"
    home = environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(home) / "cadenzad" / "cadenzad.toml"


def lies_in(project: str, workspaces: Iterable[str]) -> bool:
    """Whether a project, by its real path, is one of these folders, lies in one, or is linked into
    one: then it is watched where they are."""
    near = (project, os.path.dirname(project))
    return any(folder in near or _links_to(project, folder) for folder in workspaces)


def _links_to(project: str, workspace: str) -> bool:
    try:
        with os.scandir(workspace) as entries:
            return any(
                entry.is_symlink() and os.path.realpath(entry.path) == project for entry in entries
            )
    except OSError:
        return False


def make_state_dir(path: Path) -> Path:
    """Create the state directory and its inbox, for this user alone.

    Raises StoreError, also for one that is there and that others can write.
    """
    from store.durable import make_folder  # most commands only look for the folder

    expect_own(path)  # before anything is made in it
    try:
        make_folder(path, PRIVATE_FOLDER)
        make_folder(path / INBOX, PRIVATE_FOLDER)
    except OSError as error:
        where = error.filename or path
        raise StoreError(
            f"{where}: cannot be the state directory or its inbox: {error.strerror}",
            hint="--state DIR names another state directory",
        ) from error
    return path


def expanded(text: str) -> str:
    """A path as typed, with `~` and `~user` expanded. Raises ConfigError for an unknown user."""
    found = os.path.expanduser(text)
    if found.startswith("~"):
        raise ConfigError(f"{text}: the home folder it means is not known")
    return found


def expand(text: str) -> Path:
    """`expanded` as a Path."""
    from pathlib import Path

    return Path(expanded(text))
