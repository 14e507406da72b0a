"""Is a prompt read as prose? Then our rules are sentences in it, instead of lines in a grammar.

It is where its author wrote no rule in our grammar, and no code that goes with it speaks of such
lines: a `decide` of ours, the sample's or an earlier one of it, does so in its reading of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from handlers.judge.prompt.block import without_block
from handlers.judge.prompt.rules.grammar import parse_all

_READS_RULES = re.compile(rb"-\s?(?:\[ \]|\[ )?\s*when\b")


def is_prose(value: str, code: Iterable[bytes]) -> bool:
    """Whether a prompt is. `code`: the files that it is read from and with, our block left out."""
    if parse_all(without_block(value).split("\n")):
        return False
    return not any(_READS_RULES.search(text) for text in code)
