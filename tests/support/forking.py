"""Commands and jobs in forks of a process that has torch and all of ours imported.

Importing torch and PEFT takes five seconds, what a job of the judge needs one and a half, a command
of ours half of one: tests that run hundreds of them are about something else. Daemons, and whatever
they start, are processes of their own.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cadenzad.cli import daemon, programs
from cadenzad.jobs import process
from cadenzad.jobs.child import __main__ as child
from store import interpreter

PROGRAMS: dict[str, Callable[[Sequence[str]], int]] = {
    "cadenzad": daemon.main,
    "cadenzactl": programs.cadenzactl,
    "cadenza": programs.cadenza,
}
FORKS = multiprocessing.get_context("forkserver")
OF_JOBS = ("httpcore", "jsonschema", "detect_secrets.core.scan")
OURS = ("forking", "cadenzad.daemon", "handlers.judge.job", "handlers.lora.job")
FORKS.set_forkserver_preload(["torch", "peft", "mujoco", "groq", *OF_JOBS, *OURS])
SERVER = forkserver._forkserver  # type: ignore[attr-defined]


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
        SERVER.ensure_running()
        address = SERVER._forkserver_address
        place = (os.getcwd(), dict(environ), str(out), str(err), address)
        started = FORKS.Process(target=_child, args=(function, arguments, *place))
        started.start()
        try:
            started.join(timeout)
            if started.exitcode is None:
                started.kill()
                started.join()
                raise AssertionError(f"not done in {timeout:g} s: {function} {arguments}")
            code = started.exitcode
        finally:
            started.close()
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
    address: str,
) -> None:
    os.chdir(cwd)
    _surround(environ)
    for descriptor, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), descriptor)
    # A fork of the server knows nothing of it, and would start another.
    SERVER._forkserver_address, SERVER.ensure_running = address, lambda: None
    spawned = process.start

    def start(module: str = process.CHILD, **environ: str) -> Any:
        forked = module == process.CHILD and not environ
        return ForkedJob(err) if forked else spawned(module, **environ)

    process.start = start
    sys.exit(function(*arguments))


def _surround(environ: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environ)


class ForkedJob:
    """The child of a job as `cadenzad.jobs.process.start` gives it, as far as that is used.

    It does not die with who started it, whose child it is not: kills are for daemons.
    """

    def __init__(self, err: str) -> None:
        """`err`: the file that standard error is."""
        requests, theirs = FORKS.Pipe(duplex=False)
        ours, lines = FORKS.Pipe(duplex=False)
        environ = process._environ()
        self._process = FORKS.Process(target=_job, args=(requests, lines, environ, err))
        self._process.start()
        requests.close()
        lines.close()
        self.pid = self._process.pid
        self.stdin = os.fdopen(os.dup(theirs.fileno()), "wb")
        self.stdout = os.fdopen(os.dup(ours.fileno()), "rb")
        theirs.close()
        ours.close()

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("a job", timeout or 0.0)
        return self._process.exitcode


def _job(requests: Connection, lines: Connection, environ: Mapping[str, str], err: str) -> None:
    os.setsid()
    os.chdir(interpreter.FOLDER)
    _surround(environ)
    os.dup2(requests.fileno(), 0)
    os.dup2(lines.fileno(), 1)
    os.dup2(os.open(err, os.O_WRONLY | os.O_APPEND), 2)
    requests.close()
    lines.close()
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the job's request comes there
    die_with = interpreter.die_with

    def spare(_parent: int) -> None:
        """Once: who started it is not its parent. What it starts itself dies with it."""
        interpreter.die_with = die_with

    interpreter.die_with = spare
    sys.exit(child.main())
