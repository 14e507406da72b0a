"""One child process of a job: how it is started, asked to end, ended, and what is known of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadenzad.config.settings import Jobs as Limits
from cadenzad.jobs.protocol import Done, Failed, PutBack
from store import interpreter
from store.reads.state import JobRow

GRACE_S = 5.0
"""How long a child that was asked to end may take, in seconds."""


@dataclass
class Child:
    """A running child. Times are of time.monotonic, in seconds."""

    job: JobRow
    attempt: int
    process: subprocess.Popen[bytes]
    lease_until: float
    deadline: float
    limits: Limits
    unread: bytes = b""
    outcome: Done | Failed | PutBack | None = None
    progress_at: float = 0.0
    ended_because: str = ""
    kill_at: float | None = None
    step: str = ""

    @property
    def fd(self) -> int:
        """Its stdout, for a selector."""
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    @property
    def next_deadline(self) -> float:
        """When something is to be done about it even if it stays silent."""
        return min(self.lease_until, self.deadline, self.kill_at or float("inf"))

    def send_request(self, request: Mapping[str, Any]) -> None:
        """What it is to do, on its stdin; a child that died already does not hear it."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError), self.process.stdin as stdin:
            stdin.write(json.dumps(request).encode() + b"\n")

    def lines(self, data: bytes) -> list[bytes]:
        """The whole lines that are there with `data`; the rest waits for more."""
        *lines, self.unread = (self.unread + data).split(b"\n")
        return lines

    def overdue(self, now: float) -> str:
        """Why it is to be ended by its limits; "" while it keeps them."""
        if now >= self.deadline:
            return f"took longer than {self.limits.timeout:g} s"
        if now >= self.lease_until:
            return f"was silent for {self.limits.lease:g} s"
        return ""

    def terminate(self, why: str, now: float) -> None:
        """Ask it to end; what does not is killed after a grace."""
        self.ended_because = why
        self.kill_at = now + GRACE_S
        send_signal(self.process, signal.SIGTERM)

    def result(self, code: int) -> Done | Failed | PutBack:
        """How its attempt ended, given its exit code."""
        if self.ended_because:
            return Failed(f"it {self.ended_because}")
        return self.outcome or Failed(how_it_died(code, self.step))


CHILD = "cadenzad.jobs.child"
"""What runs a job's function."""


def start(module: str = CHILD, **environ: str) -> subprocess.Popen[bytes]:
    """A child that waits for its request, leading a session so that a signal reaches all of it.

    `environ`: what counts for it, whatever our own environment says.
    """
    return subprocess.Popen(
        interpreter.command("-u", "-m", module),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_environ() | environ,
        cwd=interpreter.FOLDER,
        start_new_session=True,
    )


def send_signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Signal a child and whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End it now, and wait for that."""
    send_signal(process, signal.SIGKILL)
    reap(process)


def reap(process: subprocess.Popen[bytes]) -> int:
    """The exit code; a child that closed its output and lingers is not waited for long."""
    try:
        code = process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        send_signal(process, signal.SIGKILL)
        code = process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
    return code


def _environ() -> dict[str, str]:
    """A child's environment: one thread for numeric libraries, no key that is not its business.

    Threads that wait for each other sleep: where a robot has other work they would spin for
    whole time slices (a training on two threads took three times as long so).
    """
    numeric = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    return {**numeric, **interpreter.environ(without=interpreter.SECRET)}


def how_it_died(code: int, step: str = "") -> str:
    """What is known of a child that ended with nothing said."""
    at = f" at the step: {step}" if step else ""
    if code >= 0:
        return f"it ended with {code} and said nothing{at}"
    name = signal.Signals(-code).name
    hint = " (out of memory?)" if name == "SIGKILL" else ""
    return f"it was killed by {name}{hint}{at}"
