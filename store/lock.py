"""Who may write: an flock on `writer.lock` in the state directory.

The lock dies with its process, however it ends. The file's content says who holds it, and what is
wrong with the state directory, for people; its modification time is the holder's last sign of life.
Both are written in place and need no room, so they work where the event log does not any more.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Mapping

from store.errors import LockHeldError, StoreError
from store.ownership import PRIVATE_FILE, expect_own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

LOCK_FILE = "writer.lock"
BLOCK = 4096
"""Bytes of the content, padded: written at once and within the file system's first block."""

SILENT_S = 60.0
"""Without a sign of life for so long, a holder that gives any does not respond."""


class WriterLock:
    """Exclusive right to write the state directory, held until `release` or the process ends."""

    def __init__(self, state_dir: Path, role: str) -> None:
        """`role` is what people call the holder: "daemon", "cadenza env finetune"."""
        self.path = state_dir / LOCK_FILE
        self.role = role
        self._fd: int | None = None
        self._since = int(time.time())
        self._more: dict[str, object] = {}

    def acquire(self, patience: float = 0.5) -> WriterLock:
        """Take the lock or raise LockHeldError naming the holder.

        `patience` (seconds) outlasts a `status` that tests the lock for an instant. Raises
        StoreError for a state directory that others can write.
        """
        expect_own(self.path.parent)
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        except OSError as error:
            raise StoreError(
                f"{self.path}: {error.strerror}",
                hint="the state directory must be writable; --state DIR names another",
            ) from error
        self._take(fd, patience)
        return self

    def _take(self, fd: int, patience: float) -> None:
        """Lock an open file, and say so in it."""
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
        self._fd, old = fd, self._fd
        self.tell()
        if old is not None:
            os.close(old)

    def tell(self, **more: object) -> None:
        """Say who holds the lock, and `more` from now on; what does not fit is left out."""
        self._more |= more
        if self._fd is None:
            return
        holder = {"pid": os.getpid(), "role": self.role, "since": self._since}
        text = json.dumps(holder | self._more).encode()
        if len(text) > BLOCK:
            text = json.dumps(holder).encode()
        with contextlib.suppress(OSError):
            os.pwrite(self._fd, text.ljust(BLOCK), 0)

    def beat(self) -> None:
        """Give a sign of life; whoever has given one is expected to give more."""
        if "beats" not in self._more:
            self.tell(beats=True)
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.utime(self._fd)

    def is_in_place(self) -> bool:
        """Whether the lock that is held is the one that others see."""
        if self._fd is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._fd), self.path.stat())
        except OSError:
            return False

    def put_back(self) -> None:
        """Take the lock of a state directory that was deleted, or replaced, under its holder.

        Raises LockHeldError when somebody else has it by now, StoreError when it cannot be made.
        """
        self.acquire(patience=0.0)

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


def read_holder(state_dir: str | Path) -> dict[str, object]:
    """What the lock file says of its holder; {} when it says nothing."""
    try:
        with open(os.path.join(state_dir, LOCK_FILE), "rb") as file:
            holder = json.loads(file.read())
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}


def silent_s(holder: Mapping[str, object], now: float) -> float | None:
    """For how long a holder has not responded; None while it does, or says nothing of itself.

    `holder` as `is_held` has it, `now` in Unix seconds. A stopped process is silent at once.
    """
    seen, pid = holder.get("seen_at"), holder.get("pid")
    if not holder.get("beats") or not isinstance(seen, float) or not isinstance(pid, int):
        return None
    age = max(0.0, now - seen)
    return age if age > SILENT_S or _is_stopped(pid) else None


def _is_stopped(pid: int) -> bool:
    """Whether a signal (SIGSTOP) or a debugger has stopped a process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            state = file.read().rpartition(b") ")[2][:1]
    except OSError:
        return False
    return state in (b"T", b"t")


def describe(holder: dict[str, object]) -> str:
    """One phrase for a holder: "daemon (pid 12)"."""
    if not holder:
        return "another process"
    return f"{holder.get('role', 'a process')} (pid {holder.get('pid', '?')})"


def is_held(state_dir: str | Path) -> dict[str, object] | None:
    """The holder while somebody holds the lock, else None. Never takes it away from anybody."""
    try:
        fd = os.open(os.path.join(state_dir, LOCK_FILE), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # A shared lock conflicts with the writer's only; `acquire` is patient with this instant.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = read_holder(state_dir) or {"role": "a process"}
        return holder | {"seen_at": os.fstat(fd).st_mtime}
    finally:
        os.close(fd)
    return None
