"""What a command costs: CPU time, user and system, of a new process and all that it starts.

Commands are run from compiled code, as an installation runs them: an environment that forbids
Python to keep what it compiled would have every start compile everything.
"""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from report import CHECKOUT

BIN = Path(sys.executable).parent
BARE = (sys.executable, "-c", "import sqlite3")
"""The least that a program in Python which reads the event log can cost."""


def cpu_ms(command: Sequence[str | Path], code: int = 0) -> float:
    """Milliseconds of CPU time from start to exit. Ends the benchmark for another exit code."""
    process = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=_environ(),
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != code:
        words = " ".join(map(str, command))
        raise SystemExit(f"{words}: exit code {process.returncode}: {said.decode()}")
    return 1000 * (used.ru_utime + used.ru_stime)


@cache
def _environ() -> dict[str, str]:
    for package in ("store", "handlers", "cadenzad"):
        compileall.compile_dir(CHECKOUT / package, quiet=1)
    ours = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "CADENZAD_STATE")
    return {name: value for name, value in os.environ.items() if name not in ours}
