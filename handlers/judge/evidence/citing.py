"""G1: a citation must show the condition and the failure, both at once.

That a finding cites a tick says that the failure shows there. Whether a rule would have spoken
there is asked of what was known before the tick, as its brain would have been asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from handlers.judge.evidence.findings import Citation, Finding
from handlers.judge.evidence.moments import moments
from handlers.judge.evidence.ticks import Episode
from handlers.judge.prompt.rules.rule import Rule


def showing(
    rules: Sequence[Rule], cites: Sequence[str], finding: Finding, episodes: Sequence[Episode]
) -> tuple[str, ...]:
    """Those of `cites` (run:first-last) that show the finding, and in a tick of which a rule holds.

    Each is inside an occurrence of the finding; text that is no citation shows nothing.
    """
    runs = {episode.run: episode for episode in episodes}
    held = []
    for text in cites:
        try:
            cited = Citation.parse(text)
        except ValueError:
            continue
        if cited.run in runs and _is_of(cited, finding) and _holds_in(cited, rules, runs):
            held.append(text)
    return tuple(dict.fromkeys(held))


def _is_of(cited: Citation, finding: Finding) -> bool:
    return any(
        cited.run == known.run and known.first <= cited.first <= cited.last <= known.last
        for known in finding.citations
    )


def _holds_in(cited: Citation, rules: Sequence[Rule], runs: dict[str, Episode]) -> bool:
    return any(
        moment.fires(rule)
        for moment in moments(runs[cited.run])
        if cited.first <= moment.tick.tick <= cited.last
        for rule in rules
    )
