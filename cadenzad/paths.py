"""Where the daemon and its commands keep their state. Imports nothing heavy."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

INBOX = "inbox"


def state_dir(flag: str | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The state directory: --state, CADENZAD_STATE, systemd's STATE_DIRECTORY, else XDG's."""
    chosen = flag or environ.get("CADENZAD_STATE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    if environ.get("STATE_DIRECTORY"):
        # systemd lists several separated by colons; the first is ours.
        return Path(environ["STATE_DIRECTORY"].split(":")[0]).absolute()
    home = environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(home).absolute() / "cadenzad"


def make_state_dir(path: Path) -> Path:
    """Create the state directory and its inbox, for this user alone."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    (path / INBOX).mkdir(mode=0o700, exist_ok=True)
    return path
