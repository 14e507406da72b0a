"""What lies under a name already is replaced only where we made it, and else stays as it is."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from store.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

LOOKED_AT = 4096
"""Bytes at a file's beginning among which its mark is."""


def check_ours(target: Path, mark: bytes, maker: str) -> None:
    """Raises InputError where something is at `target` that has no `mark` at its beginning.

    `maker`: the command that would write there, for people. Raises OSError.
    """
    try:
        info = os.stat(target)
    except FileNotFoundError:
        if os.path.islink(target):
            raise InputError(f"{target}: is a link that leads nowhere", hint=_HINT) from None
        return
    if stat.S_ISREG(info.st_mode):
        with open(target, "rb") as stream:
            if not info.st_size or mark in stream.read(LOOKED_AT):
                return
    raise InputError(f"{target}: is there already, and `{maker}` did not make it", hint=_HINT)


_HINT = "it stays as it is: name another place, or move it away first"
