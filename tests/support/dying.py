"""A cadenzad that kills itself with SIGKILL at a named point. Run as a script by test_crash.py.

    python dying.py MODULE:QUALNAME:before|after:COUNT [cadenzad's arguments ...]

The process dies just before (or just after) the COUNT-th call of that function: nothing is flushed,
closed or undone, as at a power cut but for the page cache.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from functools import wraps
from pathlib import Path
from typing import Any


def arm(point: str) -> None:
    module_name, qualname, when, count = point.split(":")
    owner = importlib.import_module(module_name)
    *path, name = qualname.split(".")
    for part in path:
        owner = getattr(owner, part)
    original = getattr(owner, name)
    left = [int(count)]

    @wraps(original)
    def dying(*args, **kwargs):
        left[0] -= 1
        if left[0] == 0 and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, dying)


DIES_ONCE = """
import os, sys
if "cadenzad.jobs.child" in sys.orig_argv and not os.path.exists({marker!r}):
    open({marker!r}, "w").close()
    sys.path.insert(0, {here!r})
    import dying
    dying.arm({point!r})
"""


def die_once(house: Any, point: str) -> Path:
    """Have the next job's child die at a point; returns the file that is there once it began."""
    marker = house.root / "died"
    here = str(Path(__file__).parent)
    code = DIES_ONCE.format(marker=str(marker), here=here, point=point)
    (house.root / "sitecustomize.py").write_text(code)
    house.environ["PYTHONPATH"] = str(house.root)
    return marker


if __name__ == "__main__":
    arm(sys.argv[1])
    from cadenzad.cli.daemon import main

    sys.exit(main(sys.argv[2:]))
