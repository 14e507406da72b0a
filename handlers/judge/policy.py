"""Which policy drives a project's robot in simulation: the prompt's own, as far as it can be run.

built-in   the project's code is that of the sample project: its `decide` drives, from our own copy
           of the same code; it reads the rules of the prompt and nothing else
decide     the file has `decide(observation, system_prompt)` and somebody trusts the project's code:
           it runs in a process of its own, without keys in its environment
none       anything else: no simulation, and nothing may be called improved
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Protocol

from handlers.judge.prompt.code import brain_of, project_code
from handlers.judge.prompt.source import PromptSource, code_sha256
from handlers.project.library import ActionLibrary
from store import interpreter
from store.errors import InputError, one_line

START_S = 60.0
"""A policy may have to load a model."""
CALL_S = 10.0
MAX_MESSAGE = 300
NO_BYTE_CODE = ("-B", "-X", f"pycache_prefix={os.devnull}")
"""Byte code that lies about could be of other sources than those that are trusted."""

Decided = Mapping[str, Any]
"""{"action": name, parameter: number, ...}"""


class BrokenPolicy(InputError):
    """The project's `decide` cannot be run, raises, or answers what is no action."""


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


@dataclass(frozen=True, slots=True)
class Choice:
    """The kind of policy, and where there is none, why.

    `sha256` is of the code that would drive, the prompt left out: what trust in it says. `check`
    raises BrokenPolicy when the code is no longer what it was when it was chosen. `brain` is the
    file with `decide`, which need not be the one that holds the prompt.
    """

    kind: Literal["built-in", "decide", "none"]
    reason: str = ""
    sha256: str | None = field(default=None, compare=False)
    check: Callable[[], None] = field(default=lambda: None, compare=False, repr=False)
    brain: Path | None = field(default=None, compare=False)


def choose_policy(project: Path, source: PromptSource, trusted: str | None) -> Choice:
    """What can drive this project. `trusted`: the digest of its code that somebody trusts."""
    if code_sha256(source.data) == _sample_sha256():
        return Choice("built-in", sha256=_sample_sha256())
    brain = brain_of(project, source)
    if brain is None:
        return Choice("none", f"{source.path.name} has no decide(observation, system_prompt)")
    name = brain.name
    again = f"`cadenzactl trust {project.name}`"
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

    return Choice("decide", sha256=trusted, check=check, brain=brain)


def open_policy(choice: Choice, source: Located, prompt: str) -> PromptPolicy:
    """A policy under a prompt's text. Raises BrokenPolicy when its code is not the trusted one."""
    if choice.kind == "built-in":
        return _Sample(prompt)
    choice.check()
    return _Process(choice.brain or source.path, prompt)


def checked(action: Decided, source: Located, library: ActionLibrary) -> Decided:
    """An answer that the robot can carry out. Raises BrokenPolicy for another."""
    problems = library.validate(action)
    if problems:
        raise BrokenPolicy(f"{source.path}: decide: {problems[0]}")
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


_HOST = """
import importlib.util, json, os, sys, traceback

out, asked = os.fdopen(os.dup(1), "w"), os.fdopen(os.dup(0))
os.dup2(2, 1)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
path = sys.argv[1]


def send(**message):
    out.write(json.dumps(message) + "\\n")
    out.flush()


def described(error):
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:
        text = type(error).__name__
    folder = os.path.dirname(path) + os.sep
    trace = traceback.extract_tb(error.__traceback__)
    mine = [frame for frame in trace if frame.filename.startswith(folder)]
    return text + (f" ({mine[-1].filename.removeprefix(folder)}:{mine[-1].lineno})" if mine else "")


did = "cannot be run"
try:
    prompt = json.loads(asked.readline())
    sys.path.insert(0, os.path.dirname(path))
    spec = importlib.util.spec_from_file_location("brain", path)
    brain = importlib.util.module_from_spec(spec)
    sys.modules["brain"] = brain
    spec.loader.exec_module(brain)
    decide = brain.decide
    send(ready=True)
    did = "raised"
    for line in asked:
        send(answer=decide(json.loads(line), prompt))
except BaseException as error:
    send(broken=f"{did} {described(error)}" if did == "raised" else f"{did}: {described(error)}")
"""


class _Process:
    """The project's own `decide` in a child; it ends with `close`."""

    def __init__(self, path: Path, prompt: str) -> None:
        self._path = path
        self._broken: BrokenPolicy | None = None
        self._child = subprocess.Popen(
            interpreter.script(_HOST, str(path), options=NO_BYTE_CODE),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=interpreter.environ(without=(*interpreter.SECRET, *interpreter.SAFE)),
            cwd=path.parent,  # where it finds what it reads; it imports from there what is trusted
            text=True,
        )
        self._send(prompt)
        self._ready = False

    def decide(
        self, observation: Mapping[str, Any], recent: Sequence[Mapping[str, Any]]
    ) -> Decided:
        if self._broken is not None:
            raise self._broken
        if not self._ready:
            self._receive(START_S)
            self._ready = True
        self._send({**observation, "recent": list(recent)})
        action = self._receive(CALL_S).get("answer")
        action = {"action": action} if isinstance(action, str) else action
        if not isinstance(action, dict) or not isinstance(action.get("action"), str):
            raise self._break("gave no action")
        return action

    def close(self) -> None:
        self._child.kill()
        self._child.communicate()

    def _send(self, value: object) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(value) + "\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            pass  # it ended: what it sent last is still to be read

    def _receive(self, seconds: float) -> dict[str, Any]:
        """The child's next line."""
        assert self._child.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._child.stdout, selectors.EVENT_READ)
            if not selector.select(seconds):
                raise self._break(f"gave no answer in {seconds:g} s")
        line = self._child.stdout.readline()
        if not line:
            raise self._break(self._ended())
        message: dict[str, Any] = json.loads(line)
        if "broken" in message:
            raise self._break(str(message["broken"]))
        return message

    def _ended(self) -> str:
        try:
            code = self._child.wait(CALL_S)
        except subprocess.TimeoutExpired:
            return "closed its output"
        return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

    def _break(self, what: str) -> BrokenPolicy:
        self._broken = BrokenPolicy(
            f"{self._path}: decide {one_line(what)[:MAX_MESSAGE]}",
            hint=f"run it by hand: python {self._path.name}",
        )
        return self._broken
