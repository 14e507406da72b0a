"""One request to Groq over the real SDK: where it goes, and how it is given up as a whole.

The SDK's own retries are off, its response validation is on, redirects are not followed (a 307
would hand the evidence to another host) and proxies from the environment are not used. A timeout in
the SDK is one per read, which a server that drips bytes never reaches: the request runs on a thread
of its own.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from handlers.judge.groq.errors import Refused
from store.errors import MissingExtraError

VARIABLE = "GROQ_BASE_URL"


def sdk() -> tuple[Any, Any]:
    """The packages groq and httpx. Raises MissingExtraError."""
    try:
        import groq
        import httpx
        import jsonschema  # noqa: F401 - better missed before a call is paid for than after
    except ImportError:
        raise MissingExtraError(
            "the judge needs the groq package", hint="pip install 'cadenzad[judge]'"
        ) from None
    # It tells every request at level INFO; what came of it is logged by us.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return groq, httpx


def base_url(environ: Mapping[str, str] = os.environ) -> str | None:
    """GROQ_BASE_URL, checked: without a path, which the SDK adds itself. Raises Refused."""
    return _checked(VARIABLE, environ, "")


def address_of(
    variable: str, otherwise: str, path: str, environ: Mapping[str, str] = os.environ
) -> str:
    """The server that a variable names, with this path or none; `otherwise` where it names none.

    Raises Refused.
    """
    return _checked(variable, environ, path) or otherwise


def _checked(variable: str, environ: Mapping[str, str], path: str) -> str | None:
    """A base URL. Raises Refused for one that would not work or send in the clear.

    A message names scheme and host alone: the rest may be somebody's secret.
    """
    text = environ.get(variable, "").strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Refused(f"{variable} is no URL", "bad_base_url", hint="write https://HOST") from None
    shown = f"{parts.scheme}://{host or ''}" + (f":{port}" if port else "")
    local = host in ("127.0.0.1", "::1", "localhost")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise Refused(f"{variable}: {shown} is not https", "bad_base_url", hint="use https")
    if not host:
        raise Refused(f"{variable}: {shown} has no host", "bad_base_url", hint="write https://HOST")
    if parts.username is not None or parts.password is not None:
        raise Refused(
            f"{variable}: {shown} comes with a user name or a password",
            "bad_base_url",
            hint="take it out: the key alone says who asks",
        )
    if parts.path.strip("/") != path.strip("/") or parts.query or parts.fragment:
        what = f"has another path than {path}" if path else "has a path, which the SDK adds itself"
        raise Refused(f"{variable}: {shown} {what}", "bad_base_url", hint=f"write {shown}{path}")
    return text.rstrip("/")


def server(environ: Mapping[str, str] = os.environ) -> str:
    """The name of the server that is asked. Raises Refused like base_url."""
    return urlsplit(base_url(environ) or "https://api.groq.com").netloc


def post(request: Mapping[str, Any], key: str, left: float) -> tuple[int, str]:
    """Send a request and wait for its end, `left` seconds and no more: (status, body).

    Raises what the SDK raises; APITimeoutError when the time is over.
    """
    groq, httpx = sdk()
    outcome: list[Any] = []
    with httpx.Client(trust_env=False, follow_redirects=False, timeout=left) as http:
        client = groq.Groq(
            api_key=key,
            base_url=base_url(),
            max_retries=0,
            timeout=left,
            http_client=http,
            _strict_response_validation=True,
        )

        def send() -> None:
            try:
                raw = client.chat.completions.with_raw_response.create(**request)
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
