"""What a brain may ask for: a chat completion, or which models there are. Nothing else passes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handlers.judge.evidence.pack import tokens_of
from handlers.judge.groq.question import ESTIMATE
from handlers.judge.proxy.providers import PROVIDERS, Provider

MAX_BODY = 1 << 20
"""Bytes of a request."""
ANSWER_TOKENS = 4096
"""What an answer may cost where the request does not bound it."""
PART_TOKENS = 1500
"""What a picture or another part that is no text may cost."""
_MODEL = re.compile(r"/models(?:/[A-Za-z0-9._:-]+){0,3}")


class NotPassed(Exception):
    """A request that the proxy does not pass on. `code` names the reason; `status` is for HTTP."""

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it goes out. `body` None: a GET.

    `tokens` is the most it may cost by our estimate. `is_drawn`: its answer is one of many that the
    model could give, so that to be answered alike the second time is not what would happen.
    """

    provider: Provider
    path: str
    body: bytes | None = None
    model: str = ""
    tokens: int = 0
    is_drawn: bool = False

    @property
    def digest(self) -> str:
        """Of all that the answer depends on: equal requests have equal ones."""
        text = f"{self.provider.name} {self.path}\n".encode() + (self.body or b"")
        return hashlib.sha256(text).hexdigest()


def call_of(method: str, target: str, body: bytes) -> Call:
    """The call that an HTTP request is. Raises NotPassed."""
    for provider in PROVIDERS.values():
        path = target.removeprefix(provider.prefix)
        if path == target:
            continue
        if method == "POST" and path == "/chat/completions":
            return _completion(provider, path, body)
        if method == "GET" and _MODEL.fullmatch(path) and ".." not in path:
            return Call(provider, path)
    where = target.partition("?")[0][:80]
    raise NotPassed(
        "path",
        f"{method} {where} does not pass: only chat completions and the list of models do",
        404,
    )


def _completion(provider: Provider, path: str, body: bytes) -> Call:
    try:
        asked = json.loads(body)
        # Written anew: with its keys in another order, or other spaces, it is the same question.
        written = json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        raise NotPassed("not_json", "the request is no JSON", 400) from None
    if not isinstance(asked, dict) or not isinstance(asked.get("model"), str):
        raise NotPassed("not_json", "the request is no object that names a model", 400)
    if asked.get("stream"):
        raise NotPassed("stream", "a streamed answer does not pass: ask without stream=True", 400)
    return Call(provider, path, written, asked["model"], _most_tokens(asked), _is_drawn(asked))


def _is_drawn(asked: Mapping[str, Any]) -> bool:
    """Without a temperature of 0, and without a seed, another answer would be as good."""
    return asked.get("temperature") != 0 and asked.get("seed") is None


def _most_tokens(asked: Mapping[str, Any]) -> int:
    bound = next(
        (
            value
            for name in ("max_completion_tokens", "max_tokens")
            if type(value := asked.get(name)) is int and value > 0
        ),
        ANSWER_TOKENS,
    )
    answers = asked.get("n")
    answers = answers if type(answers) is int and answers > 0 else 1
    texts, others = _parts(asked.get("messages"))
    rest = {name: value for name, value in asked.items() if name != "messages"}
    prompt = (
        tokens_of(json.dumps(rest)) + sum(_tokens_of(text) for text in texts) + PART_TOKENS * others
    )
    return int(prompt * ESTIMATE) + bound * answers


def _tokens_of(text: str) -> int:
    """Also of a text with half a character in it, which JSON can hold and UTF-8 cannot."""
    return tokens_of(text.encode("utf-8", "replace").decode())


def _parts(messages: object) -> tuple[list[str], int]:
    """The texts of messages, and how many parts there are that are none."""
    texts, others = [], 0
    for message in messages if isinstance(messages, list) else []:
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else [content]:
            text = part.get("text") if isinstance(part, dict) else part
            if isinstance(text, str):
                texts.append(text)
            elif part is not None:
                others += 1
    return texts, others
