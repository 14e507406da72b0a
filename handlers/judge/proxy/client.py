"""The proxy, seen from who starts it: brains' environment, and what became of their calls."""

from __future__ import annotations

import json
import os
import secrets
import selectors
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from handlers.judge.groq.wire import address_of
from handlers.judge.proxy.providers import PROVIDERS, pointed_at
from store import interpreter
from store.errors import CadenzaError, MissingExtraError

ANSWER_S = 20.0
"""So long its process may take to start, or to say what it has counted."""


class ProxyLost(CadenzaError):
    """The proxy's process ended, or does not answer."""


@dataclass(frozen=True, slots=True)
class Calls:
    """What brains asked so far.

    `calls` were sent out and cost `tokens`; `replayed` were answered as they had been before, of
    which `replayed_drawn` at a temperature. `ended`: why nothing is answered any more, "" while it
    is.
    """

    calls: int = 0
    replayed: int = 0
    replayed_drawn: int = 0
    tokens: int = 0
    ended: str = ""

    @property
    def text(self) -> str:
        """For people."""
        said = f"{self.calls} calls of a language model, {self.tokens} tokens"
        if self.replayed:
            said += f", {self.replayed} more answered as before"
        if self.replayed_drawn:
            said += f" ({self.replayed_drawn} of them at a temperature, which would draw anew)"
        return said


@dataclass
class Proxy:
    """A proxy's process; as a context manager it is started and ended. Of one thread alone.

    `keys` by the provider's name, as far as there are any. `calls`: requests that may be sent in
    all. `daily_tokens`, `recorded`: as the ledger in `state_dir` takes them.

    Raises MissingExtraError, Refused for a base URL that is none, ProxyLost.
    """

    keys: Mapping[str, str | None] = field(repr=False)
    calls: int
    state_dir: Path
    daily_tokens: int
    recorded: int = 0
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What a brain's environment has once the proxy listens."""
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def __enter__(self) -> Proxy:
        for package in ("httpx", "h11"):
            if find_spec(package) is None:
                raise MissingExtraError(
                    f"a brain that asks a language model is tried with {package}",
                    hint="pip install 'cadenzad[judge]'",
                )
        token = secrets.token_urlsafe(24)
        addresses = {
            name: address_of(one.base_variable, one.address, one.base_path)
            for name, one in PROVIDERS.items()
        }
        self._process = subprocess.Popen(
            interpreter.command("-m", "handlers.judge.proxy.server"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=interpreter.plain_environ(),
            cwd=interpreter.FOLDER,
            text=True,
        )
        try:
            port = self._ask(
                {
                    "parent": os.getpid(),
                    "keys": {name: key.strip() for name, key in self.keys.items() if key},
                    "addresses": addresses,
                    "state_dir": str(self.state_dir),
                    "token": token,
                    "limits": {
                        "calls": self.calls,
                        "daily_tokens": self.daily_tokens,
                        "recorded": self.recorded,
                    },
                }
            )["port"]
        except BaseException:
            self.__exit__()
            raise
        self.environ = pointed_at(port, token)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def asked(self) -> Calls:
        """What was asked so far. Raises ProxyLost."""
        return Calls(**self._ask({}))

    def _ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Send a line, and read one."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._lost() from None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            line = self._process.stdout.readline() if selector.select(ANSWER_S) else ""
        if not line:
            raise self._lost()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _lost(self) -> ProxyLost:
        assert self._process is not None
        code = self._process.poll()
        how = "does not answer" if code is None else "ended"
        if code is not None and code < 0:
            how = f"was ended by signal {-code}"
        return ProxyLost(f"the proxy for calls of a language model {how}")
