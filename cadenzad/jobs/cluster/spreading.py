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

AHEAD = 256
"""So many parts are handed out and not answered yet, at most: their files lie in Ray's store."""


class Spreader:
    """`project`: whose files parts may ask for. `resources`: what a part takes, as ray names it."""

    def __init__(self, project: Path, resources: Mapping[str, float]) -> None:
        self._project = project
        self._resources = {name: value for name, value in resources.items() if value}
        self._parts: _Parts | None = None
        self._came_at = -SETTLED_S

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for parts."""
        return self._parts is not None

    @property
    def width(self) -> int:
        """How many parts find room now."""
        import ray

        free = ray.available_resources()
        rooms = [free.get(NAMES.get(name, name), 0.0) / v for name, v in self._resources.items()]
        return int(min(rooms, default=1.0))

    def begin(self, ask: Ask) -> None:
        """Hand parts out; what becomes of them comes by `answers`."""
        self._parts = _Parts(self._project, self._resources, ask)
        # What a part of ours has just given back is not counted as free yet.
        just_had_room = time.monotonic() - self._came_at < SETTLED_S
        if ask.function not in PARTS:
            self._parts.problem = "it is no part of a job"
        elif not (just_had_room or self._has_room(SETTLED_S)):
            self._parts.problem = "no room"
        self._came_at = time.monotonic()

    def answers(self) -> Iterator[Mapping[str, Any]]:
        """What the child is told: the values there are by now, in their order."""
        while self._parts is not None:
            answer = self._answer(self._parts)
            if answer is None:
                return
            if "value" in answer:
                self._came_at = time.monotonic()
            if "declined" in answer or self._parts.is_done:
                self.drop()
            yield answer

    def drop(self) -> None:
        """Nobody waits for what was not answered yet."""
        if self._parts is not None:
            self._parts.cancel()
        self._parts = None

    def _answer(self, parts: _Parts) -> Mapping[str, Any] | None:
        answer = parts.next()
        if answer is None and time.monotonic() - self._came_at > PATIENCE_S:
            is_stuck = not self._has_room() and not parts.any_ready()
            return {"declined": "everything is in use"} if is_stuck else None
        return answer

    def _has_room(self, within_s: float = 0.0) -> bool:
        deadline = time.monotonic() + within_s
        while self.width < 1:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        return True


class _Parts:
    """The parts of one question: AHEAD of them are out, and answers are taken in their order.

    `problem`: why the next is not to be had there; whoever asked computes it, and all after it.
    """

    def __init__(self, project: Path, resources: Mapping[str, float], ask: Ask) -> None:
        import ray

        self.problem = ""
        self._project, self._ask = project, ask
        self._compute = ray.remote(shim.compute).options(**resources, max_retries=2)
        self._wanted = shim.here()
        self._bundles: dict[tuple[str, ...], tuple[list[Any], Any]] = {}
        self._refs: list[Any] = []
        self._given = 0

    @property
    def is_done(self) -> bool:
        return self._given == len(self._ask.parts)

    def next(self) -> Mapping[str, Any] | None:
        """The answer that is due, if it is there."""
        import ray

        self._hand_out()
        if self._given == len(self._refs):
            return {"declined": self.problem}
        ref = self._refs[self._given]
        if not ray.wait([ref], timeout=0)[0]:
            return None
        self._refs[self._given] = None
        self._given += 1
        try:
            problem, error, value = ray.get(ref)
        except ray.exceptions.RayError as lost:
            log.warning("a part of a job was lost: %s", str(lost).partition("\n")[0])
            return {"declined": "lost"}
        if problem:
            log.warning("parts of a job are computed where it is: %s", problem)
            return {"declined": problem}
        return {"error": error} if error else {"value": json.loads(value)}

    def any_ready(self) -> bool:
        """Whether one that is not due yet is there."""
        import ray

        return bool(ray.wait(self._refs[self._given :], num_returns=1, timeout=0)[0])

    def cancel(self) -> None:
        """End what is out."""
        import ray

        for ref in self._refs[self._given :]:
            ray.cancel(ref, force=True)

    def _hand_out(self) -> None:
        until = min(self._given + AHEAD, len(self._ask.parts))
        while not self.problem and len(self._refs) < until:
            index = len(self._refs)
            own = self._ask.own[index] if self._ask.own else ()
            try:
                manifest, small = self._bundle((*self._ask.files, *own), shared=not own)
            except CadenzaError as error:
                log.warning("parts of a job stay where they are: %s", error.message)
                self.problem = error.message
                return
            part = json.dumps(self._ask.parts[index])
            function = self._ask.function
            self._refs.append(self._compute.remote(self._wanted, function, manifest, small, part))

    def _bundle(self, names: tuple[str, ...], *, shared: bool) -> tuple[list[Any], Any]:
        """What a part's copy is made of: its manifest, and where its bytes are in Ray's store."""
        import ray

        if names in self._bundles:
            return self._bundles[names]
        files = {name: inside(self._project, Path(name)) for name in names}
        bundle = Bundle.of(files, whole=True)
        made = bundle.manifest(), ray.put(bundle.small)
        if shared:
            self._bundles[names] = made
        return made
