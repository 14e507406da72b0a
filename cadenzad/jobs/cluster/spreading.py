"""Parts of a computation as Ray tasks, gathered in their order."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cadenzad.jobs.cluster import shim
from cadenzad.jobs.cluster.bundle import Bundle
from cadenzad.jobs.protocol import Ask
from handlers.project.paths import inside
from handlers.routes import PARTS
from store.errors import CadenzaError

log = logging.getLogger("cadenzad.jobs.spread")

PATIENCE_S = 60.0
"""So long nothing may come back while nothing is free: then whoever asked computes by itself. Two
jobs that hold all there is, and wait for each other's parts, would wait for ever."""

NAMES = {"num_cpus": "CPU", "num_gpus": "GPU"}
"""What ray's options and its counts call the same."""

SETTLED_S = 3.0
"""Ray counts what a task has given back a while after that."""


class Spreader:
    """`project`: whose files parts may ask for. `resources`: what a part takes, as ray names it."""

    def __init__(self, project: Path, resources: Mapping[str, float]) -> None:
        self._project = project
        self._resources = {name: value for name, value in resources.items() if value}
        self._refs: list[Any] = []
        self._given = 0
        self._came_at = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for parts."""
        return self._given < len(self._refs)

    @property
    def width(self) -> int:
        """How many parts find room now."""
        import ray

        free = ray.available_resources()
        rooms = [free.get(NAMES.get(name, name), 0.0) / v for name, v in self._resources.items()]
        return int(min(rooms, default=1.0))

    def begin(self, ask: Ask) -> None:
        """Hand parts out; what becomes of them comes by `answers`."""
        import ray

        self._refs, self._given, self._came_at = [], 0, time.monotonic()
        if ask.function not in PARTS or not self._has_room(SETTLED_S):
            self._refs = [None]  # which `answers` declines
            return
        try:
            files = {name: inside(self._project, Path(name)) for name in ask.files}
            bundle = Bundle.of(files, whole=True)
        except CadenzaError as error:
            log.warning("parts of a job stay where they are: %s", error.message)
            self._refs = [None]
            return
        small = ray.put(bundle.small)
        compute = ray.remote(shim.compute).options(**self._resources, max_retries=2)
        wanted, manifest = shim.here(), bundle.manifest()
        self._refs = [
            compute.remote(wanted, ask.function, manifest, small, json.dumps(part))
            for part in ask.parts
        ]

    def answers(self) -> Iterator[Mapping[str, Any]]:
        """What the child is told: the values there are by now, in their order."""
        while self.is_busy:
            ref = self._refs[self._given]
            answer = self._answer(ref) if ref is not None else _declined("no room")
            if answer is None:
                return
            if "declined" in answer:
                self._drop()
            self._given += 1
            self._came_at = time.monotonic()
            yield answer

    def _answer(self, ref: Any) -> Mapping[str, Any] | None:
        import ray

        ready, _ = ray.wait([ref], timeout=0)
        if not ready:
            waited = time.monotonic() - self._came_at
            is_stuck = waited > PATIENCE_S and not self._has_room() and not self._any_ready()
            return _declined("everything is in use") if is_stuck else None
        try:
            problem, error, value = ray.get(ref)
        except ray.exceptions.RayError as lost:
            log.warning("a part of a job was lost: %s", str(lost).partition("\n")[0])
            return _declined("lost")
        if problem:
            log.warning("parts of a job are computed where it is: %s", problem)
            return _declined(problem)
        return {"error": error} if error else {"value": json.loads(value)}

    def _any_ready(self) -> bool:
        import ray

        rest = self._refs[self._given :]
        return bool(ray.wait(rest, num_returns=1, timeout=0)[0])

    def _has_room(self, within_s: float = 0.0) -> bool:
        deadline = time.monotonic() + within_s
        while self.width < 1:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        return True

    def _drop(self) -> None:
        """What nobody waits for any more."""
        import ray

        for ref in self._refs[self._given :]:
            if ref is not None:
                ray.cancel(ref, force=True)
        self._refs = self._refs[: self._given + 1]


def _declined(why: str) -> Mapping[str, Any]:
    return {"declined": why}
