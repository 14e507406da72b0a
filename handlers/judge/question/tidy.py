"""A model's prose as it would be written: the spaces and hyphens that models like are ordinary."""

from __future__ import annotations

import re
import unicodedata

_HYPHENS = re.compile("[\u2010-\u2012]")
_SPACES = re.compile(r"[^\S\n]+")


def tidied(text: object) -> str:
    """Text in NFKC, with one kind of space and of hyphen, without spaces at the ends of lines.

    Nothing else is changed: what is not seen stays, to be refused (wording/plain.py).
    """
    plain = unicodedata.normalize("NFKC", str(text)).replace("\r\n", "\n")
    plain = _HYPHENS.sub("-", plain)
    return "\n".join(_SPACES.sub(" ", line).strip() for line in plain.split("\n")).strip()
