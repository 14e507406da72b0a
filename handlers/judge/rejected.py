"""Claims without the remedies that were turned down (candidates/barred.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handlers.judge.candidates.barred import Barred
from handlers.judge.evidence.claims import Claims
from handlers.judge.prompt.rules.grammar import render
from store.reads.improvements import PromptRow


def without_rejected(
    claims: Claims, rows: Sequence[PromptRow], seen: Mapping[str, Sequence[int]]
) -> Claims:
    """Claims without the remedies that were turned down, on no more evidence than there is again.

    `seen`: failure mode -> for each run that shows it, the position of the event that first told of
    the run.
    """
    gone = [rule for rule in claims.rules if Barred(rows, seen).bars(rule)]
    good = [index for index, rule in enumerate(claims.rules) if rule not in gone]
    dropped = [
        f"{render(rule)[2:]!r} was taken back before, and few further runs show what it is for"
        for rule in gone
    ]
    return Claims(
        tuple(claims.rules[index] for index in good),
        tuple(claims.cites[index] for index in good),
        (*claims.dropped, *dropped),
        claims.remarks,
    )
