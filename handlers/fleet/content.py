"""An offered prompt as bytes: the rules of a version's block, and nothing of its author's."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from handlers.judge.prompt.rules.grammar import parse
from store.errors import InputError
from store.events.prompt import RuleFact

MOST_BYTES = 64 << 10
"""Of the rules of a block, which are at most some dozen lines."""

_RULES = msgspec.json.Decoder(tuple[RuleFact, ...])


def encode(rules: Sequence[RuleFact]) -> bytes:
    """The rules of a version as bytes, the same for the same rules. Raises InputError.

    Free text is not offered: what its author opened, and let models write, is said in one project.
    """
    for rule in rules:
        if parse(rule.line) is None:
            raise InputError(
                f"{rule.line[:60]!r} is free text, and only rules can be offered",
                hint="offer a version that holds rules alone",
            )
    if not rules:
        raise InputError("that version has no rules: there is nothing to offer")
    shapes = [rule.as_shape() for rule in rules]
    return json.dumps(shapes, ensure_ascii=False, sort_keys=True).encode()


def decode(data: bytes) -> tuple[RuleFact, ...]:
    """The rules that are offered. Raises InputError for what holds none."""
    if len(data) > MOST_BYTES:
        raise InputError(
            f"an offered prompt of {len(data):,} bytes", hint=f"{MOST_BYTES:,} at most"
        )
    try:
        rules = _RULES.decode(data)
    except ValueError as error:
        raise InputError(f"an offered prompt that is none: {error}") from None
    if not rules or any(parse(rule.line) is None for rule in rules):
        raise InputError("an offered prompt with lines that are no rules")
    return rules
