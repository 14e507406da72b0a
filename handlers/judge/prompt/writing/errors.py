"""What is said of a prompt that is not edited."""

from __future__ import annotations

from store.errors import InputError

NAME = "SYSTEM_PROMPT"


class RefusedSource(InputError):
    """A prompt that is not edited, with the file, the line and the reason."""


class NoPrompt(RefusedSource):
    """The project has no SYSTEM_PROMPT."""


class BlockConflict(RefusedSource):
    """Somebody edited the managed block: it is theirs now."""


def setting(example: str) -> str:
    """The way that is always there: the setting that names the place."""
    return f'name it in the project\'s cadenzad.toml: [judge] prompt = "{example}"'
