"""A project's own mission under an adapter's plans: seed by seed, remembered, in processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
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
        if len(done) >= seeds or self.is_spent(done):
            return done[:seeds]
        begun = len(done)
        # All at once: whoever shares them does not stand still at each look at the time.
        with closing(self._driven(plans, range(begun, seeds))) as driven:
            for drive in driven:
                done.append(drive)
                if len(done) == seeds or (len(done) - begun) % FEWEST == 0:
                    self.memory.keep([drive.as_json() for drive in done], *key)
                    if self.is_spent(done):
                        break
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

    def _driven(self, plans: Plans, seeds: range) -> Generator[Drive, None, None]:
        """Drive anew. The outcomes do not depend on how many share the seeds, or who does."""
        at = seeds.start
        try:
            with closing(self._elsewhere(plans, seeds)) as there:
                for drive in there:
                    at += 1
                    self.report({"step": "driving", "done": at, "total": seeds.stop})
                    yield drive
        except NoRoom:
            pass
        with closing(self._here(plans, seeds[at - seeds.start :])) as here:
            for part in here:
                at += len(part)
                self.report({"step": "driving", "done": at, "total": seeds.stop})
                yield from part

    def _elsewhere(self, plans: Plans, seeds: range) -> Generator[Drive, None, None]:
        """Seed by seed, wherever there is room. Raises NoRoom."""
        if self.spread is None:
            raise NoRoom
        shape = {
            "spec": self.spec.model_dump(mode="json"),
            "plans": {goal: [step.as_json() for step in plan] for goal, plan in plans.items()},
        }
        files = [str(path.relative_to(self.project.path)) for path in mission_files(self.project)]
        parts = [{**shape, "seed": seed} for seed in seeds]
        with closing(self.spread.map(f"{__name__}:drive_there", parts, files)) as found:
            yield from map(Drive.from_json, found)

    def _here(self, plans: Plans, seeds: range) -> Generator[list[Drive], None, None]:
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
