"""Where keys are: the environment, or the credentials systemd gave this unit. Never shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

KEY = "GROQ_API_KEY"
CREDENTIAL = "groq_api_key"
OPENAI_KEY = "OPENAI_API_KEY"
OPENAI_CREDENTIAL = "openai_api_key"
HUB_CREDENTIAL = "hub_dsn"


def groq_key(environ: Mapping[str, str] = os.environ) -> str | None:
    """The judge's key as it was given; None when there is none."""
    return _given(KEY, CREDENTIAL, environ)


def openai_key(environ: Mapping[str, str] = os.environ) -> str | None:
    """The key for brains of projects that ask OpenAI; None when there is none."""
    return _given(OPENAI_KEY, OPENAI_CREDENTIAL, environ)


def hub_file(dsn_file: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file that says where the hub is: the configured one, else the unit's credential."""
    if dsn_file:
        return Path(dsn_file).expanduser()
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder or not _given("", HUB_CREDENTIAL, environ):
        return None
    return Path(folder) / HUB_CREDENTIAL


def _given(variable: str, credential: str, environ: Mapping[str, str]) -> str | None:
    """From the environment, else the unit's credential, of which the placeholder is blank: none."""
    if environ.get(variable, "").strip():
        return environ[variable]
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    try:
        text = (Path(folder) / credential).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # An editor ends a file with a newline; that is not part of the key.
    return text.strip() or None
