"""What looks like a secret, so that it leaves the machine neither in a prompt nor as a name.

Tokens of known services are found by detect-secrets (Yelp), by its detectors that look at text
alone: none asks a server whether a secret is alive. What is long and as random as keys are is taken
for one as well. A line of a prompt in which anything is found is left out whole: which of its
characters belong to the secret is guesswork. A name is sent as another one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import count
from math import log2
from typing import Any

from handlers.judge.prompt.check import SECRET

LEFT_OUT = "[left out: this line holds what looks like a secret]"
LONG = 20
"""Characters; keys that are shorter are found by their service's form."""
RANDOM_BITS = 3.9
"""Bits a character: of 20 characters of a key about 4, of names and words less than 3.8."""
_RUN = re.compile(rf"[A-Za-z0-9+/_-]{{{LONG},}}")
_UNUSED = frozenset({"Base64 High Entropy String", "Hex High Entropy String", "Public IP (ipv4)"})
"""Detectors that are not used: the first two take every word of prose for a key where nothing is
quoted, and an address is no secret."""

Find = Callable[[str], bool]


def is_installed() -> bool:
    """Whether detect-secrets is there: without it no prose is sent."""
    return bool(_detectors())


def looks_secret(text: str) -> bool:
    """Whether a line, or a name, holds what looks like a secret."""
    return (
        SECRET.search(text) is not None
        or any(_is_random(run) for run in _RUN.findall(text))
        or any(found(text) for found in _detectors())
    )


def scrubbed(lines: Iterable[str]) -> list[str]:
    """The lines, those with a secret replaced."""
    return [LEFT_OUT if looks_secret(line) else line for line in lines]


def _is_random(run: str) -> bool:
    """Long, with letters and digits mixed, and hardly a character that comes again."""
    if not (re.search(r"[0-9]", run) and re.search(r"[A-Za-z]", run)):
        return False
    counts = [run.count(character) / len(run) for character in set(run)]
    bits = -sum(share * log2(share) for share in counts)
    return bits >= RANDOM_BITS or (len(run) >= 32 and re.fullmatch(r"[0-9a-f]+", run) is not None)


@cache
def _detectors() -> tuple[Find, ...]:
    try:
        from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    except ImportError:
        return ()
    classes = get_mapping_from_secret_type_to_class()
    plugins = [made() for kind, made in sorted(classes.items()) if kind not in _UNUSED]
    return tuple(_finder(plugin) for plugin in plugins)


def _finder(plugin: Any) -> Find:
    return lambda text: any(True for _ in plugin.analyze_string(text))


class Aliases:
    """Other names for those that look like secrets, in what is sent and back again."""

    def __init__(self, names: Iterable[str]) -> None:
        known = set(names)
        secret = sorted(filter(looks_secret, known), key=lambda name: (-len(name), name))
        free = (alias for i in count(1) if (alias := f"name{i}") not in known)
        self.of: Mapping[str, str] = dict(zip(secret, free, strict=False))

    def hide(self, text: str) -> str:
        """A text, JSON or not, with the aliases in place of the names."""
        for name, alias in self.of.items():
            text = text.replace(json.dumps(name)[1:-1], alias).replace(name, alias)
        return text

    def hidden(self, value: Any) -> Any:
        """Data, as `hide` does with its text."""
        return json.loads(self.hide(json.dumps(value))) if self.of else value

    def restored(self, value: Any) -> Any:
        """Data that came back, with the names in place of the aliases, as whole words."""
        if isinstance(value, str):
            real = {alias: name for name, alias in self.of.items()}
            return re.sub(r"\bname[0-9]+\b", lambda word: real.get(word[0], word[0]), value)
        if isinstance(value, list):
            return [self.restored(item) for item in value]
        if isinstance(value, dict):
            return {key: self.restored(item) for key, item in value.items()}
        return value
