"""Commands and jobs in forks of a process that has torch and all of ours imported.

Importing torch and PEFT takes five seconds, a command of ours half of one: tests that run hundreds
of them are about something else. Daemons, and whatever they start, are processes of their own.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cadenzad.cli import daemon, programs

PROGRAMS: dict[str, Callable[[Sequence[str]], int]] = {
    "cadenzad": daemon.main,
    "cadenzactl": programs.cadenzactl,
    "cadenza": programs.cadenza,
}
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["torch", "peft", "mujoco", "groq", "cadenzad.daemon"])


def run(
    command: str, arguments: Sequence[str], environ: Mapping[str, str], timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run one of our commands to its end."""
    return call(PROGRAMS[command], list(arguments), environ=environ, timeout=timeout)


def call(
    function: Callable[..., int | None],
    *arguments: Any,
    environ: Mapping[str, str],
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Call a function to its end, in a process of its own whose exit code it returns."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        place = (os.getcwd(), dict(environ), str(out), str(err))
        process = FORKS.Process(target=_child, args=(function, arguments, *place))
        process.start()
        try:
            process.join(timeout)
            if process.exitcode is None:
                process.kill()
                process.join()
                raise AssertionError(f"not done in {timeout:g} s: {function} {arguments}")
            code = process.exitcode
        finally:
            process.close()
        return subprocess.CompletedProcess(
            [function, *arguments], code, out.read_text("utf-8"), err.read_text("utf-8")
        )


def _child(
    function: Callable[..., int | None],
    arguments: Sequence[Any],
    cwd: str,
    environ: Mapping[str, str],
    out: str,
    err: str,
) -> None:
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    for descriptor, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), descriptor)
    sys.exit(function(*arguments))
