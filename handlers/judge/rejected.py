"""Remedies that had their chance: what was rolled back or rejected is not written again."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.judge.evidence.claims import Claims
from handlers.judge.prompt.rules import Rule, parse_all, render
from store.reads.improvements import PromptRow

Remedy = tuple[str | None, str, str | None, str]

UNWANTED = ("rolled_back", "rejected", "theirs")
"""States of versions that somebody, or the monitor, did not want."""


def without_rejected(claims: Claims, rows: Sequence[PromptRow]) -> Claims:
    """Claims without the remedies that were rolled back or rejected: those had their chance.

    The same action for the same case is the same remedy, however many ticks it waits for. What a
    version had from its parent is not what it was taken back for.
    """
    lines, remedies = _rejected(rows)

    def is_gone(rule: Rule) -> bool:
        return render(rule) in lines or _remedy(rule) in remedies

    good = [index for index, rule in enumerate(claims.rules) if not is_gone(rule)]
    dropped = [
        f"{render(rule)[2:]!r} was taken back before" for rule in claims.rules if is_gone(rule)
    ]
    return Claims(
        tuple(claims.rules[index] for index in good),
        tuple(claims.cites[index] for index in good),
        (*claims.dropped, *dropped),
        claims.remarks,
    )


def _rejected(rows: Sequence[PromptRow]) -> tuple[set[str], set[Remedy]]:
    """The lines and the remedies that were new in versions nobody wants."""
    lines, remedies = set[str](), set[Remedy]()
    by_number = {row.version: row for row in rows}
    for row in rows:
        if row.state not in UNWANTED or row.undoes is not None:
            continue
        parent = by_number.get(row.parent) if row.parent is not None else None
        inherited = [rule["line"] for rule in parent.rules] if parent is not None else []
        own = [rule["line"] for rule in row.rules]
        lines |= {*own} - {*inherited}
        remedies |= {*map(_remedy, parse_all(own))} - {*map(_remedy, parse_all(inherited))}
    return lines, remedies


def _remedy(rule: Rule) -> Remedy:
    return (rule.phase, rule.condition, rule.tag, rule.action)
