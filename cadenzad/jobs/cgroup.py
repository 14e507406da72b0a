"""Keep jobs from starving the daemon: a control group of their own, and low priority anywhere.

Where systemd delegates the unit's control group to us (`Delegate=` in the units), it becomes

    cadenzad@alice.service/          the unit's limits: MemoryMax=, TasksMax=
    ├── daemon/                      the daemon itself
    └── jobs/                        its jobs: less memory and fewer tasks than the unit may have,
                                     by what the daemon needs; a tenth of the daemon's CPU weight

A retrain that takes too much memory is ended by the kernel within jobs/; the daemon keeps its
reserve. Without delegation (cron, a terminal, cgroup v1) jobs still run at nice 10, and are what
the kernel ends first when memory runs out.

    confinement = Confinement.prepare()      once, by the daemon as it starts
    confinement.take(process.pid)            for each child, before it does anything heavy
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable
from pathlib import Path

log = logging.getLogger("cadenzad.confine")

CGROUPS = Path("/sys/fs/cgroup")
PROC = Path("/proc")
DAEMON, JOBS = "daemon", "jobs"
CONTROLLERS = ("cpu", "memory", "pids")
DAEMON_WEIGHT, JOBS_WEIGHT = 100, 10
RESERVED_BYTES, RESERVED_TASKS = 384 * 1024**2, 128
"""What of the unit's limits is kept for the daemon."""
NICE = 10
OOM_SCORE = 500


class Confinement:
    """Where jobs are put. `limits`: control file -> value, as written into `jobs`."""

    def __init__(self, jobs: Path | None = None, limits: dict[str, int] | None = None) -> None:
        self.jobs = jobs
        self.limits = limits or {}

    @classmethod
    def prepare(cls, cgroups: Path = CGROUPS, proc: Path = PROC) -> Confinement:
        """Split the delegated control group of this process. Never fails: at worst, no group."""
        unit = delegated_group(cgroups, proc)
        if unit is None:
            reason = "no control group is delegated to the daemon"
            log.info("jobs get a low priority only", extra={"reason": reason})
            return cls()
        try:
            return cls(unit / JOBS, _split(unit, cgroups))
        except OSError as error:
            extra = {"group": str(unit), "reason": error.strerror}
            log.warning("jobs get a low priority only", extra=extra)
            return cls()

    def take(self, pid: int) -> None:
        """Put a child of ours, and what it will start, where jobs belong."""
        try:
            if self.jobs is not None:
                (self.jobs / "cgroup.procs").write_text(str(pid))
            os.setpriority(os.PRIO_PROCESS, pid, NICE)
            (PROC / str(pid) / "oom_score_adj").write_text(str(OOM_SCORE))
        except (ProcessLookupError, FileNotFoundError):
            pass  # it has ended already
        except OSError as error:
            log.warning("job not confined", extra={"pid": pid, "reason": error.strerror})


def delegated_group(cgroups: Path = CGROUPS, proc: Path = PROC) -> Path | None:
    """The control group of this process if systemd has delegated it to us (cgroup v2 only)."""
    try:
        lines = (proc / "self/cgroup").read_text().splitlines()
        own = next(line[3:] for line in lines if line.startswith("0::"))
        group = cgroups / own.lstrip("/")
        # A user owns the groups of a whole login session; only this mark says "yours to divide".
        return group if os.getxattr(group, "user.delegate") == b"1" else None
    except (OSError, StopIteration):
        return None


def _split(unit: Path, cgroups: Path) -> dict[str, int]:
    """Make `daemon` and `jobs` in `unit`, move this process and limit the jobs."""
    for name in (DAEMON, JOBS):
        (unit / name).mkdir(exist_ok=True)
    # A group with limited children may hold no process itself, so we move out first.
    (unit / DAEMON / "cgroup.procs").write_text(str(os.getpid()))
    have = (unit / "cgroup.controllers").read_text().split()
    usable = [name for name in CONTROLLERS if name in have]
    if usable:
        (unit / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in usable))
    limits = {name: value for name, value in _limits(unit, cgroups) if name.split(".")[0] in usable}
    for name, value in limits.items():
        (unit / JOBS / name).write_text(str(value))
    if "cpu" in usable:
        (unit / DAEMON / "cpu.weight").write_text(str(DAEMON_WEIGHT))
    log.info("jobs confined", extra={"group": str(unit / JOBS), **limits})
    return limits


def _limits(unit: Path, cgroups: Path) -> Iterable[tuple[str, int]]:
    """What `jobs` may take: what the unit may, less what the daemon needs, but at least half."""
    yield "cpu.weight", JOBS_WEIGHT
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    memory = _lowest(unit, cgroups, "memory.max", physical)
    yield "memory.max", max(memory - RESERVED_BYTES, memory // 2)
    tasks = _lowest(unit, cgroups, "pids.max", 4096)
    yield "pids.max", max(tasks - RESERVED_TASKS, tasks // 2)


def _lowest(unit: Path, cgroups: Path, file: str, otherwise: int) -> int:
    """The tightest limit from `unit` up to the root, and not above `otherwise`."""
    lowest = otherwise
    for group in (unit, *unit.parents):
        if not group.is_relative_to(cgroups):
            break
        with contextlib.suppress(OSError, ValueError):  # the root has no such file; "max"
            lowest = min(lowest, int((group / file).read_text()))
    return lowest
