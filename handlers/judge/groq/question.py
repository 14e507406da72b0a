"""What is asked and what comes back, and the time that passes in between."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from handlers.judge.evidence.pack import tokens_of

ESTIMATE = 1.3
"""A reserve covers an estimate that was too low, and the schema, which is sent too."""


@dataclass(frozen=True)
class Clock:
    """Time, so that tests do not wait."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wall: Callable[[], float] = time.time


@dataclass(frozen=True)
class Ask:
    """A question. `smaller` gives a shorter `user` once, for a model that finds it too long;
    `briefer` a question that asks for less, after an answer that was cut off (None: there is none).

    `tokens_left`: of today's budget. `deadline_s`: for all attempts together. `by_hand`: somebody
    waits for it, so only a server's own word keeps it from being sent. `longer`: what to do about
    an answer that was cut off.
    """

    system: str
    user: str
    schema: Mapping[str, Any]
    model: str
    max_completion_tokens: int
    deadline_s: float
    tokens_left: int
    idempotency_key: str
    smaller: Callable[[], str | None] | None = None
    briefer: Callable[[], Ask | None] | None = None
    by_hand: bool = False
    longer: str = ""

    def reserve(self) -> int:
        """The most a call may cost, in tokens."""
        prompt = tokens_of(self.system) + tokens_of(self.user) + tokens_of(json.dumps(self.schema))
        return int(prompt * ESTIMATE) + self.max_completion_tokens


@dataclass(frozen=True)
class Answer:
    """The reply, which has the schema's shape, and what it cost. `calls`: requests sent."""

    reply: Mapping[str, Any]
    model: str
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    calls: int
