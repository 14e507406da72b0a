"""Whether a Groq key is one; it is never shown."""

from __future__ import annotations

from handlers.judge.failures import NoKey

HOW = (
    "export GROQ_API_KEY, or for the service put it into its groq_api_key file;"
    " keys are made at console.groq.com/keys"
)


def usable_key(text: str | None) -> str:
    """The key. Raises NoKey for none, a blank one, and one no HTTP header can hold."""
    if text is None or not text.strip():
        raise NoKey("there is no Groq key: runs are mined and not judged", "no_key", hint=HOW)
    if text != text.strip() or any(not 32 < ord(character) < 127 for character in text):
        raise NoKey("the Groq key holds a space, a newline or another sign that no key has",
                    "bad_key", hint="put the key alone into its variable or file")  # fmt: skip
    return text
