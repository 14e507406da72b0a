"""A cadenzad that kills itself with SIGKILL at a named point. Run as a script by test_crash.py.

    python dying.py MODULE:QUALNAME:before|after:COUNT [cadenzad's arguments ...]

The process dies just before (or just after) the COUNT-th call of that function: nothing is flushed,
closed or undone, as at a power cut but for the page cache. A fifth field `:parent` takes the
process that started it along.
"""

from __future__ import annotations

import importlib
import itertools
import os
import signal
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any


def arm(point: str) -> None:
    module_name, qualname, when, count, *also = point.split(":")
    parent = os.getppid()

    def die() -> None:
        if also:
            os.kill(parent, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    owner = importlib.import_module(module_name)
    *path, name = qualname.split(".")
    for part in path:
        owner = getattr(owner, part)
    original = getattr(owner, name)
    calls = itertools.count(1)  # which is one step, also among threads

    @wraps(original)
    def dying(*args, **kwargs):
        is_last = next(calls) == int(count)
        if is_last and when == "before":
            die()
        result = original(*args, **kwargs)
        if is_last:
            die()
        return result

    setattr(owner, name, dying)


def job(
    point: str,
    function: str,
    spec: Mapping[str, Any],
    project: Path,
    state: Path,
    settings: Any,
    key: str | None = None,
) -> None:
    """Do a job, named as in handlers.routes, that dies at a point."""
    from handlers.jobs import JobContext  # nothing of ours is imported before a daemon is armed

    module, _, name = function.partition(":")
    work = getattr(importlib.import_module(module), name)
    arm(point)
    work(JobContext(spec, project, state, lambda _: None, settings, key))


DIES_ONCE = """
import os, sys
from store import interpreter
isolated = interpreter.command
def command(*arguments):
    if "cadenzad.jobs.child" not in arguments or os.path.exists({marker!r}):
        return isolated(*arguments)
    if {marker!r}:
        open({marker!r}, "w").close()
    code = "import sys; sys.path.insert(0, " + repr({here!r}) + "); import dying, runpy;"
    code += "dying.arm(" + repr({point!r}) + ");"
    code += "runpy.run_module('cadenzad.jobs.child', run_name='__main__', alter_sys=True)"
    return [sys.executable, "-P", "-u", "-c", code]
interpreter.command = command
"""


def die_once(house: Any, point: str) -> Path:
    """Have the daemon's next job die at a point; returns the file that is there once it began.

    A daemon takes the hook from PYTHONPATH, as whoever starts it may; its children do not.
    """
    marker = house.root / "died"
    _hook(house, point, str(marker))
    return marker


def die_with_daemon(house: Any, point: str) -> Callable[[], None]:
    """Have the next job that comes by a point die there with its daemon; call what is returned to
    have the daemons after it live."""
    hook = _hook(house, f"{point}:parent", "")

    def disarm() -> None:
        hook.unlink()
        del house.environ["PYTHONPATH"]

    return disarm


def _hook(house: Any, point: str, marker: str) -> Path:
    code = DIES_ONCE.format(marker=marker, here=str(Path(__file__).parent), point=point)
    hook: Path = house.root / "sitecustomize.py"
    hook.write_text(code)
    house.environ["PYTHONPATH"] = str(house.root)
    return hook


if __name__ == "__main__":
    arm(sys.argv[1])
    from cadenzad.cli.daemon import main

    sys.exit(main(sys.argv[2:]))
