"""A child process of ours: what is known of it, and how it is started, signalled and ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass, field
from typing import Any

from cadenzad.config.files import Jobs as JobsConfig
from store.events.base import Event
from store.reads.state import JobRow

GRACE_S = 5.0


@dataclass
class _Child:
    """A running child and what is known of it."""

    job: JobRow
    attempt: int
    process: subprocess.Popen[bytes]
    lease_until: float
    deadline: float
    buffer: bytes = b""
    outcome: dict[str, Any] | None = None
    shown: float = 0.0
    ended_because: str = ""
    kill_at: float | None = None
    step: str = ""
    limits: JobsConfig = field(default_factory=JobsConfig)
    events: list[Event] = field(default_factory=list)

    @property
    def fd(self) -> int:
        assert self.process.stdout is not None
        return self.process.stdout.fileno()


def _child_environ() -> dict[str, str]:
    """A child's environment: one thread for numeric libraries, no key that is not its business."""
    private = ("GROQ_API_KEY", "CREDENTIALS_DIRECTORY")
    environ = {key: value for key, value in os.environ.items() if key not in private}
    return {"OMP_NUM_THREADS": "1", **environ, "PYTHONUNBUFFERED": "1"}


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Signal a child and whatever it started (it leads a session of its own)."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _kill(process: subprocess.Popen[bytes]) -> None:
    _signal(process, signal.SIGKILL)
    _reap(process)


def _reap(process: subprocess.Popen[bytes]) -> int:
    """The exit code; a child that closed its output and lingers is not waited for long."""
    try:
        code = process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGKILL)
        code = process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
    return code


def _how_it_died(code: int, step: str) -> str:
    at = f" at the step: {step}" if step else ""
    if code >= 0:
        return f"it ended with {code} and said nothing{at}"
    name = signal.Signals(-code).name
    hint = " (out of memory?)" if name == "SIGKILL" else ""
    return f"it was killed by {name}{hint}{at}"
