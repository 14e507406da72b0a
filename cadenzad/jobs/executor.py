"""Where jobs are done: what the queue asks of it, and the executor that is this machine.

An executor decides which process stands for a job, what that process is told besides the request,
and whether a job may begin now. All else (leases, timeouts, attempts, results) is the runner's, and
the same for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from cadenzad.config.settings import Config
from cadenzad.jobs.process import CHILD


class Executor(Protocol):
    """Used by the jobs' thread alone."""

    def module(self, kind: str) -> str:
        """What a process that stands for such a job runs."""
        ...

    def request(self, kind: str) -> Mapping[str, Any]:
        """What that process is told besides what every job's child is."""
        ...

    def obstacle(self, kind: str) -> str:
        """Why such a job cannot begin now, and what helps; "" when it can."""
        ...

    @property
    def is_settled(self) -> bool:
        """Whether `obstacle` knows; before, it says that it is being looked."""
        ...

    @property
    def fd(self) -> int | None:
        """What there may be news on, for a selector."""
        ...

    @property
    def next_s(self) -> float | None:
        """When `turn` is to be called although there are no news; of time.monotonic."""
        ...

    def turn(self, now: float) -> bool:
        """Do what is due; whether `obstacle` or `live` changed by it."""
        ...

    def read(self, now: float) -> bool:
        """Take news from `fd`; whether `obstacle` or `live` changed by it."""
        ...

    def live(self) -> Mapping[str, Any] | None:
        """What `status` shows of it; None for nothing."""
        ...

    def refuse(self, why: str) -> None:
        """A job found nobody there: until it looks otherwise, that is the obstacle."""
        ...

    def reconfigure(self, config: Config) -> None:
        """New settings, as far as they need no restart."""
        ...

    def close(self) -> None:
        """End what it started."""
        ...


class Local:
    """This machine: each job is a child of the daemon's."""

    is_settled = True
    fd = None
    next_s = None

    def module(self, kind: str) -> str:
        return CHILD

    def request(self, kind: str) -> Mapping[str, Any]:
        return {}

    def obstacle(self, kind: str) -> str:
        return ""

    def turn(self, now: float) -> bool:
        return False

    def read(self, now: float) -> bool:
        return False

    def live(self) -> None:
        return None

    def refuse(self, why: str) -> None:
        pass

    def reconfigure(self, config: Config) -> None:
        pass

    def close(self) -> None:
        pass


def executor_of(config: Config) -> Executor:
    """The one that `jobs.executor` names."""
    if config.jobs.executor == "ray":
        from cadenzad.jobs.cluster.executor import Cluster

        return Cluster(config)
    return Local()
