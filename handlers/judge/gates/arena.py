"""Simulated missions under a prompt, driven by the project's own brain, several at a time.

Work is shared by `workers` processes where there are more than one. A mission is the same in each
of them: its seed and its prompt decide it, and the dice of a brain that throws some.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from handlers.judge.brain import BrokenPolicy, Decided
from handlers.judge.gates.tally import Drive
from handlers.judge.policy import Choice, PromptPolicy, checked, open_policy, unchecked
from handlers.judge.prompt.source import PromptSource
from handlers.project.library import ActionLibrary, library_for
from handlers.project.project import Project
from handlers.project.spec import ProjectSpec
from handlers.spread import NoRoom
from store import interpreter
from store.errors import CadenzaError, InputError

if TYPE_CHECKING:
    from handlers.mission.world.model import SceneModel

MAX_TICKS = 150

Asked = tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]
"""An observation, and those before it."""


@dataclass(frozen=True)
class Prompt:
    """As much of a PromptSource as driving needs, for another process."""

    path: Path
    value: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A mission that its brain broke off: why, and the observation it had no answer to."""

    message: str
    hint: str
    asked: Asked


class _Broke(BrokenPolicy):
    """A brain broke on an observation."""

    def __init__(self, error: BrokenPolicy, asked: Asked) -> None:
        super().__init__(error.message, hint=error.hint)
        self.asked = asked


class Unanswered(CadenzaError):
    """A brain asked a language model and got no answer: what it did then says nothing."""


class Elsewhere(Protocol):
    """Has missions driven by other processes, `width` at once: their outcomes in order. Raises
    NoRoom."""

    @property
    def width(self) -> int: ...

    def __call__(self, tasks: Sequence[tuple[PromptSource, int]]) -> Iterator[Drive | Broken]: ...


class AskedModels(Protocol):
    """What was asked of language models so far. `ended`: why nothing is answered any more."""

    @property
    def ended(self) -> str: ...

    @property
    def text(self) -> str: ...


class Models(Protocol):
    """What brains ask language models through, open while it is entered.

    `environ`: what a brain has to find in its environment; `calls`: how many may be made.
    """

    @property
    def environ(self) -> Mapping[str, str]: ...

    @property
    def calls(self) -> int: ...

    def asked(self) -> AskedModels: ...

    def __enter__(self) -> Models: ...

    def __exit__(self, *_: object) -> None: ...


