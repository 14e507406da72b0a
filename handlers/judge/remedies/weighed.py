"""The event that says what was proposed, by whom, and what became of each candidate."""

from __future__ import annotations

from handlers.judge.candidates.candidate import Candidate, Dropped
from handlers.judge.context import JudgeContext
from handlers.judge.gates.search import Standing
from handlers.judge.gates.simulation import Trial
from handlers.judge.remedies.variants import Variant, Variants
from store.events.prompt import CandidateFact, CandidatesWeighed


def weighed(
    context: JudgeContext,
    variants: Variants,
    trial: Trial | None = None,
    chosen: Variant | None = None,
) -> CandidatesWeighed:
    """Of the candidates of a judging. Those that were merged are told of by their parts."""
    assert context.proposals is not None
    parts = chosen.parts if chosen is not None else ()
    standings = trial.standings if trial is not None else {}
    compared = []
    for index, variant in enumerate(variants.made):
        if len(variant.parts) == 1:
            standing = standings.get(index, Standing(0, 0.0))
            compared.append(_fact(variant.parts[0], standing, parts))
    waiting = [one for one in context.proposals.kept if one.contradicts]
    if any(not one.contradicts for one in context.proposals.kept):
        reason = "it goes against the prompt's author, and others do not"
        compared += [_dropped(Dropped(one, "contradicts", reason)) for one in waiting]
    dropped = [*context.proposals.dropped, *variants.dropped]
    return CandidatesWeighed(
        candidates=(*compared, *map(_dropped, dropped)),
        missions=trial.missions if trial is not None else 0,
        unweighed=context.proposals.unweighed,
    )


def _fact(one: Candidate, standing: Standing, chosen: tuple[Candidate, ...]) -> CandidateFact:
    fate = "weighed" if one not in chosen else "chosen" if len(chosen) == 1 else "merged"
    facts = {"missions": standing.missions, "gain": standing.gain, "fate": fate}
    return _plain(one).changed(**facts)


def _dropped(item: Dropped) -> CandidateFact:
    return _plain(item.candidate).changed(fate="dropped", reason=item.reason)


def _plain(one: Candidate) -> CandidateFact:
    return CandidateFact(
        lines=one.lines,
        by=one.origin,
        mode_id=one.mode_id,
        citations=one.cites,
        why=one.why,
        touches=one.touches,
        contradicts=one.contradicts,
    )
