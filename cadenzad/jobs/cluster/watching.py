"""The daemon's end of the process that looks at the cluster: what it said last, and when.

It is started by the thread that starts the jobs' children, with which it ends, and started anew
when it has ended: a cluster that is not there costs a process every AGAIN_S, and no event.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess

from cadenzad.jobs import process as processes
from cadenzad.jobs.cluster.standing import Standing

MODULE = "cadenzad.jobs.cluster.watch"
AGAIN_S = 10.0
SILENT_S = 30.0
"""A driver whose head node is cut off hangs for as long as it likes."""


class Watching:
    """What is known of the cluster at `address`. Times are of time.monotonic, in seconds."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.standing: Standing | None = None
        self.next_s = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self._heard_at = 0.0

    @property
    def fd(self) -> int | None:
        """Its stdout, for a selector; None while there is no process."""
        if self._process is None or self._process.stdout is None:
            return None
        return self._process.stdout.fileno()

    def turn(self, now: float) -> bool:
        """Start the process when that is due, and end one that hangs; whether there are news."""
        if self._process is None:
            if now < self.next_s:
                return False
            self._process = processes.start(MODULE)
            assert self._process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(json.dumps({"address": self.address}).encode() + b"\n")
                self._process.stdin.flush()
            self._heard_at, self.next_s = now, now + SILENT_S
            return False
        if now - self._heard_at < SILENT_S:
            return False
        self.close()
        self.next_s = now + AGAIN_S
        trouble = f"{self.address}: has not answered for {SILENT_S:g} s"
        self.standing = Standing(trouble=trouble, fix="`ray status` on the head node")
        return True

    def read(self, now: float) -> bool:
        """Take in what it said; whether that is another standing than before."""
        fd = self.fd
        if fd is None:
            return False
        data = os.read(fd, 1 << 16)
        before = self.standing
        if not data:
            self.close()
            self.next_s = now + AGAIN_S
            if before is None or not before.trouble:
                self.standing = Standing(
                    trouble=f"{self.address}: the connection was lost",
                    fix="it is made anew; `ray status` on the head node says how it is",
                )
            return self.standing != before
        self._heard_at, self.next_s = now, now + SILENT_S
        *lines, self._unread = (self._unread + data).split(b"\n")
        if lines:
            self.standing = Standing.from_json(json.loads(lines[-1]))
        return self.standing != before

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            processes.kill(self._process)
        self._process, self._unread = None, b""
