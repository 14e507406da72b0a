"""A Python process of ours imports installed code alone, wherever and by whomever it is started.

`python -m` puts the working directory first on sys.path, and PYTHONPATH, PYTHONHOME and
PYTHONSTARTUP reach every child: a file `torch.py` or `store.py` in a robot's project would be run
by the next job, with the job's key. And a child that outlives a killed parent goes on at files that
somebody else takes for his by then.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Collection, Mapping, Sequence

ISOLATED = ("-P", "-E")
"""-P: no folder of the caller's on sys.path; -E: no variable of the caller's counts."""

FOLDER = "/"
"""Where a child of ours starts: a folder that holds nothing it could take for its own."""

SECRET = (
    "GROQ_API_KEY",
    "OPENAI_API_KEY",
    "CREDENTIALS_DIRECTORY",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
)
"""Variables that hold a key, or lead to one: no child's business."""

PLAIN = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
"""All that a child needs to start that has nothing to ask of its surroundings."""

SAFE = {"PYTHONSAFEPATH": "1"}
"""-P for those that others start: what a package starts gets no options of ours."""

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4

_DYING = """
import sys
from store import interpreter{also}
interpreter.die_with(int(sys.argv.pop())){first}
for name in [name for name in sys.modules if name.partition(".")[0] == "store"]:
    del sys.modules[name]
del interpreter, name
"""
"""What code begins with that is somebody else's: it finds no module of ours loaded already."""


def command(*arguments: str) -> list[str]:
    """A command line of this interpreter, isolated: `command("-m", "store.opening", path)`."""
    return [sys.executable, *ISOLATED, *arguments]


def script(
    code: str,
    *arguments: str,
    options: Sequence[str] = (),
    hidden: Collection[str] | None = None,
) -> list[str]:
    """A command line, isolated, of code that dies with the thread that starts it.

    With `hidden` (store.landlock) it looks into no other process and reads nothing at these paths.
    """
    also, first = "", ""
    if hidden is not None:
        also, first = ", landlock", f"\nlandlock.shut_off({list(hidden)!r})\ndel landlock"
    begin = _DYING.format(also=also, first=first)
    return command(*options, "-c", begin + code, *arguments, str(os.getpid()))


def environ(without: Collection[str] = (), given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for a child: nothing of Python's own but SAFE, and nothing in `without`."""
    kept = {name: value for name, value in given.items() if not name.startswith("PYTHON")}
    return {name: value for name, value in {**kept, **SAFE}.items() if name not in without}


def shield() -> None:
    """Have what other packages start from this process be as our own children are.

    MuJoCo's window library runs `python -c "import ctypes"` when it is imported: in the folder that
    somebody stands in, which would import what lies there.
    """
    for name in [name for name in os.environ if name.startswith("PYTHON")]:
        del os.environ[name]
    os.environ.update(SAFE)


def plain_environ(given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for a child that needs nothing of ours: what is in PLAIN."""
    return {name: given[name] for name in PLAIN if name in given}


def die_with(parent: int) -> None:
    """Have the kernel kill this process when the parent's thread that started it ends.

    Ends at once if that has happened already: then somebody else is the parent. Raises OSError.
    """
    _signal_at_end_of_parent(signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def hide_memory() -> None:
    """Have no other process of this user look into this one: it holds a key.

    Neither memory nor environment; nor is there a core dump of it. A process that it starts is as
    any other. Raises OSError.
    """
    _prctl(PR_SET_DUMPABLE, 0)


def end_group_with_us() -> None:
    """Have everything in the process group that we lead end when we end, however we do.

    What we start, and what that starts, may outlive us: a kill reaches one process, and a child's
    child has not asked to die with anybody. A process of its own waits for our end and then ends
    the group, itself with it. To be called before there are threads. Raises OSError.
    """
    leader = os.getpid()
    if os.getpgrp() != leader:
        raise ChildProcessError(f"process {leader} does not lead its group")
    if os.fork() != 0:
        return
    try:
        # What asks the group to end is for the leader to hear.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        os.closerange(0, os.sysconf("SC_OPEN_MAX"))  # whoever reads our output waits for its end
        _signal_at_end_of_parent(signal.SIGUSR1)
        if os.getppid() == leader:
            signal.sigwait([signal.SIGUSR1])
        os.killpg(leader, signal.SIGKILL)
    finally:
        os._exit(1)


def _signal_at_end_of_parent(number: int) -> None:
    _prctl(PR_SET_PDEATHSIG, number)


def _prctl(option: int, value: int) -> None:
    import ctypes  # every command imports this module, and few need it

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option})")
