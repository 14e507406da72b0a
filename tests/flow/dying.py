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


if __name__ == "__main__":
    arm(sys.argv[1])
    from cadenzad.cli.daemon import main

    sys.exit(main(sys.argv[2:]))
