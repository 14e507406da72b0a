"""G3: the old prompt and the new one drive the same simulated missions, pair by pair.

A pair is one seed, won by whoever completes more phases (then: the mission; then: falls less).
Exact sign test, looked at as pairs come in: 5 of 5, 7 of 8 or 10 of 12 decided pairs are enough to
say "improved" (a prompt that makes no difference gets there with probability 0.057).
Besides, no phase may be completed less often and falls may not go up. Only this gate may ever say
"improved".

A `decide` that breaks is no fault of the prompt: the gate is "not runnable" then. Only where the
old prompt has an answer to the very observation that the new one breaks on, the gate fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from handlers.judge.gate import Gate
from handlers.judge.policy import BrokenPolicy, Choice, Decided, checked, open_policy
from handlers.judge.prompt.source import PromptSource
from handlers.project.library import ActionLibrary
from handlers.project.project import Project
from handlers.project.spec import ProjectSpec
from store.errors import CadenzaError, MissingExtraError

if TYPE_CHECKING:
    from handlers.mission.world.model import SceneModel

NAME = "G3 simulation"
ENOUGH = ((5, 5), (7, 8), (10, 12))
MAX_TICKS = 150
Verdict = Literal["improved", "worse", "unverified"]
Progress = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Drive:
    """One simulated mission: phases done by name, in numbers."""

    seed: int
    success: bool
    phases: tuple[str, ...]
    falls: int

    @property
    def rank(self) -> tuple[int, bool, int]:
        return len(self.phases), self.success, -self.falls


@dataclass(slots=True)
class Tally:
    """Pairs as they come in."""

    won: int = 0
    lost: int = 0
    tied: int = 0
    before: list[Drive] = field(default_factory=list)
    after: list[Drive] = field(default_factory=list)

    def add(self, before: Drive, after: Drive) -> None:
        self.before.append(before)
        self.after.append(after)
        self.won += after.rank > before.rank
        self.lost += after.rank < before.rank
        self.tied += after.rank == before.rank

    @property
    def decided(self) -> Verdict | None:
        """Improved or worse as soon as the pairs are enough for it."""
        if enough(self.won, self.won + self.lost):
            return "improved"
        if enough(self.lost, self.won + self.lost):
            return "worse"
        return None


def enough(wins: int, pairs: int) -> bool:
    """Whether so many wins of so many decided pairs show a difference."""
    return any(pairs == size and wins >= least for least, size in ENOUGH)


def trials(
    spec: ProjectSpec,
    library: ActionLibrary,
    choice: Choice,
    before: PromptSource,
    after: PromptSource,
    *,
    seeds: int,
    folder: Path | None = None,
    report: Progress = lambda _values: None,
) -> tuple[Gate, Verdict]:
    """Drive both prompts over at most `seeds` seeds; stops as soon as it is decided.

    `folder`: the project's, where a model of its own lies (`xml_path`).
    """
    if choice.kind == "none":
        return Gate(NAME, "skipped", f"unverified: {choice.reason}"), "unverified"
    if seeds < 1:
        return Gate(NAME, "skipped", "unverified: judge.seeds is 0"), "unverified"
    try:
        scene = _scene(spec, folder)
        tally = _run(spec, scene, library, choice, before, after, seeds, report)
    except MissingExtraError as error:
        return Gate(NAME, "skipped", f"unverified: {error.message}; {error.hint}"), "unverified"
    except _WorseThanBefore as error:
        return Gate(NAME, "fail", error.message), "worse"
    except CadenzaError as error:
        detail = f"{error.message}; {error.hint}" if error.hint else error.message
        return Gate(NAME, "skipped", f"unverified: not runnable: {detail}"), "unverified"
    return judge(tally)


def judge(tally: Tally) -> tuple[Gate, Verdict]:
    """What the pairs say together."""
    sides = (tally.before, tally.after)
    phases = [Counter(name for drive in side for name in drive.phases) for side in sides]
    falls = [sum(drive.falls for drive in side) for side in sides]
    numbers = {
        "pairs": len(tally.before),
        "won": tally.won,
        "lost": tally.lost,
        "tied": tally.tied,
        "phases_before": sum(phases[0].values()),
        "phases_after": sum(phases[1].values()),
        "falls_before": falls[0],
        "falls_after": falls[1],
    }
    detail = (
        f"{tally.won} pairs won, {tally.lost} lost, {tally.tied} tied;"
        f" phases done {numbers['phases_before']} -> {numbers['phases_after']},"
        f" falls {falls[0]} -> {falls[1]}"
    )
    less = [name for name in phases[0] if phases[1][name] < phases[0][name]]
    verdict = tally.decided or "unverified"
    problem = ""
    if verdict == "worse":
        problem = "worse"
    elif less:
        problem = f"phase {less[0]} is done less often"
    elif falls[1] > falls[0]:
        problem = "more falls"
    if problem:
        return Gate(NAME, "fail", f"{problem}: {detail}", numbers), "worse"
    return Gate(NAME, "pass", f"{verdict}: {detail}", numbers), verdict


def _scene(spec: ProjectSpec, folder: Path | None) -> SceneModel:
    from handlers.mission.episode.setting import scene_of
    from handlers.mission.world.model import compile_scene, require_built_in

    if folder is not None:
        return scene_of(Project(folder, spec))
    require_built_in(spec.robot)
    return compile_scene(spec.scene.objects)


def _run(
    spec: ProjectSpec,
    scene: SceneModel,
    library: ActionLibrary,
    choice: Choice,
    before: PromptSource,
    after: PromptSource,
    seeds: int,
    report: Progress,
) -> Tally:
    tally = Tally()
    for seed in range(seeds):
        score = {"won": tally.won, "lost": tally.lost}
        report({"step": "simulating", "done": seed, "total": seeds, **score})
        old = _drive(spec, library, scene, choice, before, seed)
        try:
            new = _drive(spec, library, scene, choice, after, seed)
        except _Broke as broke:
            asked = broke.asked  # once more, in a new process: it may have been chance
            if not _answers(choice, after, library, *asked) and _answers(
                choice, before, library, *asked
            ):
                raise _WorseThanBefore(f"under the new prompt alone: {broke.message}") from None
            raise
        tally.add(old, new)
        if tally.decided is not None:
            break
    return tally


class _Broke(BrokenPolicy):
    """A policy broke on an observation: `asked` is that and those before it."""

    def __init__(
        self,
        error: BrokenPolicy,
        observation: Mapping[str, Any],
        recent: Sequence[Mapping[str, Any]],
    ) -> None:
        super().__init__(error.message, hint=error.hint)
        self.asked = (observation, recent)


class _WorseThanBefore(CadenzaError):
    """The old prompt can be run where the new one cannot."""


def _answers(
    choice: Choice,
    source: PromptSource,
    library: ActionLibrary,
    observation: Mapping[str, Any],
    recent: Sequence[Mapping[str, Any]],
) -> bool:
    """Whether this prompt has an action for an observation."""
    policy = open_policy(choice, source, source.value)
    try:
        checked(policy.decide(observation, recent), source, library)
    except BrokenPolicy:
        return False
    finally:
        policy.close()
    return True


def _drive(
    spec: ProjectSpec,
    library: ActionLibrary,
    scene: Any,
    choice: Choice,
    source: PromptSource,
    seed: int,
) -> Drive:
    from handlers.mission.episode.environment import Mission
    from handlers.mission.episode.episode import run_episode
    from handlers.mission.policies.prompted import Prompted

    policy = open_policy(choice, source, source.value)

    def decide(observation: Mapping[str, Any], recent: Sequence[Mapping[str, Any]]) -> Decided:
        try:
            return checked(policy.decide(observation, recent), source, library)
        except BrokenPolicy as error:
            raise _Broke(error, observation, recent) from None

    try:
        prompted = Prompted(decide)
        mission = Mission(
            spec, library, scene, seed=seed, policy=prompted.name, max_ticks=MAX_TICKS
        )
        result = run_episode(mission, prompted, prompted.note)
    finally:
        policy.close()
    done = tuple(phase.name for phase in result.phases if phase.outcome == "done")
    return Drive(seed, result.success, done, result.falls)
