"""A Ray cluster as the executor: which jobs use it, and whether they can now.

A job that cannot begin stays queued: the order of the queue holds, attempts do not count, and
`status` says once what all of them wait for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cadenzad.config.cluster import RaySettings
from cadenzad.config.settings import Config
from cadenzad.jobs.cluster.connection import INSTALL, installed
from cadenzad.jobs.cluster.standing import Standing
from cadenzad.jobs.cluster.watching import Watching
from cadenzad.jobs.process import CHILD
from handlers.routes import AWAY

SUBMIT = "cadenzad.jobs.cluster.submit"
LOOKING = "the cluster is being looked for"


class Cluster:
    """For the jobs' thread alone: processes end with the thread that started them."""

    def __init__(self, config: Config) -> None:
        self._settings, self._lease = config.jobs.ray, config.jobs.lease
        self._watching = Watching(self._settings.address)
        if not installed():
            self._watching.standing = Standing(trouble="ray is not installed", fix=INSTALL)
            self._watching.next_s = float("inf")
        self._is_refused = False

    @property
    def is_settled(self) -> bool:
        return self._watching.standing is not None

    @property
    def fd(self) -> int | None:
        return self._watching.fd

    @property
    def next_s(self) -> float | None:
        return self._watching.next_s

    def module(self, kind: str) -> str:
        return SUBMIT if self._uses(kind) else CHILD

    def request(self, kind: str) -> Mapping[str, Any]:
        return request_of(self._settings, kind, self._lease) if self._uses(kind) else {}

    def obstacle(self, kind: str) -> str:
        # What stays here begins without the cluster too: its parts are computed here then.
        if not self._uses(kind) or kind not in AWAY:
            return ""
        standing = self._watching.standing
        if standing is None:
            return LOOKING
        return standing.obstacle(getattr(self._settings, kind).needs())

    def turn(self, now: float) -> bool:
        refused, self._is_refused = self._is_refused, False
        return self._watching.turn(now) or refused

    def read(self, now: float) -> bool:
        return self._watching.read(now)

    def live(self) -> Mapping[str, Any]:
        standing = self._watching.standing or Standing(trouble=LOOKING)
        needs = {kind: getattr(self._settings, kind).needs() for kind in AWAY if self._uses(kind)}
        waits = {kind: self.obstacle(kind) for kind in needs}
        return {
            "address": self._watching.address,
            **standing.as_json(),
            "needs": needs,
            "waits": {kind: why for kind, why in waits.items() if why},
        }

    def refuse(self, why: str) -> None:
        # Sooner than the watch can tell: it waits for an answer that may yet come.
        self._watching.standing = Standing(trouble=why)
        self._is_refused = True

    def reconfigure(self, config: Config) -> None:
        # Where the cluster is needs a restart.
        address = self._settings.address
        self._settings = config.jobs.ray.model_copy(update={"address": address})
        self._lease = config.jobs.lease

    def close(self) -> None:
        self._watching.close()

    def _uses(self, kind: str) -> bool:
        return kind in self._settings.kinds


def request_of(settings: RaySettings, kind: str, lease: float) -> Mapping[str, Any]:
    """What SUBMIT is told besides what every job's child is. Resources are as ray's options have
    them; a job that stays takes nothing itself."""
    cluster = {
        "address": settings.address,
        "lease": lease,
        "resources": getattr(settings, kind).options() if kind in AWAY else {},
        "parts": settings.parts(kind).options(),
    }
    return {"kind": kind, "cluster": cluster}