@dataclass
class Arena:
    """Where prompts are tried. `folder`: the project's, where a model of its own (`xml_path`) lies.
    `models`: what its brain asks language models through, where it does. `elsewhere`: who else
    drives; what nobody takes there is driven here.

    As a context manager it ends its processes. Raises MissingExtraError without MuJoCo, InputError
    for a robot or scene that cannot be simulated.
    """

    spec: ProjectSpec
    library: ActionLibrary
    choice: Choice
    folder: Path | None = None
    workers: int = 1
    models: Models | None = None
    elsewhere: Elsewhere | None = None
    _scene: SceneModel | None = None
    _pool: ProcessPoolExecutor | None = field(default=None, repr=False)
    _opened: ExitStack = field(default_factory=ExitStack, repr=False)
    _environ: Mapping[str, str] | None = field(default=None, repr=False)

    def __enter__(self) -> Arena:
        self._scene = _scene(self.spec, self.folder)
        if self.models is not None:
            self._environ = self._opened.enter_context(self.models).environ
        if self.workers > 1:
            # Spawned, not forked: the parent may hold threads. A worker dies with its parent.
            self._pool = ProcessPoolExecutor(
                self.workers,
                get_context("spawn"),
                initializer=_begin,
                initargs=(
                    os.getpid(),
                    self.spec,
                    replace(self.choice, check=unchecked),  # what it looks at does not travel
                    self.folder,
                    self._environ,
                ),
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._opened.close()

    @property
    def at_once(self) -> int:
        """How many missions are driven beside each other."""
        return max(self.workers, self.elsewhere.width if self.elsewhere is not None else 0)

    def drive_all(self, tasks: Sequence[tuple[PromptSource, int]]) -> list[Drive | Broken]:
        """Drive a mission for each prompt and seed, in the order of the tasks.

        Raises Unanswered when a question of the brain's to a language model was not answered.
        """
        driven = self._driven_elsewhere(tasks)
        driven += self._driven(tasks[len(driven) :])
        ended = self.models.asked().ended if self.models is not None else ""
        if ended:
            raise Unanswered(ended)
        return driven

    def _driven_elsewhere(self, tasks: Sequence[tuple[PromptSource, int]]) -> list[Drive | Broken]:
        """The first of the missions, as many as somebody else drove."""
        driven: list[Drive | Broken] = []
        if self.elsewhere is None or not tasks:
            return driven
        self.choice.check()
        try:
            for drive in self.elsewhere(tasks):
                driven.append(drive)
        except NoRoom:
            self.elsewhere = None
        return driven

    def _driven(self, tasks: Sequence[tuple[PromptSource, int]]) -> list[Drive | Broken]:
        if self._pool is None:
            return [self.drive(source, seed) for source, seed in tasks]
        self.choice.check()
        prompts = [(Prompt(source.path, source.value), seed) for source, seed in tasks]
        try:
            return list(self._pool.map(_drive_there, prompts))
        except BrokenProcessPool:
            raise InputError(
                "a process that drove missions was ended from outside",
                hint="too little memory, perhaps: `journalctl -k` would say",
            ) from None

    def drive(self, source: Prompt | PromptSource, seed: int) -> Drive | Broken:
        """One mission under the prompt that a source holds."""
        from handlers.mission.episode.environment import Mission
        from handlers.mission.episode.episode import run_episode
        from handlers.mission.policies.prompted import Prompted

        policy = self._open(source)

        def decide(observation: Mapping[str, Any], recent: Sequence[Mapping[str, Any]]) -> Decided:
            try:
                return checked(policy.decide(observation, recent), source, self.library)
            except BrokenPolicy as error:
                raise _Broke(error, (observation, recent)) from None

        assert self._scene is not None
        try:
            prompted = Prompted(decide)
            mission = Mission(
                self.spec,
                self.library,
                self._scene,
                seed=seed,
                policy=prompted.name,
                max_ticks=MAX_TICKS,
                judged=False,
            )
            result = run_episode(mission, prompted, prompted.note)
        except _Broke as error:
            return Broken(error.message, error.hint, error.asked)
        finally:
            policy.close()
        done = tuple(phase.name for phase in result.phases if phase.outcome == "done")
        return Drive(seed, result.success, done, result.falls, len(result.phases))

    def _open(self, source: Prompt | PromptSource) -> PromptPolicy:
        return open_policy(self.choice, source, source.value, self._environ, is_trial=True)

    def answers(self, source: Prompt | PromptSource, asked: Asked) -> bool:
        """Whether this prompt has an action for an observation, asked in a new process."""
        policy = self._open(source)
        try:
            checked(policy.decide(*asked), source, self.library)
        except BrokenPolicy:
            return False
        finally:
            policy.close()
        return True


def spare_cores() -> int:
    """Processes that missions may use: one core stays with the robot."""
    return max(1, len(os.sched_getaffinity(0)) - 1)


def _scene(spec: ProjectSpec, folder: Path | None) -> SceneModel:
    from handlers.mission.episode.setting import scene_of
    from handlers.mission.world.model import compile_scene, require_built_in

    if folder is not None:
        return scene_of(Project(folder, spec))
    require_built_in(spec.robot)
    return compile_scene(spec.scene.objects)


# -- in a worker -----------------------------------------------------------------------------------

_here: Arena | None = None


def _begin(
    parent: int,
    spec: ProjectSpec,
    choice: Choice,
    folder: Path | None,
    environ: Mapping[str, str] | None,
) -> None:
    global _here
    interpreter.die_with(parent)
    library = library_for(spec.robot, folder, spec.signals)
    _here = Arena(spec, library, choice, folder, _environ=environ).__enter__()


def _drive_there(task: tuple[Prompt, int]) -> Drive | Broken:
    assert _here is not None
    return _here.drive(*task)
