"""Where the Groq key is: the environment, or the credential systemd gave this unit. Never shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

KEY = "GROQ_API_KEY"
CREDENTIAL = "groq_api_key"


def groq_key(environ: Mapping[str, str] = os.environ) -> str | None:
    """The key as it was given; None when there is none. The unit's placeholder is blank: none."""
    if environ.get(KEY, "").strip():
        return environ[KEY]
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    try:
        text = (Path(folder) / CREDENTIAL).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # An editor ends a file with a newline; that is not part of the key.
    return text.strip() or None
