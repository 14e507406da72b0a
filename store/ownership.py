"""The state directory is its owner's alone: who can write there can have anything run.

A request in the inbox queues jobs and deletes files, the log says which code is trusted. So a
folder that somebody else can write is not used, and nothing in it is made readable for others.
"""

from __future__ import annotations

import contextlib
import os
import stat

from store.errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

INBOX = "inbox"
"""The folder of the state directory that requests lie in."""

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
OTHERS_WRITE = 0o022


class Fault:
    """What is wrong with a folder, and the command that puts it right."""

    def __init__(self, text: str, fix: str) -> None:
        self.text, self.fix = text, fix


def fault(folder: Path) -> Fault | None:
    """Why a folder cannot be relied on; None when it can be, and when none can be seen."""
    try:
        info = folder.stat()
    except OSError:
        return None  # where it cannot be looked at, whoever uses it says why
    user = os.geteuid()
    others_write = stat.S_ISDIR(info.st_mode) and bool(info.st_mode & OTHERS_WRITE)
    if info.st_uid == user and not others_write:
        return None
    import shlex  # only for words: every command asks

    named = shlex.quote(str(folder))
    if info.st_uid != user:
        return Fault(
            f"{folder}: belongs to another user (uid {info.st_uid}, this is uid {user})",
            f"run it as that user, or name another --state DIR; or `chown -R {user} {named}`",
        )
    mode = stat.S_IMODE(info.st_mode)
    text = f"{folder}: others can write to it (mode {mode:04o}), and so have anything run"
    return Fault(text, f"chmod go-w {named}")


def expect_own(state_dir: Path) -> None:
    """Raises StoreError for a state directory, or an inbox in it, that others can write."""
    for folder in (state_dir, state_dir / INBOX):
        found = fault(folder)
        if found is not None:
            raise StoreError(found.text, hint=found.fix)


def make_private(path: Path) -> None:
    """Have a file there that nobody else can read, without opening one that is there.

    To close a database would let go of its locks. Raises OSError when there can be no file.
    """
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        os.close(os.open(path, flags, PRIVATE_FILE))
    except FileExistsError:
        # One of before; whose it is not, is told by whoever opens it.
        with contextlib.suppress(OSError):
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                path.chmod(PRIVATE_FILE)
