"""Takes apart what a server sent, with distrust: bodies, usage, and when to come back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

from handlers.judge.groq.errors import Refused, Unusable
from store.errors import one_line

MOST_TOKENS = 1_000_000
"""More than any call can cost: a larger number is none."""
LONGEST_RETRY_S = 86400.0
LONGEST_NAME = 100


class NotJson(ValueError):
    """Text that is no JSON, or JSON that nobody can hold."""


def parsed(text: str) -> Any:
    """The JSON in a text. Raises NotJson, also for 200,000 opening brackets."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from None


def error_of(body: object) -> Mapping[str, Any]:
    """The error object in a body of Groq's shape; empty for any other."""
    inner = body.get("error") if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else {}


def text_of(error: Mapping[str, Any], name: str) -> str:
    value = error.get(name)
    return value if isinstance(value, str) else ""


def refusal(status: int, text: str, model: str, code: str = "") -> Refused:
    """What to do about a status that would be the same the next time. `code`: Groq's own word."""
    if 300 <= status < 400:
        message = f"Groq answered {status}, a redirect, which is not followed"
        return Refused(message, "redirected", hint="check GROQ_BASE_URL")
    reason = _REFUSALS.get(code) or _REFUSALS.get(status)
    if reason is not None:
        return Refused(text, reason[0], hint=f"{reason[1]} (judge.model is {model})")
    hint = f"judge.model must know strict JSON schemas, as openai/gpt-oss-120b does; it is {model}"
    return Refused(text, "bad_request", hint=hint)


_NEXT_MODEL = "choose one that Groq serves and that knows strict JSON schemas: openai/gpt-oss-120b"
_REFUSALS: Mapping[int | str, tuple[str, str]] = {
    401: ("unauthorized", "the key is not valid: make a new one at console.groq.com/keys"),
    402: ("payment_required", "the account has to be paid for: console.groq.com/settings/billing"),
    403: ("forbidden", "the key may not use this model: see its limits at console.groq.com"),
    404: ("no_such_model", "choose a model that Groq serves"),
    "model_not_found": ("no_such_model", "choose a model that Groq serves"),
    "model_decommissioned": ("model_decommissioned", f"the model was shut off: {_NEXT_MODEL}"),
}


def reply_in(
    status: int, text: str, schema: Mapping[str, Any], *, longer: str = ""
) -> tuple[Mapping[str, Any], str]:
    """The reply in a success's body, which has the schema's shape, and the model's name.

    Raises Unusable. `longer`: what to do about a reply that was cut off.
    """
    try:
        body = parsed(text)
    except NotJson:
        what = "HTML" if text.lstrip()[:1] == "<" else "no JSON"
        raise Unusable(f"Groq answered {status} with {what}", "not_json") from None
    body = body if isinstance(body, dict) else {}
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        raise Unusable("Groq's answer holds no choice", "no_choice")
    if choice.get("finish_reason") == "length":
        reason = "Groq's answer was cut off at its length limit"
        raise Unusable(reason, "truncated", hint=longer)
    message = choice.get("message")
    content = text_of(message, "content").strip() if isinstance(message, dict) else ""
    if not content:
        raise Unusable("Groq's answer is empty", "empty")
    try:
        reply = parsed(content)
    except NotJson:
        raise Unusable("Groq's answer is no JSON", "not_json") from None
    wrong = misfit(reply, schema)
    if wrong is not None:
        raise Unusable(f"Groq's answer is not in the shape asked for: {wrong}", "shape")
    return reply, one_line(text_of(body, "model"))[:LONGEST_NAME]


def usage_in(text: str) -> tuple[int, int, int] | None:
    """(prompt, completion, total) tokens in a body; None for what no call can have cost."""
    try:
        body = parsed(text)
    except NotJson:
        return None
    usage = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(usage, dict):
        return None
    numbers = []
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        number = usage.get(name)
        if type(number) is not int or not 0 <= number <= MOST_TOKENS:
            return None
        numbers.append(number)
    prompt, completion, total = numbers
    return (prompt, completion, total) if total > 0 and prompt + completion <= total else None


def retry_after(headers: Mapping[str, str], now: float, message: str = "") -> float:
    """How long (s) a server asks to be left alone; a minute when it does not say.

    The header may hold seconds, a date, or a duration as Groq writes it ("7m12.5s"); without one
    the message may: "Please try again in 7m12.5s."
    """
    said = _TRY_AGAIN.search(message)
    for text in (headers.get("retry-after", "").strip(), said[1] if said else ""):
        for read in (_seconds, _duration, lambda date: _date(date, now)):
            wait = read(text)
            if wait is not None:
                return min(max(wait, 0.0), LONGEST_RETRY_S)
    return 60.0


_DURATION = r"(?:\d+(?:\.\d+)?(?:ms|[dhms]))+"
_TRY_AGAIN = re.compile(rf"\btry again in ({_DURATION})", re.IGNORECASE)
_PARTS = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if isfinite(seconds) else None


def _duration(text: str) -> float | None:
    if not re.fullmatch(_DURATION, text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PARTS.findall(text))


def _date(text: str, now: float) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return None


def misfit(value: Any, schema: Mapping[str, Any]) -> str | None:
    """What is wrong and where, in one line; None when it fits. Never shows the value itself."""
    from jsonschema import Draft4Validator  # for it, 3.0 is no whole number

    try:
        error = next(Draft4Validator(schema).iter_errors(value), None)
    except RecursionError:  # its own message, which is not used, shows the value
        return "reply is nested too deeply"
    if error is None:
        return None
    where = error.json_path.replace("$", "reply", 1)
    match error.validator:
        case "type":
            return f"{where} is no {_TYPES[error.validator_value]}"
        case "required":
            missing = next(name for name in error.validator_value if name not in error.instance)
            return f"{where}.{missing} is missing"
        case "additionalProperties":
            return f"{where} has a key that was not asked for"
    return f"{where} is none of the values allowed"


_TYPES = {"object": "object", "array": "list", "string": "text", "integer": "whole number"}
