"""One question to Groq: the real SDK, our own retries, a total deadline, and no surprises.

The SDK's own retries are off, its response validation is on, redirects are not followed (a 307
would hand the evidence to another host) and proxies from the environment are not used. A timeout in
the SDK is one per read, which a server that drips bytes never reaches: the call runs on a thread
of its own and is given up as a whole.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from handlers.judge.evidence import tokens_of
from handlers.judge.failures import (
    JudgeFailure,
    OverBudget,
    RateLimited,
    Refused,
    TooLong,
    TooSlow,
    Unreachable,
    Unusable,
)
from handlers.judge.keys import usable_key
from handlers.judge.shape import misfit
from store.errors import MissingExtraError, one_line

RETRIES = 3
SHORT_WAIT_S = 20.0
LATER_S = 300.0
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
    """A question. `smaller` gives a shorter `user` once, for a model that finds it too long.

    `tokens_left`: of today's budget. `deadline_s`: for all attempts together.
    """

    system: str
    user: str
    schema: Mapping[str, Any]
    model: str
    max_completion_tokens: int
    deadline_s: float
    tokens_left: int
    idempotency_key: str
    smaller: Callable[[], str] | None = None

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


def ask(question: Ask, key: str | None, clock: Clock | None = None) -> Answer:
    """Put the question. Raises a JudgeFailure that says what went wrong and whether to come back.

    GROQ_BASE_URL, as the SDK knows it, names another server.
    """
    good_key = usable_key(key)
    clock = clock or Clock()
    reserve = question.reserve()
    if reserve > question.tokens_left:
        raise OverBudget(
            f"today's tokens do not suffice: up to {reserve} needed, {question.tokens_left} left",
            "over_budget",
            hint="judge.daily_tokens is the limit",
            after_s=86400 - clock.wall() % 86400,
        )
    return _Conversation(question, good_key, clock, reserve).run()


class _Conversation:
    """The attempts of one question."""

    def __init__(self, question: Ask, key: str, clock: Clock, reserve: int) -> None:
        self.question = question
        self.key = key
        self.clock = clock
        self.reserve = reserve
        self.user = question.user
        self.calls = 0
        self.spent = 0
        self.deadline = clock.now() + question.deadline_s
        self.shortened = False
        self.reasked = False

    def run(self) -> Answer:
        failures = 0
        while True:
            if self.spent + self.reserve > self.question.tokens_left:
                raise OverBudget(
                    "today's tokens were used up by attempts that failed",
                    "over_budget",
                    after_s=86400 - self.clock.wall() % 86400,
                    tokens=self.spent,
                )
            try:
                return self._attempt()
            except _Again as again:
                failures += 1
                wait = again.wait_s if again.wait_s is not None else float(2 ** (failures - 1))
                left = self.deadline - self.clock.now()
                if failures >= RETRIES or wait > min(left, SHORT_WAIT_S):
                    again.failure.tokens = self.spent
                    raise again.failure from None
                self.clock.sleep(wait)

    # -- one attempt -------------------------------------------------------------------------------

    def _attempt(self) -> Answer:
        groq, httpx = _sdk()
        left = self.deadline - self.clock.now()
        if left <= 0:
            raise TooSlow(*self._slow(), after_s=LATER_S, tokens=self.spent)
        self.calls += 1
        try:
            status, text = self._post(groq, httpx, left)
        except groq.APITimeoutError:
            self.spent += self.reserve
            raise TooSlow(*self._slow(), after_s=LATER_S, tokens=self.spent) from None
        except groq.APIConnectionError as error:
            cause = one_line(str(error.__cause__ or error))[:120]
            failure = Unreachable(f"no connection to Groq: {self._hide(cause)}", "unreachable",
                                  after_s=LATER_S)  # fmt: skip
            raise _Again(failure) from None
        except groq.APIStatusError as error:
            return self._status(error)
        return self._answer(status, text)

    def _post(self, groq: Any, httpx: Any, left: float) -> tuple[int, str]:
        """Send it on a thread, so that the whole of it can be given up."""
        outcome: list[Any] = []
        with httpx.Client(trust_env=False, follow_redirects=False, timeout=left) as http:
            client = groq.Groq(
                api_key=self.key,
                base_url=base_url(),
                max_retries=0,
                timeout=left,
                http_client=http,
                _strict_response_validation=True,
            )

            def send() -> None:
                try:
                    raw = client.chat.completions.with_raw_response.create(**self._request())
                    outcome.append((raw.http_response.status_code, raw.text()))
                except Exception as error:  # noqa: BLE001 - raised again by the caller
                    outcome.append(error)

            thread = threading.Thread(target=send, name="groq", daemon=True)
            thread.start()
            thread.join(left)
            if not outcome:
                raise groq.APITimeoutError(request=httpx.Request("POST", base_url() or "groq:"))
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        status, text = outcome[0]
        return int(status), str(text)

    def _request(self) -> dict[str, Any]:
        return {
            "model": self.question.model,
            "messages": [
                {"role": "system", "content": self.question.system},
                {"role": "user", "content": self.user},
            ],
            "max_completion_tokens": self.question.max_completion_tokens,
            "temperature": 0.2,
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "remedies",
                    "strict": True,
                    "schema": dict(self.question.schema),
                },
            },
            "extra_headers": {"Idempotency-Key": self.question.idempotency_key},
        }

    # -- what came back ----------------------------------------------------------------------------

    def _status(self, error: Any) -> Answer:
        """An HTTP status that is no success."""
        status, body = error.status_code, _body(error)
        said = one_line(self._hide(str(body.get("message") or "")))[:160]
        text = f"Groq answered {status}" + (f": {said}" if said else "")
        match status:
            case 401 | 403 | 404:
                code, hint = _REFUSALS[status]
                raise self._refused(text, code, f"{hint} (judge.model is {self.question.model})")
            case 413:
                return self._shorten(text)
            case 429:
                wait = _retry_after(error.response.headers, self.clock.wall())
                limited = RateLimited(text, "rate_limited", after_s=wait)
                raise _Again(limited, wait)
            case 400 if body.get("code") == "json_validate_failed":
                return self._salvage(str(body.get("failed_generation") or ""))
            case _ if 300 <= status < 400:
                raise self._refused(f"Groq answered {status}, a redirect, which is not followed",
                                    "redirected", "check GROQ_BASE_URL")  # fmt: skip
            case _ if status >= 498:
                raise _Again(Unreachable(text, "unavailable", after_s=LATER_S))
        raise self._refused(text, "bad_request", "")

    def _refused(self, text: str, code: str, hint: str) -> Refused:
        return Refused(text, code, hint=hint, tokens=self.spent)

    def _shorten(self, text: str) -> Answer:
        if self.shortened or self.question.smaller is None:
            raise TooLong(text, "too_long", hint="lower judge.max_tokens", tokens=self.spent)
        self.shortened = True
        self.user = self.question.smaller()
        return self._attempt()

    def _salvage(self, generation: str) -> Answer:
        """What the server found not to have the schema may have it all the same; else once more."""
        self.spent += self.reserve
        try:
            reply = json.loads(generation)
        except ValueError:
            reply = None
        if isinstance(reply, dict) and misfit(reply, self.question.schema) is None:
            # This answer carries no usage: it is charged with all that was reserved.
            return Answer(reply, self.question.model, 0, 0, self.spent, self.calls)
        if self.reasked:
            raise self._unusable("Groq twice generated what is not in the shape asked for", "shape")
        self.reasked = True
        return self._attempt()

    def _answer(self, status: int, text: str) -> Answer:
        """A success's body, taken apart with distrust."""
        reserved = self.reserve
        try:
            body = json.loads(text)
        except ValueError:
            self.spent += reserved
            what = "HTML" if text.lstrip()[:1] == "<" else "no JSON"
            raise self._unusable(f"Groq answered {status} with {what}", "not_json") from None
        body = body if isinstance(body, dict) else {}
        usage = _usage(body.get("usage"))
        self.spent += usage[2] if usage is not None else reserved
        choices = body.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            raise self._unusable("Groq's answer holds no choice", "no_choice")
        if choice.get("finish_reason") == "length":
            raise self._unusable(
                "Groq's answer was cut off at its length limit",
                "truncated",
                hint="raise judge.max_tokens",
            )
        message = choice.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        if not isinstance(content, str) or not content.strip():
            raise self._unusable("Groq's answer is empty", "empty")
        try:
            reply = json.loads(content)
        except ValueError:
            raise self._unusable("Groq's answer is no JSON", "not_json") from None
        wrong = misfit(reply, self.question.schema)
        if wrong is not None:
            raise self._unusable(f"Groq's answer is not in the shape asked for: {wrong}", "shape")
        if usage is None:
            raise self._unusable("Groq did not say what the call cost", "no_usage")
        model = body.get("model")
        return Answer(
            reply,
            model if isinstance(model, str) else self.question.model,
            usage[0],
            usage[1],
            self.spent,
            self.calls,
        )

    def _unusable(self, text: str, code: str, *, hint: str = "") -> Unusable:
        return Unusable(text, code, hint=hint, tokens=self.spent)

    def _slow(self) -> tuple[str, str]:
        return f"Groq did not answer within {self.question.deadline_s:g} s", "timeout"

    def _hide(self, text: str) -> str:
        return text.replace(self.key, "[key]")


