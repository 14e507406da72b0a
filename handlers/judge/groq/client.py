"""One question to Groq: our own retries, a total deadline, a budget, and no surprises."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NoReturn

from handlers.judge.groq.answer import (
    NotJson,
    error_of,
    misfit,
    parsed,
    refusal,
    reply_in,
    retry_after,
    text_of,
    usage_in,
)
from handlers.judge.groq.budget import FIRST_WAIT_S, Ledger
from handlers.judge.groq.errors import (
    JudgeFailure,
    NoKey,
    OverBudget,
    RateLimited,
    TooLong,
    TooSlow,
    Unreachable,
    Unusable,
    Waiting,
)
from handlers.judge.groq.question import Answer, Ask, Clock
from handlers.judge.groq.wire import post, sdk
from store.errors import one_line

REASONING = "low"
"""What a model thinks is taken from the tokens of its answer, which may be twelve remedies."""
RETRIES = 3
SHORT_WAIT_S = 20.0
SOON_S = 60.0
"""A server that asks for less than this, again and again, is left alone for longer each time."""


def ask(
    question: Ask, key: str | None, clock: Clock | None = None, ledger: Ledger | None = None
) -> Answer:
    """Put the question. Raises a JudgeFailure that says what went wrong and whether to come back.

    GROQ_BASE_URL, as the SDK knows it, names another server. `ledger`: what other processes took
    of the day's tokens, and whether the server asked one of them to wait.
    """
    good_key = usable_key(key)
    clock = clock or Clock()
    if ledger is not None:
        _not_before(ledger, clock, question)
    return _Conversation(question, good_key, clock, ledger).run()


def _not_before(ledger: Ledger, clock: Clock, question: Ask) -> None:
    """Raise Waiting while it is not yet time to ask again."""
    hold = ledger.hold()
    if hold is not None and (hold.asked or not question.by_hand):
        after_s = hold.until - clock.wall()
        raise Waiting(hold.message, hold.code, hint=again_at(hold.until), after_s=after_s)


def again_at(moment: float) -> str:
    """When it may be tried again, for people."""
    return f"it may be tried again at {datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC"


class _Conversation:
    """The attempts of one question."""

    def __init__(self, question: Ask, key: str, clock: Clock, ledger: Ledger | None) -> None:
        self.question = question
        self.key = key
        self.clock = clock
        self.ledger = ledger
        self.reserve = question.reserve()
        self.user = question.user
        self.calls = 0
        self.spent = 0
        self.held = 0
        self.deadline = clock.now() + question.deadline_s
        self.shortened = False
        self.reasked = False

    def run(self) -> Answer:
        try:
            answer = self._ask()
        except JudgeFailure as failure:
            # Whatever else ends this leaves the day's tokens taken: nobody knows what it cost.
            self._settle()
            failure.tokens, failure.calls = self.spent, self.calls
            self._remember(failure)
            raise
        self._settle()
        if self.ledger is not None:
            self.ledger.answered()
        return answer

    def _ask(self) -> Answer:
        failures = 0
        while True:
            self._afford()
            try:
                return self._attempt()
            except _Anew:
                continue
            except _Again as again:
                failures += 1
                wait = again.wait_s if again.wait_s is not None else float(2 ** (failures - 1))
                left = self.deadline - self.clock.now()
                if failures >= RETRIES or wait > min(left, SHORT_WAIT_S):
                    raise again.failure from None
                self.clock.sleep(wait)

    # -- tokens and patience -----------------------------------------------------------------------

    def _afford(self) -> None:
        """Take an attempt's tokens before it is made. Raises OverBudget."""
        needed = self.spent + self.reserve
        left = self.question.tokens_left
        enough = needed <= left
        if enough and self.ledger is not None and needed > self.held:
            enough = self.ledger.take(needed - self.held)
            left = self.ledger.left() if not enough else left
        if not enough:
            if self.calls:
                reason = "today's tokens were used up by attempts that failed"
            else:
                reason = (
                    f"today's tokens do not suffice: up to {self.reserve} needed,"
                    f" {max(0, left)} left"
                )
            raise self._over_budget(reason, left)
        self.held = max(self.held, needed)

    def _over_budget(self, reason: str, left: int) -> OverBudget:
        """When there may be enough: after midnight, sooner if other calls give back, or never."""
        hint = "judge.daily_tokens is the limit"
        midnight = 86400 - self.clock.wall() % 86400
        if self.ledger is None:
            return OverBudget(reason, "over_budget", hint=hint, after_s=midnight)
        if self.reserve > self.ledger.limit:
            return OverBudget(reason, "over_budget", hint="raise judge.daily_tokens")
        soon = left + self.ledger.in_flight() >= self.spent + self.reserve
        after_s = min(FIRST_WAIT_S, midnight) if soon else midnight
        return OverBudget(reason, "over_budget", hint=hint, after_s=after_s)

    def _settle(self) -> None:
        if self.ledger is not None and self.held:
            self.ledger.settle(self.held, self.spent)

    def _remember(self, failure: JudgeFailure) -> None:
        """For the other processes: whether the server is to be left alone for a while."""
        if self.ledger is None or not self.calls:
            return
        match failure:
            case RateLimited():
                after_s = failure.after_s
                if after_s is not None and after_s < SOON_S:
                    after_s = None
            case Unreachable() | TooSlow():
                after_s = None
            case OverBudget():
                return
            case _:
                self.ledger.answered()
                return
        failure.after_s = self.ledger.wait(failure.code, failure.message, after_s)
        failure.hint = failure.hint or again_at(self.clock.wall() + failure.after_s)

    # -- one attempt -------------------------------------------------------------------------------

    def _attempt(self) -> Answer:
        groq, httpx = sdk()
        left = self.deadline - self.clock.now()
        if left <= 0:
            raise self._slow()
        self.calls += 1
        try:
            status, text = post(self._request(), self.key, left)
        except groq.APITimeoutError:
            self.spent += self.reserve
            raise self._slow() from None
        except groq.APIConnectionError as error:
            if not isinstance(error.__cause__, httpx.ConnectError):
                self.spent += self.reserve  # it may have been heard
            cause = one_line(str(error.__cause__ or error))[:120]
            message = f"no connection to Groq: {self._hide(cause)}"
            failure = Unreachable(message, "unreachable", after_s=FIRST_WAIT_S)
            raise _Again(failure) from None
        except groq.APIStatusError as error:
            return self._status(error)
        except JudgeFailure:
            self.calls -= 1  # refused before it went out
            raise
        except Exception as error:  # noqa: BLE001 - whatever a server brings the SDK to
            self.spent += self.reserve
            what = type(error).__name__
            raise Unusable(f"Groq's answer cannot be read ({what})", "unreadable") from None
        return self._answer(status, text)

    def _request(self) -> dict[str, Any]:
        return {
            "model": self.question.model,
            "messages": [
                {"role": "system", "content": self.question.system},
                {"role": "user", "content": self.user},
            ],
            "max_completion_tokens": self.question.max_completion_tokens,
            "temperature": 0.2,
            "reasoning_effort": REASONING,
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
        status, body = error.status_code, error_of(error.body)
        message = one_line(self._hide(text_of(body, "message")))[:160]
        text = f"Groq answered {status}" + (f": {message}" if message else "")
        match status:
            case 413:
                self._shorten(text)
            case 429:
                wait = retry_after(
                    error.response.headers, self.clock.wall(), text_of(body, "message")
                )
                raise _Again(RateLimited(text, "rate_limited", after_s=wait), wait)
            case 400 if body.get("code") == "json_validate_failed":
                return self._salvage(text_of(body, "failed_generation"))
            case _ if status == 408 or status >= 498:
                raise _Again(Unreachable(text, "unavailable", after_s=FIRST_WAIT_S))
        raise refusal(status, text, self.question.model, text_of(body, "code"))

    def _shorten(self, text: str) -> NoReturn:
        shorter = None
        if not self.shortened and self.question.smaller is not None:
            shorter = self.question.smaller()
        if shorter is None:
            raise TooLong(text, "too_long", hint="lower judge.max_tokens")
        self.shortened = True
        self.user = shorter
        raise _Anew

    def _salvage(self, generation: str) -> Answer:
        """What the server found not to have the schema may have it all the same; else once more."""
        self.spent += self.reserve
        try:
            reply = parsed(generation)
        except NotJson:
            reply = None
        if isinstance(reply, dict) and misfit(reply, self.question.schema) is None:
            # This answer carries no usage: it is charged with all that was reserved.
            return Answer(reply, self.question.model, 0, 0, self.spent, self.calls)
        if self.reasked:
            raise Unusable("Groq twice generated what is not in the shape asked for", "shape")
        self.reasked = True
        raise _Anew

    def _answer(self, status: int, text: str) -> Answer:
        usage = usage_in(text)
        self.spent += usage[2] if usage is not None else self.reserve
        try:
            reply, model = reply_in(status, text, self.question.schema, longer=self.question.longer)
        except Unusable as error:
            if error.code == "truncated":
                self._ask_for_less()
            raise
        if usage is None:
            raise Unusable("Groq did not say what the call cost", "no_usage")
        model = model or self.question.model
        return Answer(reply, model, usage[0], usage[1], self.spent, self.calls)

    def _ask_for_less(self) -> None:
        """After an answer that was cut off: the same again would be cut off again."""
        less = self.question.briefer() if self.question.briefer is not None else None
        if less is not None:
            self.question, self.user, self.reserve = less, less.user, less.reserve()
            raise _Anew

    def _slow(self) -> TooSlow:
        message = f"Groq did not answer within {self.question.deadline_s:g} s"
        return TooSlow(message, "timeout", after_s=FIRST_WAIT_S)

    def _hide(self, text: str) -> str:
        return text.replace(self.key, "[key]")


class _Anew(Exception):
    """The question was changed, or is put once more: at once."""


class _Again(Exception):
    """Worth another attempt; `failure` when there is none left."""

    def __init__(self, failure: JudgeFailure, wait_s: float | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.wait_s = wait_s


HOW = (
    "export GROQ_API_KEY, or for the service put it into its groq_api_key file;"
    " keys are made at console.groq.com/keys"
)


def usable_key(text: str | None) -> str:
    """The key. Raises NoKey for none, a blank one, and one no HTTP header can hold."""
    if text is None or not text.strip():
        raise NoKey("there is no Groq key: runs are mined and not judged", "no_key", hint=HOW)
    if text != text.strip() or any(not 32 < ord(character) < 127 for character in text):
        message = "the Groq key holds a space, a newline or another sign that no key has"
        raise NoKey(message, "bad_key", hint="put the key alone into its variable or file")
    return text
