"""Which brain drives a project's robot in simulation: the prompt's own, as far as it can be run.

built-in   the project's code is that of the sample project: its rules are followed by our driver,
           which reads the managed block and nothing else
decide     the file has `decide(observation, system_prompt)` and somebody trusts its code: it runs
           in a process of its own, without keys in its environment
none       anything else: no simulation, and nothing may be called improved
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Protocol

from handlers.judge.block import find_block
from handlers.judge.rules import first_match
from handlers.judge.source import PromptSource, code_sha256
from store.errors import InputError

CALL_S = 10.0
PRIVATE = ("GROQ_API_KEY", "CREDENTIALS_DIRECTORY")


class Brain(Protocol):
    """Decides under a prompt. `close` ends what it started."""

    def decide(
        self, observation: Mapping[str, Any], recent: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any] | None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Found:
    """The kind of brain, and where there is none, why."""

    kind: Literal["built-in", "decide", "none"]
    reason: str = ""


def find_brain(project: Path, source: PromptSource, trusted: str | None) -> Found:
    """What can drive this project. `trusted`: the code hash somebody trusts for the file."""
    code = code_sha256(source.data)
    if code == _sample_code():
        return Found("built-in")
    if b"def decide(" not in source.data:
        return Found("none", f"{source.path.name} has no decide(observation, system_prompt)")
    if trusted != code:
        again = "it changed since: " if trusted else ""
        return Found(
            "none",
            f"{source.path.name} is not trusted ({again}`cadenzactl trust {project.name}`)",
        )
    return Found("decide")


def open_brain(found: Found, source: PromptSource, prompt: str) -> Brain:
    """A brain under a prompt's text."""
    if found.kind == "built-in":
        return _Rules(prompt)
    return _Process(source.path, prompt)


@cache
def _sample_code() -> str:
    sample = files("handlers.project") / "sample" / "mission" / "main.py"
    return code_sha256(sample.read_bytes())


class _Rules:
    """Our own reading of the managed block."""

    def __init__(self, prompt: str) -> None:
        block = find_block(prompt)
        self._rules = block.rules if block is not None else []

    def decide(
        self, observation: Mapping[str, Any], recent: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any] | None:
        rule = first_match(self._rules, observation, recent)
        return None if rule is None else {"action": rule.action, **rule.parameters}

    def close(self) -> None:
        pass


_HOST = """
import importlib.util, json, os, sys
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
path, prompt = sys.argv[1], json.loads(sys.stdin.readline())
sys.path.insert(0, os.path.dirname(path))
spec = importlib.util.spec_from_file_location("brain", path)
brain = importlib.util.module_from_spec(spec)
spec.loader.exec_module(brain)
for line in sys.stdin:
    action = brain.decide(json.loads(line), prompt)
    out.write(json.dumps(action if isinstance(action, dict) else {"action": action}) + "\\n")
    out.flush()
"""


class _Process:
    """The project's own `{NAME}` brain in a child; it ends with `close`."""

    def __init__(self, path: Path, prompt: str) -> None:
        environ = {name: value for name, value in os.environ.items() if name not in PRIVATE}
        self._path = path
        self._child = subprocess.Popen(
            [sys.executable, "-c", _HOST, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            cwd=path.parent,
            text=True,
        )
        self._send(prompt)

    def decide(
        self, observation: Mapping[str, Any], recent: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any] | None:
        self._send({**observation, "recent": list(recent)})
        assert self._child.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._child.stdout, selectors.EVENT_READ)
            line = self._child.stdout.readline() if selector.select(CALL_S) else ""
        try:
            action = json.loads(line)
        except ValueError:
            raise self._broken("gave no answer") from None
        if not isinstance(action, dict) or not isinstance(action.get("action"), str):
            raise self._broken("gave no action")
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
            raise self._broken("ended") from None

    def _broken(self, what: str) -> InputError:
        return InputError(
            f"{self._path}: decide {what}", hint=f"run it by hand: python {self._path.name}"
        )
