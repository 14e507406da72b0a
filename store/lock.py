"""Who may write: an flock on `writer.lock` in the state directory.

The lock dies with its process, however it ends. The file's content says who holds it, for people.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from pathlib import Path
from types import TracebackType

from store.errors import LockHeldError, StoreError

LOCK_FILE = "writer.lock"


class WriterLock:
    """Exclusive right to write the state directory, held until `release` or the process ends."""

    def __init__(self, state_dir: Path, role: str) -> None:
        """`role` is what people call the holder: "daemon", "cadenza env finetune"."""
        self.path = state_dir / LOCK_FILE
        self.role = role
        self._fd: int | None = None

    def acquire(self, patience: float = 0.5) -> WriterLock:
        """Take the lock or raise LockHeldError naming the holder.

        `patience` (seconds) outlasts a `status` that tests the lock for an instant.
        """
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"{self.path}: {error.strerror}",
                hint="the state directory must be writable; --state DIR names another",
            ) from error
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(fd)
                    who = describe(read_holder(self.path.parent))
                    raise LockHeldError(
                        f"{self.path.parent} is in use by {who}",
                        hint="one writer at a time: stop it, or use another --state DIR",
                    ) from None
                time.sleep(0.02)
        holder = {"pid": os.getpid(), "role": self.role, "since": int(time.time())}
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(holder).encode(), 0)
        self._fd = fd
        return self

    def fileno(self) -> int:
        """The locked file: a child that inherits it holds the lock for as long as it runs."""
        assert self._fd is not None
        return self._fd

    def release(self) -> None:
        """Give the lock up; harmless when it is not held."""
        if self._fd is not None:
            # The name stays: unlinking it would let two processes lock two files of one name.
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> WriterLock:
        return self if self._fd is not None else self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def read_holder(state_dir: Path) -> dict[str, object]:
    """What the lock file says of its holder; {} when it says nothing."""
    try:
        holder = json.loads((state_dir / LOCK_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}


def describe(holder: dict[str, object]) -> str:
    """One phrase for a holder: "daemon (pid 12)"."""
    if not holder:
        return "another process"
    return f"{holder.get('role', 'a process')} (pid {holder.get('pid', '?')})"


def is_held(state_dir: Path) -> dict[str, object] | None:
    """The holder while somebody holds the lock, else None. Never takes it away from anybody."""
    try:
        fd = os.open(state_dir / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # A shared lock conflicts with the writer's only; `acquire` is patient with this instant.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read_holder(state_dir) or {"role": "a process"}
    finally:
        os.close(fd)
    return None
