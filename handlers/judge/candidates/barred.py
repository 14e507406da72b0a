"""Remedies that had their chance: what was rolled back or rejected is barred for that evidence.

The evidence are the runs that show the failure a remedy is for. Those that were known when it was
turned down do not count for it again. It may come back when as many further runs show the failure
as had shown it then, and FURTHER at least: each time it takes twice as many, so that nothing swings
to and fro.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handlers.judge.candidates.candidate import Candidate
from handlers.judge.prompt.rules.grammar import parse_all, render
from handlers.judge.prompt.rules.rule import Condition, Rule
from store.reads.improvements import PromptRow

Remedy = tuple[str | None, frozenset[Condition], str]

FURTHER = 4
"""As many as the watch over a rewrite waits for at least."""
UNWANTED = ("rolled_back", "rejected", "theirs")
"""States of versions that somebody, or the monitor, did not want."""


class Barred:
    """What was turned down, from a project's versions.

    The same action for the same case is the same remedy, however many ticks it waits for. What a
    version had from its parent is not what it was taken back for. `seen`: failure mode -> for each
    run that shows it, the position of the event that first told of the run.
    """

    def __init__(
        self, rows: Sequence[PromptRow] = (), seen: Mapping[str, Sequence[int]] | None = None
    ) -> None:
        self._ended = _rejected(rows)
        self._seen = seen or {}

    def bars(self, rule: Rule) -> bool:
        """Whether a rule was turned down, on no more evidence than there is again."""
        ended = max(self._ended.get(render(rule), 0), self._ended.get(_remedy(rule), 0))
        return ended > 0 and not is_news(self._seen.get(rule.mode_id, ()), ended)

    def bars_all(self, candidate: Candidate) -> bool:
        """Whether all that a candidate says was."""
        texts = (self._ended.get(line, 0) for line in candidate.wording.lines)
        runs = self._seen.get(candidate.mode_id, ())
        barred = [ended > 0 and not is_news(runs, ended) for ended in texts]
        return all([*barred, *map(self.bars, candidate.rules)])


def is_news(runs: Sequence[int], ended: int) -> bool:
    """Whether enough runs are new since a position. `runs`: where each was first told of."""
    return missing(runs, ended) == 0


def missing(runs: Sequence[int], ended: int) -> int:
    """How many new runs more it takes."""
    further = sum(first > ended for first in runs)
    return max(0, max(FURTHER, len(runs) - further) - further)


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
