"""Who drives in `cadenza env run`: the policy that was asked for, else the one a project has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cadenzad import __version__
from cadenzad.cli.base.lookup import open_state
from cadenzad.cli.base.output import say
from cadenzad.config.prompt import prompt_setting
from handlers.judge.brain import BrokenPolicy
from store.errors import CadenzaError, InputError
from store.reads.improvements import trusted

if TYPE_CHECKING:
    from handlers.judge.policy import Choice
    from handlers.judge.prompt.source import PromptSource
    from handlers.mission.episode.episode import Sink
    from handlers.mission.policies.protocol import Policy
    from handlers.project.project import Project
    from store.events.files import RunStamp


@dataclass(frozen=True, slots=True)
class Driver:
    """Who decides in the episodes of one command.

    `stamp`: under what, as far as that is the policy's. `reason`: why it is this one. `episode`
    opens a policy for one episode, with what it is to be told: every record of it. `session` is to
    be entered around all of them.
    """

    stamp: RunStamp
    reason: str
    episode: Callable[[], AbstractContextManager[tuple[Policy, Sink]]]
    session: Callable[[], AbstractContextManager[object]] = nullcontext


def driver_for(wanted: str | None, project: Project) -> Driver:
    """The policy that was asked for; for None the project's own brain, else the scripted one.

    Raises InputError for a prompt that nothing can drive under, ProjectError without an adapter.
    """
    if wanted not in (None, "prompt"):
        return _DRIVERS[str(wanted)](project, "asked for")
    source, choice = _chosen(project)
    if source is not None and choice.kind != "none":
        return _prompted(project, source, choice)
    why = choice.reason
    if wanted == "prompt":
        raise InputError(
            f"{project.path}: nothing can drive under a prompt: {why}",
            hint="--policy scripted needs none",
        )
    return _scripted(project, why)


def said_of_driver(project: Project) -> str:
    """Who drives where nothing else is asked for, and why; or why nobody can."""
    from handlers.mission.world.model import require_built_in

    if not project.spec.xml_path:
        try:
            require_built_in(project.spec.robot)
        except CadenzaError as error:
            return f"nobody: {error.message}"
    source, choice = _chosen(project)
    if source is not None and choice.kind != "none":
        return f"prompt ({_by(source)})"
    return f"scripted ({choice.reason})"


def _by(source: PromptSource) -> str:
    from handlers.judge.prompt.source import NAME

    return f"decide in {source.path.name}, under its {NAME}"


def _chosen(project: Project) -> tuple[PromptSource | None, Choice]:
    """As _brain; a prompt that cannot be found or read is a reason for none."""
    from handlers.judge.policy import Choice

    try:
        return _brain(project)
    except CadenzaError as error:
        return None, Choice("none", "; ".join(filter(None, (error.message, error.hint))))


def _brain(project: Project) -> tuple[PromptSource, Choice]:
    """The project's prompt, and what can drive under it."""
    from handlers.judge.policy import Choice, choose_policy
    from handlers.judge.prompt.code import driver_name
    from handlers.judge.prompt.source import find_prompt

    source = find_prompt(project.path, prompt_setting(project.path))
    if not source.is_exact:
        reason = f"a part of {source.found.label} is known only when it runs"
        return source, Choice("none", reason)
    trust = None
    with open_state(None) as state:
        if state is not None:
            trust = trusted(state.connection, str(project.path), driver_name(project.path, source))
    return source, choose_policy(project.path, source, trust)


def _prompted(project: Project, source: PromptSource, choice: Choice) -> Driver:
    from cadenzad.cli.env.models import announced, proxy_for
    from handlers.judge.policy import checked, open_policy
    from handlers.mission.policies.prompted import Prompted

    models = proxy_for(project.path, choice.providers)

    @contextmanager
    def episode() -> Iterator[tuple[Policy, Sink]]:
        # A brain may remember what it saw: each episode has one of its own, or its seed means less.
        environ = models.environ if models is not None else None
        brain = open_policy(choice, source, source.value, environ)

        def decide(
            observation: Mapping[str, Any], recent: Sequence[Mapping[str, Any]]
        ) -> Mapping[str, Any]:
            action = brain.decide(observation, recent)
            if models is not None and (ended := models.asked().ended):
                # What it did without its model would be logged as what the prompt leads to.
                raise BrokenPolicy(f"{source.path}: decide: {ended}")
            return checked(action, source, project.library)

        policy = Prompted(decide)
        try:
            yield policy, policy.note
        finally:
            brain.close()

    return Driver(
        _stamp(project, "prompt", prompt_sha256=source.sha256, brain_sha256=choice.sha256),
        _by(source),
        episode,
        nullcontext if models is None else lambda: announced(models),
    )


def _lora(project: Project, reason: str) -> Driver:
    from cadenzad.config.files import load_config
    from handlers.lora.rollout.driving import policy_of
    from handlers.lora.serving import project_decoder, serving_version
    from handlers.mission.policies.lora import deployed_adapter

    deployed_adapter(project.path)
    version = serving_version(project.path)
    with open_state(None) as state:
        decoder = project_decoder(project, state, version, load_config(None).lora.device)
    if decoder.looks:
        say("policy: lora: a run has no camera's images: examples with one do not count", err=True)
    return _plain(_stamp(project, "lora", adapter=version), reason, policy_of(decoder))


def _scripted(project: Project, reason: str) -> Driver:
    from handlers.mission.policies.scripted import Scripted

    return _plain(_stamp(project, "scripted"), reason, Scripted())


def _random(project: Project, reason: str) -> Driver:
    from handlers.mission.policies.random import RandomPolicy

    return _plain(_stamp(project, "random"), reason, RandomPolicy())


def _plain(stamp: RunStamp, reason: str, policy: Policy) -> Driver:
    return Driver(stamp, reason, lambda: nullcontext((policy, lambda _record: None)))


def _stamp(project: Project, policy: str, **facts: Any) -> RunStamp:
    from store.events.files import RunStamp

    return RunStamp(policy=policy, env_sha256=project.env_sha256, version=__version__, **facts)


_DRIVERS: Mapping[str, Callable[[Project, str], Driver]] = {
    "scripted": _scripted,
    "lora": _lora,
    "random": _random,
}
