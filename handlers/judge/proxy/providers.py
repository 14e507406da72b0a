"""Whom a brain may ask, and how its SDK is pointed at the proxy: by the variables it reads."""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """A service with OpenAI's API.

    `prefix` is the path that its SDK puts, or has in its base URL, before `/chat/completions`;
    `base_path` is the part of it that belongs into the base URL. `looks_like` begins its keys.
    """

    name: str
    title: str
    address: str
    prefix: str
    base_path: str
    looks_like: str

    @property
    def key_variable(self) -> str:
        return f"{self.name.upper()}_API_KEY"

    @property
    def base_variable(self) -> str:
        return f"{self.name.upper()}_BASE_URL"

    @property
    def credential(self) -> str:
        return f"{self.name}_api_key"


GROQ = Provider("groq", "Groq", "https://api.groq.com", "/openai/v1", "", "gsk_")
OPENAI = Provider("openai", "OpenAI", "https://api.openai.com/v1", "/v1", "/v1", "sk-")
PROVIDERS = {provider.name: provider for provider in (GROQ, OPENAI)}
"""By the names that handlers.judge.brain knows them by."""


def pointed_at(port: int, token: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a brain's environment says so that both SDKs ask the proxy, with its token as the key.

    A proxy that the environment names for the outer world must not be asked for loopback.
    """
    found = {}
    for provider in PROVIDERS.values():
        found[provider.key_variable] = provider.looks_like + token
        found[provider.base_variable] = f"http://127.0.0.1:{port}{provider.base_path}"
    for name in ("no_proxy", "NO_PROXY"):
        found[name] = ",".join(filter(None, (environ.get(name, ""), "127.0.0.1")))
    return found


def is_token(authorization: bytes, token: str) -> bool:
    """Whether a request's Authorization is ours, whichever SDK it comes from."""
    given = authorization.removeprefix(b"Bearer ").strip()
    known = [(provider.looks_like + token).encode() for provider in PROVIDERS.values()]
    return any(hmac.compare_digest(given, one) for one in known)
