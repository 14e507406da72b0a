"""A project's own `decide` in a process of its own, which sees neither our keys nor our memory."""

from __future__ import annotations

import json
import os
import re
import selectors
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from store import interpreter
from store.errors import InputError, one_line

START_S = 60.0
"""A policy may have to load a model."""
CALL_S = 10.0
MODEL_CALL_S = 60.0
"""For one that asks a language model."""
MAX_MESSAGE = 300
EXAMPLE = (
    "such a one can be run: def decide(observation, system_prompt):"
    ' return {"action": "walk_forward", "distance_m": 0.5}'
)
NO_BYTE_CODE = ("-B",)
"""None is left behind. What lies about is read for installed packages alone (in _HOST): a project's
could be of other sources than those that are trusted."""

_NAMED = {
    name: re.compile(rf"(?<![a-z]){name}(?![a-z])".encode(), re.IGNORECASE)
    for name in ("groq", "openai")
}

Decided = Mapping[str, Any]
"""{"action": name, parameter: number, ...}"""


class BrokenPolicy(InputError):
    """The project's `decide` cannot be run, raises, or answers what is no action."""


def providers_in(code: bytes) -> frozenset[str]:
    """The providers of language models ("groq", "openai") that code names: it may ask them."""
    return frozenset(name for name, pattern in _NAMED.items() if pattern.search(code))


def environ_of(
    added: Mapping[str, str] | None, *, is_trial: bool, given: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """A brain's environment: ours without our keys, and what is added.

    In a trial without other services' keys as well: hundreds of missions could call them, and
    nobody was told of what that may cost.
    """
    kept = interpreter.environ(without=(*interpreter.SECRET, *interpreter.SAFE), given=given)
    if is_trial:
        kept = {name: value for name, value in kept.items() if not name.endswith("_API_KEY")}
    return kept | dict(added or {})


def keys_on_disk(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Where keys lie that a brain has no business with, whether they are there or not."""
    home = environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return [
        "/run/credentials",
        f"/run/user/{os.getuid()}/credentials",
        *(os.path.join(home, "cadenzad", name) for name in ("groq_api_key", "openai_api_key")),
    ]


_HOST = """
import importlib._bootstrap_external as loading
import importlib.util, json, os, sys, sysconfig, traceback

packages = [folder for folder in sys.path if folder.endswith(("site-packages", "dist-packages"))]
installed = tuple(os.path.join(folder, "") for folder in
                  (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), *packages))
cache_of = loading.cache_from_source


def cache_from_source(path, *arguments, **named):
    if not path.startswith(installed):
        raise NotImplementedError  # for importlib: there is none
    return cache_of(path, *arguments, **named)


loading.cache_from_source = cache_from_source

out, asked = os.fdopen(os.dup(1), "w"), os.fdopen(os.dup(0))
os.dup2(2, 1)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
path = sys.argv[1]


def send(**message):
    out.write(json.dumps(message, default=plain) + "\\n")
    out.flush()


def plain(value):
    if callable(getattr(value, "item", None)):  # a number of NumPy's or torch's
        return value.item()
    if type(value).__name__ == "coroutine":
        value.close()
        raise TypeError("it is async: write def decide, not async def decide")
    raise TypeError(f"a {type(value).__name__} is no number and no text")


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


class Brain:
    """The project's own `decide` in a child; it ends with `close`.

    `environ` is its own (environ_of). `call_s`: how long it may take to decide.
    """

    def __init__(
        self,
        path: Path,
        prompt: str,
        environ: Mapping[str, str],
        call_s: float | None = None,
    ) -> None:
        self._path = path
        self._call_s = CALL_S if call_s is None else call_s
        self._broken: BrokenPolicy | None = None
        self._child = subprocess.Popen(
            interpreter.script(_HOST, str(path), options=NO_BYTE_CODE, hidden=keys_on_disk()),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
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
        action = self._receive(self._call_s).get("answer")
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
        by_hand = f"run it by hand: python {self._path.name}"
        self._broken = BrokenPolicy(
            f"{self._path}: decide {one_line(what)[:MAX_MESSAGE]}",
            hint=by_hand if what.startswith("cannot be run") else EXAMPLE,
        )
        return self._broken
