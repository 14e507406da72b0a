"""G2: what would the rules of a prompt have said in held-out runs?

Two things are counted on what was known before each held-out tick. How often the rules choose the
canonical action, where that is confident: agreement with a yardstick, not success; a rule that
agrees more has not been shown to do better. And where the new rules would speak: in the ticks that
show a failure, and in runs that succeeded. One that is silent in every failure and speaks in
successes is told of, for it can do nothing but change what works. Both are reported; neither fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handlers.judge.evidence.findings import Finding
from handlers.judge.evidence.moments import Moment, moments
from handlers.judge.evidence.report import SUCCEEDED
from handlers.judge.evidence.shown import CONFIDENT
from handlers.judge.evidence.ticks import Episode
from handlers.judge.gate import Gate
from handlers.judge.prompt.rules.grammar import render
from handlers.judge.prompt.rules.holding import first_match
from handlers.judge.prompt.rules.rule import Rule

NAME = "G2 replay"


def replay(
    before: Sequence[Rule],
    after: Sequence[Rule],
    held_out: Sequence[Episode],
    findings: Sequence[Finding] = (),
) -> Gate:
    """What both sets of rules say of held-out runs; never a reason to fail.

    `findings`: of all runs or of the held-out ones; their citations are the failures.
    """
    if not held_out:
        return Gate(
            NAME,
            "skipped",
            "none of the runs is held out (of 4 or more about 30% are, by their ids)",
        )
    seen = [(episode, moments(episode)) for episode in held_out]
    agreed = _agreement(before, after, [moment for _, known in seen for moment in known])
    new = [rule for rule in after if rule not in before]
    failing = [m for episode, known in seen for m in _failing(episode, known, findings)]
    working = [m for episode, known in seen if episode.outcome == SUCCEEDED for m in known]
    detail = (
        f"canonical agreement on {agreed['ticks']:.0f} held-out ticks:"
        f" {agreed['agreed_after']:.0f} of {agreed['spoke_after']:.0f} where a rule speaks"
        f" (before: {agreed['agreed_before']:.0f} of {agreed['spoke_before']:.0f})"
    )
    numbers = dict(agreed)
    if new and findings:
        in_failing, in_working = _speaks(new, failing), _speaks(new, working)
        detail += (
            f"; new rules speak in {in_failing} of {len(failing)} held-out ticks of failures and in"
            f" {in_working} of {len(working)} of successes"
        )
        numbers |= {"fires_failing": in_failing, "fires_working": in_working}
        for rule in new:
            said = _speaks([rule], working)
            if said and not _speaks([rule], failing):
                detail += (
                    f"; {render(rule)[2:]!r} speaks in no held-out failure and {said} times in"
                    " successes"
                )
    return Gate(NAME, "pass", detail, numbers)


def _speaks(rules: Sequence[Rule], ticks: Sequence[Moment]) -> int:
    """In how many ticks one of the rules holds by itself, whatever stands above it."""
    return sum(any(moment.fires(rule) for rule in rules) for moment in ticks)


def _failing(
    episode: Episode, known: Sequence[Moment], findings: Sequence[Finding]
) -> list[Moment]:
    """The ticks of a run that some finding cites; none of a run that succeeded."""
    if episode.outcome == SUCCEEDED:
        return []
    cited = [c for finding in findings for c in finding.citations if c.run == episode.run]
    return [m for m in known if any(c.first <= m.tick.tick <= c.last for c in cited)]


def _agreement(
    before: Sequence[Rule], after: Sequence[Rule], known: Sequence[Moment]
) -> Mapping[str, float]:
    """Where the canonical action is known: how often rules speak, and how often they say it."""
    counts = dict.fromkeys(
        ("ticks", "spoke_before", "spoke_after", "agreed_before", "agreed_after"), 0.0
    )
    for tick, seen in known:
        if tick.canonical is None or (tick.confidence or 0.0) < CONFIDENT:
            continue
        counts["ticks"] += 1
        for name, rules in (("before", before), ("after", after)):
            rule = first_match(rules, seen[-1], seen[:-1])
            counts[f"spoke_{name}"] += rule is not None
            counts[f"agreed_{name}"] += rule is not None and rule.action == tick.canonical
    return counts
