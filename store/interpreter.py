"""A Python process of ours imports installed code alone, wherever and by whomever it is started.

`python -m` puts the working directory first on sys.path, and PYTHONPATH, PYTHONHOME and
PYTHONSTARTUP reach every child: a file `torch.py` or `store.py` in a robot's project would be run
by the next job, with the job's key. And a child that outlives a killed parent goes on at files that
somebody else takes for his by then.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Collection, Mapping

ISOLATED = ("-P", "-E")
"""-P: no folder of the caller's on sys.path; -E: no variable of the caller's counts."""

FOLDER = "/"
"""Where a child of ours starts: a folder that holds nothing it could take for its own."""

PR_SET_PDEATHSIG = 1


def command(*arguments: str) -> list[str]:
    """A command line of this interpreter, isolated: `command("-m", "store.opening", path)`."""
    return [sys.executable, *ISOLATED, *arguments]


def environ(without: Collection[str] = (), given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for a child: nothing that is Python's own, and nothing in `without`."""
    return {
        name: value
        for name, value in given.items()
        if not name.startswith("PYTHON") and name not in without
    }


def die_with(parent: int) -> None:
    """Have the kernel kill this process when the parent's thread that started it ends.

    Ends at once if that has happened already: then somebody else is the parent. Raises OSError.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os._exit(1)
