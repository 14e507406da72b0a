"""Remedies that had their chance: what was rolled back or rejected is barred for that evidence.

The evidence are the runs that show the failure a remedy is for. Those that were known when it was
turned down do not count for it again. It may come back when as many further runs show the failure
as had shown it then, and FURTHER at least: each time it takes twice as many, so that nothing swings
to and fro.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handlers.judge.evidence.claims import Claims
from handlers.judge.prompt.rules.grammar import parse_all, render
from handlers.judge.prompt.rules.rule import Condition, Rule
from store.reads.improvements import PromptRow

Remedy = tuple[str | None, frozenset[Condition], str]

FURTHER = 4
"""As many as the watch over a rewrite waits for at least."""
UNWANTED = ("rolled_back", "rejected", "theirs")
"""States of versions that somebody, or the monitor, did not want."""


def without_rejected(
    claims: Claims, rows: Sequence[PromptRow], seen: Mapping[str, Sequence[int]]
) -> Claims:
    """Claims without the remedies that were turned down, on no more evidence than there is again.

    The same action for the same case is the same remedy, however many ticks it waits for. What a
    version had from its parent is not what it was taken back for. `seen`: failure mode -> for each
    run that shows it, the position of the event that first told of the run.
    """
    barred = _rejected(rows)

    def is_gone(rule: Rule) -> bool:
        ended = max(barred.get(render(rule), 0), barred.get(_remedy(rule), 0))
        runs = seen.get(rule.mode_id, ())
        further = sum(first > ended for first in runs)
        return ended > 0 and further < max(FURTHER, len(runs) - further)

    good = [index for index, rule in enumerate(claims.rules) if not is_gone(rule)]
    dropped = [
        f"{render(rule)[2:]!r} was taken back before, and few further runs show what it is for"
        for rule in claims.rules
        if is_gone(rule)
    ]
    return Claims(
        tuple(claims.rules[index] for index in good),
        tuple(claims.cites[index] for index in good),
        (*claims.dropped, *dropped),
        claims.remarks,
    )


def _rejected(rows: Sequence[PromptRow]) -> dict[str | Remedy, int]:
    """The lines and the remedies that were new in versions nobody wants -> since which position."""
    barred: dict[str | Remedy, int] = {}
    by_number = {row.version: row for row in rows}
    for row in rows:
        if row.state not in UNWANTED or row.undoes is not None:
            continue
        parent = by_number.get(row.parent) if row.parent is not None else None
        inherited = [rule["line"] for rule in parent.rules] if parent is not None else []
        own = [rule["line"] for rule in row.rules]
        lines: set[str | Remedy] = {*own} - {*inherited}
        remedies = {*map(_remedy, parse_all(own))} - {*map(_remedy, parse_all(inherited))}
        for item in lines | remedies:
            barred[item] = max(barred.get(item, 0), row.unwanted)
    return barred


def _remedy(rule: Rule) -> Remedy:
    return (*rule.case, rule.action)