_REFUSALS = {
    401: ("unauthorized", "the key is not valid: make a new one at console.groq.com/keys"),
    403: ("forbidden", "the key may not use this model: see its limits at console.groq.com"),
    404: ("no_such_model", "choose a model that Groq serves"),
}


class _Again(Exception):
    """Worth another attempt; `failure` when there is none left."""

    def __init__(self, failure: JudgeFailure, wait_s: float | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.wait_s = wait_s


def _sdk() -> tuple[Any, Any]:
    try:
        import groq
        import httpx
    except ImportError:
        raise MissingExtraError(
            "the judge needs the groq package", hint="pip install 'cadenzad[judge]'"
        ) from None
    # It tells every request at level INFO; what came of it is told by us.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return groq, httpx


def base_url(environ: Mapping[str, str] = os.environ) -> str | None:
    """GROQ_BASE_URL, checked. Raises Refused for one that would not work or send in the clear."""
    text = environ.get("GROQ_BASE_URL", "").strip()
    if not text:
        return None
    parts = urlsplit(text)
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise Refused(f"GROQ_BASE_URL: {text!r} is not https", "bad_base_url", hint="use https")
    if parts.path.strip("/"):
        raise Refused(
            f"GROQ_BASE_URL: {text!r} has a path, which the SDK adds itself",
            "bad_base_url",
            hint=f"write {parts.scheme}://{parts.netloc}",
        )
    return text.rstrip("/")


def _body(error: Any) -> Mapping[str, Any]:
    body = error.body
    inner = body.get("error") if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else {}


def _usage(value: object) -> tuple[int, int, int] | None:
    if not isinstance(value, dict):
        return None
    numbers = [value.get(name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")]
    if any(type(number) is not int or number < 0 for number in numbers):
        return None
    return numbers[0], numbers[1], numbers[2]  # type: ignore[return-value]


def _retry_after(headers: Mapping[str, str], now: float) -> float:
    """Seconds, or a date; a minute when it says nothing that can be read."""
    text = headers.get("retry-after", "").strip()
    try:
        return min(max(float(text), 0.0), 86400.0)
    except ValueError:
        pass
    try:
        return min(max(parsedate_to_datetime(text).timestamp() - now, 0.0), 86400.0)
    except (ValueError, TypeError):
        return 60.0
