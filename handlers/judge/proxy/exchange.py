"""Each question is asked once, paid from the day's tokens, and there is an end to them.

What is asked again is answered as it was, for as long as the proxy lives: a mission is the same
under the same prompt and seed then, and costs nothing the second time. Whatever the proxy has to
refuse makes the trial one of another brain than the robot's, so it says why and answers nothing
more: `ended` is the reason, and the trial ends as unverified.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handlers.judge.groq.answer import NotJson, error_of, parsed, retry_after, text_of, usage_in
from handlers.judge.groq.budget import Hold, Ledger
from handlers.judge.proxy.request import Call, NotPassed
from handlers.judge.proxy.upstream import Reply, Silent, Upstream
from store.errors import one_line

ATTEMPTS = 3
SECONDS = 50.0
"""For a question with all its attempts: less than a brain's `decide` may take."""
SHORT_WAIT_S = 10.0
THEIRS = (400, 404, 409, 413, 415, 422)
"""What the server has against the request itself: the brain's to know, as on the robot."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`calls`: requests that may be sent. `daily_tokens`, `recorded`: as the ledger takes them."""

    calls: int
    daily_tokens: int
    recorded: int = 0


@dataclass(slots=True)
class Counts:
    """What was asked so far. `replayed_drawn`: of the replayed ones, those at a temperature."""

    calls: int = 0
    replayed: int = 0
    replayed_drawn: int = 0
    tokens: int = 0


@dataclass
class Exchange:
    """What goes on between brains and servers. `ended`: why nothing is answered any more."""

    upstream: Upstream
    state_dir: Path
    limits: Limits
    sleep: Callable[[float], Any] = asyncio.sleep
    now: Callable[[], float] = time.monotonic
    counts: Counts = field(default_factory=Counts)
    ended: str = ""
    _answers: dict[str, asyncio.Task[Reply]] = field(default_factory=dict)

    async def answer(self, call: Call) -> Reply:
        """The answer to a call, the same one for the same call. Raises NotPassed."""
        if self.ended:
            raise NotPassed("ended", self.ended)
        known = self._answers.get(call.digest)
        if known is None:
            # A task of its own: a brain that is killed half-way leaves an answer that was paid for.
            known = self._answers[call.digest] = asyncio.create_task(self._ask(call))
        else:
            self.counts.replayed += 1
            self.counts.replayed_drawn += call.is_drawn
        try:
            return await asyncio.shield(known)
        except NotPassed as refusal:
            self.end(refusal.message)
            raise
        except OSError as error:
            self.end(f"the day's tokens cannot be counted: {error.strerror or error}")
            raise NotPassed("no_ledger", self.ended) from None

    def end(self, why: str) -> None:
        """Answer nothing from here on, because of this; the first reason stays."""
        self.ended = self.ended or why

    # -- one question ------------------------------------------------------------------------------

    async def _ask(self, call: Call) -> Reply:
        provider = call.provider
        if not self.upstream.has_key(call):
            raise NotPassed(
                "no_key",
                f"it asks {provider.title}, for which there is no key"
                f" ({provider.key_variable}, or the credential {provider.credential})",
            )
        ledger = Ledger(
            self.state_dir,
            f"{self.upstream.server(call)} {call.model}",
            limit=self.limits.daily_tokens,
            recorded=self.limits.recorded,
        )
        hold: Hold | None = await asyncio.to_thread(ledger.hold)
        if hold is not None and hold.asked:
            raise NotPassed("waiting", f"{hold.message}; it asked to wait")
        until = self.now() + SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            reply = await self._attempt(call, ledger, until)
            if not _is_busy(reply):
                if hold is not None:
                    await asyncio.to_thread(ledger.answered)
                return _judged(call, reply)
            wait = retry_after({"retry-after": reply.retry_after}, time.time())
            if not reply.retry_after and reply.status != 429:
                wait = float(2 ** (attempt - 1))
            if attempt == ATTEMPTS or wait > min(SHORT_WAIT_S, until - self.now()):
                if reply.status == 429:
                    told = (_said(call, reply), wait)
                    await asyncio.to_thread(ledger.wait, "rate_limited", *told)
                break
            await self.sleep(wait)
        raise NotPassed("unavailable", _said(call, reply))

    async def _attempt(self, call: Call, ledger: Ledger, until: float) -> Reply:
        """Send it once, and pay for it."""
        if self.counts.calls >= self.limits.calls:
            raise NotPassed(
                "trial_calls",
                f"its {self.limits.calls} calls of a language model are used up"
                " (judge.trial_calls is the limit)",
            )
        self.counts.calls += 1  # before anything waits: others are at it as well
        if not await asyncio.to_thread(ledger.take, call.tokens):
            self.counts.calls -= 1
            left = max(0, await asyncio.to_thread(ledger.left))
            raise NotPassed(
                "daily_tokens",
                f"today's tokens do not suffice: up to {call.tokens} needed, {left} left"
                " (judge.daily_tokens is the limit)",
            )
        spent = call.tokens
        try:
            reply = await self.upstream.send(call, max(0.1, until - self.now()))
            spent = _cost(call, reply)
        except Silent as silent:
            spent = call.tokens if silent.is_heard else 0
            raise NotPassed("silent", silent.message) from None
        finally:
            self.counts.tokens += spent
            await asyncio.to_thread(ledger.settle, call.tokens, spent)
        return reply


def _judged(call: Call, reply: Reply) -> Reply:
    """A reply that is one. Raises NotPassed for what is no word about the request itself."""
    if reply.status not in (200, *THEIRS):
        raise NotPassed("refused", _said(call, reply))
    try:
        parsed(reply.body.decode("utf-8", "replace"))
    except NotJson:
        title = call.provider.title
        raise NotPassed("not_json", f"{title} answered {reply.status} with no JSON") from None
    return reply


def _is_busy(reply: Reply) -> bool:
    return reply.status in (408, 429) or reply.status >= 498


def _cost(call: Call, reply: Reply) -> int:
    """Tokens: what the server says, else what was taken for it; nothing for what it refused."""
    if reply.status != 200:
        return call.tokens if reply.status >= 500 else 0
    usage = usage_in(reply.body.decode("utf-8", "replace"))
    return usage[2] if usage is not None else call.tokens


def _said(call: Call, reply: Reply) -> str:
    """What a server answered that is no answer, in one line."""
    title = call.provider.title
    if 300 <= reply.status < 400:
        return f"{title} answered {reply.status}, a redirect, which is not followed"
    try:
        body: Mapping[str, Any] = error_of(parsed(reply.body.decode("utf-8", "replace")))
    except NotJson:
        body = {}
    message = one_line(text_of(body, "message"))[:160]
    return f"{title} answered {reply.status}" + (f": {message}" if message else "")
