"""A project's own mission under an adapter's plans: seed by seed, remembered, in processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from handlers.lora.rollout.drive import Drive, drive_once
from handlers.lora.rollout.driving import Plans
from handlers.lora.rollout.memory import Memory
from handlers.mission.episode.proving import model_sha256, proven_scene
from handlers.mission.episode.setting import mission_files, own_model
from handlers.mission.world.model import SceneModel
from handlers.project.formats.examples import Step
from handlers.project.library import ActionLibrary
from handlers.project.project import Project
from handlers.project.spec import ProjectSpec
from handlers.spread import NoRoom, Spread
from store import interpreter
from store.errors import InputError

FEWEST = 32
"""So many seeds are driven at least, whatever they take."""
MOST_ROBOT_S = 20_000.0
"""And more only until the runs have taken so long together, in the robot's time, s. A core
simulates about 100 s of it in one: with two cores it is a minute and a half at most."""
AT_ONCE = 4
"""Seeds that a worker takes at once."""
MOST_WORKERS = 2

Report = Callable[[Mapping[str, Any]], None]


class Course:
    """The mission of a project, to be driven under plans. Seeds are 0, 1, 2, ...

    Every plan meets the same seeds, so two adapters can be compared run by run.
    """

    def __init__(
        self,
        project: Project,
        *,
        library: ActionLibrary | None = None,
        folder: Path | None = None,
        report: Report = lambda _values: None,
        spread: Spread | None = None,
    ) -> None:
        """`folder`: where outcomes are remembered; `spread`: who else drives. Raises ProjectError
        or InputError for a robot that cannot be driven, MissingExtraError without MuJoCo."""
        self.project, self.spread = project, spread
        self.spec, self.library = project.spec, library or project.library
        self.xml = own_model(project)
        self.scene = proven_scene(self.spec.scene.objects, self.xml)
        self.memory, self.report = Memory(folder), report
        self._known: dict[str, list[Drive]] = {}
        self._model = model_sha256(self.scene)

    def drives(self, plans: Plans, seeds: int) -> list[Drive]:
        """What comes of the plans under the first seeds; fewer where they take too long together,
        and FEWEST at least (if so many were asked for)."""
        key = self._key(plans)
        done = self._known.setdefault(str(key), self._recalled(key))
        while len(done) < seeds and not self.is_spent(done):
            until = min(seeds, len(done) + FEWEST)
            done += self._driven(plans, range(len(done), until), seeds)
            self.memory.keep([drive.as_json() for drive in done], *key)
        return done[:seeds]

    def is_spent(self, done: Sequence[Drive]) -> bool:
        """Whether no more runs fit into the time there is."""
        if len(done) < FEWEST:
            return False
        taken = sum(drive.seconds for drive in done)
        return taken * (len(done) + FEWEST) / len(done) > MOST_ROBOT_S

    def _key(self, plans: Plans) -> list[Any]:
        steps = [[goal, [step.as_json() for step in plan]] for goal, plan in plans.items()]
        return [self.spec.model_dump(mode="json"), self._model, steps]

    def _recalled(self, key: Sequence[Any]) -> list[Drive]:
        found = self.memory.recall(*key)
        try:
            return [Drive.from_json(shape) for shape in found or ()]
        except (TypeError, KeyError):
            return []

    def _driven(self, plans: Plans, seeds: range, total: int) -> list[Drive]:
        """Drive anew. The outcomes do not depend on how many share the seeds, or who does."""
        done: list[Drive] = []
        try:
            for part in self._elsewhere(plans, seeds):
                done += part
                self._tell(seeds.start + len(done), total)
        except NoRoom:
            pass
        for part in self._here(plans, seeds[len(done) :]):
            done += part
            self._tell(seeds.start + len(done), total)
        return done

    def _tell(self, done: int, total: int) -> None:
        self.report({"step": "driving", "done": done, "total": total})

    def _elsewhere(self, plans: Plans, seeds: range) -> Iterator[list[Drive]]:
        """Seed by seed, wherever there is room. Raises NoRoom."""
        if self.spread is None:
            raise NoRoom
        shape = {
            "spec": self.spec.model_dump(mode="json"),
            "plans": {goal: [step.as_json() for step in plan] for goal, plan in plans.items()},
        }
        files = [str(path.relative_to(self.project.path)) for path in mission_files(self.project)]
        parts = [{**shape, "seed": seed} for seed in seeds]
        for drive in self.spread.map(f"{__name__}:drive_there", parts, files):
            yield [Drive.from_json(drive)]

    def _here(self, plans: Plans, seeds: range) -> Iterator[list[Drive]]:
        parts = [list(seeds[at : at + AT_ONCE]) for at in range(0, len(seeds), AT_ONCE)]
        work = [(self.spec, self.library, self.xml, plans, part) for part in parts]
        workers = min(MOST_WORKERS, len(os.sched_getaffinity(0)), len(work))
        if workers < 2:
            yield from map(_drive_part, work)
            return
        # Spawned, not forked: the parent may hold threads. A worker ends with its parent.
        ends, us = interpreter.die_with, os.getpid()
        context = get_context("spawn")
        with ProcessPoolExecutor(workers, context, initializer=ends, initargs=(us,)) as pool:
            yield from pool.map(_drive_part, work)


def _drive_part(
    work: tuple[ProjectSpec, ActionLibrary, Path | None, Plans, list[int]],
) -> list[Drive]:
    spec, library, xml, plans, seeds = work
    scene = proven_scene(spec.scene.objects, xml)
    return [drive_once(spec, library, scene, plans, seed) for seed in seeds]


def drive_there(folder: Path, part: Mapping[str, Any]) -> dict[str, Any]:
    """A seed's drive, as JSON, of a part of `Course`, from copies of a mission's files.

    Raises InputError for another mission than the one that is meant.
    """
    project, scene = _setting(folder)
    if project.spec.model_dump(mode="json") != part["spec"]:
        raise InputError(f"{folder}: env.json changed meanwhile")
    plans = {
        goal: tuple(Step(step["action"], _parameters(step)) for step in plan)
        for goal, plan in part["plans"].items()
    }
    return drive_once(project.spec, project.library, scene, plans, part["seed"]).as_json()


def _parameters(step: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in step.items() if name != "action"}


@lru_cache(maxsize=1)
def _setting(folder: Path) -> tuple[Project, SceneModel]:
    """Opened once for all the seeds that come: these copies are never written again."""
    project = Project.open(folder, actions=True)
    return project, proven_scene(project.spec.scene.objects, own_model(project))
