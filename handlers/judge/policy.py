"""Which policy drives a project's robot in simulation: the prompt's own, as far as it can be run.

built-in   the project's code is that of the sample project: its `decide` drives, from our own copy
           of the same code; it reads the rules of the prompt and nothing else
decide     the file has `decide(observation, system_prompt)` and somebody trusts the project's code:
           it runs in a process of its own, without keys in its environment
none       anything else: no simulation, and nothing may be called improved
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Protocol

from handlers.judge.brain import (
    MODEL_CALL_S,
    Brain,
    BrokenPolicy,
    Decided,
    environ_of,
    providers_in,
)
from handlers.judge.prompt.code import brain_of, project_code
from handlers.judge.prompt.reading.modules import NOTEBOOK
from handlers.judge.prompt.source import PromptSource, code_sha256
from handlers.project.code import read
from handlers.project.library import ActionLibrary
from store.errors import InputError


class Located(Protocol):
    """What has the prompt in a file: a PromptSource, or as much of it as another process needs."""

    @property
    def path(self) -> Path: ...


class PromptPolicy(Protocol):
    """Decides under a prompt. `close` ends what it started.

    `recent` are the observations before this one, the newest last; `decide` of a project finds them
    in the observation, under that name.
    """

    def decide(
        self, observation: Mapping[str, Any], recent: Sequence[Mapping[str, Any]]
    ) -> Decided: ...

    def close(self) -> None: ...


def unchecked() -> None:
    """For code that is ours, or was looked at already."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The kind of policy, and where there is none, why.

    `sha256` is of the code that would drive, the prompt left out: what trust in it says. `check`
    raises BrokenPolicy when the code is no longer what it was when it was chosen. `brain` is the
    file with `decide`, which need not be the one that holds the prompt. `providers` of language
    models are those that the project's code names ("groq", "openai").
    """

    kind: Literal["built-in", "decide", "none"]
    reason: str = ""
    sha256: str | None = field(default=None, compare=False)
    check: Callable[[], None] = field(default=unchecked, compare=False, repr=False)
    brain: Path | None = field(default=None, compare=False)
    providers: frozenset[str] = field(default=frozenset(), compare=False)


def choose_policy(project: Path, source: PromptSource, trusted: str | None) -> Choice:
    """What can drive this project. `trusted`: the digest of its code that somebody trusts."""
    if code_sha256(source.data) == _sample_sha256():
        return Choice("built-in", sha256=_sample_sha256())
    brain = brain_of(project, source)
    if brain is None:
        name = source.path.name
        if source.path.suffix == NOTEBOOK:
            return Choice("none", f"{name} is a notebook, and none is run: put decide into main.py")
        is_method = source.path.suffix == ".py" and b"def decide(self" in source.data
        way = f" but a method; add to {name}: decide = YOURCLASS().decide" if is_method else ""
        return Choice("none", f"{name} has no decide(observation, system_prompt){way}")
    name = brain.name
    again = f"`cadenzactl trust {shlex.quote(project.name)}`"
    if trusted is None:
        return Choice("none", f"{name} is not trusted ({again})")
    try:
        code = project_code(project, brain, source)
    except InputError as error:
        return Choice("none", f"{error.message}; {error.hint}" if error.hint else error.message)
    if code.sha256 != trusted:
        beside = " or code beside it" if len(code.files) > 1 else ""
        return Choice("none", f"{name} is not trusted ({name}{beside} changed since: {again})")

    def check() -> None:
        try:
            as_it_is = source.again(source.path.read_bytes())  # its file may have changed as well
            now = project_code(project, brain, as_it_is).sha256
        except OSError as error:
            raise BrokenPolicy(f"{source.path}: cannot be read: {error.strerror}") from None
        except InputError as error:
            raise BrokenPolicy(error.message, hint=error.hint) from None
        if now != trusted:
            raise BrokenPolicy(f"{brain}: the project's code changed meanwhile")

    root = project.resolve()
    asked = frozenset[str]().union(
        *(providers_in(read(root / file)) for file in code.files if file.endswith(".py"))
    )
    return Choice("decide", sha256=trusted, check=check, brain=brain, providers=asked)


def open_policy(
    choice: Choice,
    source: Located,
    prompt: str,
    environ: Mapping[str, str] | None = None,
    *,
    is_trial: bool = False,
) -> PromptPolicy:
    """A policy under a prompt's text. Raises BrokenPolicy when its code is not the trusted one.

    `environ`: what a brain's own process finds in its environment besides. `is_trial`: one of many
    missions that nobody asked for one by one.
    """
    if choice.kind == "built-in":
        return _Sample(prompt)
    choice.check()
    call_s = MODEL_CALL_S if choice.providers else None
    given = environ_of(environ, is_trial=is_trial)
    return Brain(choice.brain or source.path, prompt, given, call_s)


def checked(action: Decided, source: Located, library: ActionLibrary) -> Decided:
    """An answer that the robot can carry out. Raises BrokenPolicy for another."""
    problems = library.validate(action)
    if problems:
        known = library.actions.get(str(action["action"]))
        hint = f"{library.robot} has {', '.join(library.names)}"
        if known is not None:
            takes = ", ".join(known.parameters) or "nothing"
            hint = f'as in {{"action": "walk_forward", "distance_m": 0.5}}; this takes {takes}'
        raise BrokenPolicy(f"{source.path}: decide: {problems[0]}", hint=hint)
    return action


def _sample_code() -> bytes:
    return (files("handlers.project") / "sample" / "mission" / "main.py").read_bytes()


@cache
def _sample_sha256() -> str:
    return code_sha256(_sample_code())


class _Sample:
    """The `decide` of the sample project. It keeps nothing between calls."""

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt
        # Not imported: that would leave byte code beside a file that is copied into projects.
        namespace: dict[str, Any] = {"__name__": "sample_brain"}
        exec(compile(_sample_code(), "main.py", "exec"), namespace)
        self._decide = namespace["decide"]

    def decide(
        self, observation: Mapping[str, Any], recent: Sequence[Mapping[str, Any]]
    ) -> Decided:
        action: Decided = self._decide({**observation, "recent": list(recent)}, self._prompt)
        return action

    def close(self) -> None:
        pass
