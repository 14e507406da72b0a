"""Which candidates are worth a trial: no simulation, only what logs, author and history say.

Dropped, with a reason each: what would have spoken at no tick that shows the failure, what cites
ticks that do not show both (G1), what orders the very action that failed there, what was turned
down on equal evidence, what is another again.
What goes against the author is kept and marked: it is for a person to decide, and never applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handlers.judge.candidates.barred import Barred
from handlers.judge.candidates.candidate import Candidate, Dropped
from handlers.judge.candidates.case import Case, cases_of
from handlers.judge.candidates.orders import against
from handlers.judge.candidates.wishes import bans_of, contradicted
from handlers.judge.evidence.citing import showing
from handlers.judge.evidence.moments import Moment
from handlers.judge.evidence.report import MiningReport
from handlers.judge.prompt.block import find_block
from handlers.judge.prompt.rules.grammar import parse, render
from handlers.judge.prompt.rules.holding import holds
from handlers.judge.prompt.rules.rule import Rule
from handlers.project.library import ActionLibrary
from handlers.project.spec import ProjectSpec

BY_AMOUNT = frozenset({
    "too_slow", "overshoot", "over_rotation", "stops_short", "drifts_past", "timeout",
    "phase_failed", "fell", "tipped",
})  # fmt: skip
"""Kinds of failure that another amount, or pace, of the same action may mend."""
SAME_AMOUNT = 0.2
"""Amounts that differ by less than this part are the same."""


def screen(
    candidates: Sequence[Candidate],
    report: MiningReport,
    spec: ProjectSpec,
    library: ActionLibrary,
    prompt_text: str,
    rejected: Barred | None = None,
    rules_in_force: Sequence[Rule] = (),
) -> tuple[list[Candidate], list[Dropped]]:
    """The candidates worth a trial, in their order, and the others with the reason.

    `report`: the runs that may be learnt from. `prompt_text`: the whole prompt; `rules_in_force`
    those of its block.
    """
    rejected = rejected or Barred()
    cases = {case.finding.id: case for case in cases_of(report, spec, prompt_text)}
    bans, lines = bans_of(prompt_text, library), prompt_text.split("\n")
    block = find_block(prompt_text)
    in_force = {render(rule) for rule in rules_in_force}
    in_force |= {*block.said} if block is not None else set()
    kept: list[Candidate] = []
    dropped: list[Dropped] = []
    for candidate in candidates:
        case = cases.get(candidate.mode_id)
        if case is not None and candidate.cites and candidate.rules:
            shown = showing(candidate.rules, candidate.cites, case.finding, report.episodes)
            if not shown:
                why = f"no tick that it cites shows {case.finding.id} and what its rules wait for"
                dropped.append(Dropped(candidate, "never_fires", why))
                continue
            candidate = replace(candidate, cites=shown)
        drop = _dropped(candidate, case, kept, in_force, rejected)
        if drop is not None:
            dropped.append(drop)
            continue
        assert case is not None
        kept.append(
            replace(
                candidate,
                touches=candidate.touches or touched_by(candidate.rules, case, lines),
                contradicts=(
                    *contradicted(candidate.rules, bans),
                    *against(candidate.wording, prompt_text, bans, library),
                ),
            )
        )
    return kept, dropped


def _dropped(
    candidate: Candidate,
    case: Case | None,
    kept: Sequence[Candidate],
    in_force: set[str],
    rejected: Barred,
) -> Dropped | None:
    lines = {*candidate.lines}
    if any(lines == {*other.lines} for other in kept):
        return Dropped(candidate, "same", "it is the same as one before it")
    if lines <= in_force:
        return Dropped(candidate, "same", "the prompt has these rules already")
    if case is None:
        return Dropped(candidate, "never_fires", f"nothing is found as {candidate.mode_id!r}")
    # Where a sentence speaks nobody can say by reading.
    drop = _unheard(candidate, case) if candidate.rules else None
    if drop is None and rejected.bars_all(candidate):
        why = "it was taken back before, and few further runs show what it is for"
        drop = Dropped(candidate, "rejected", why)
    return drop


def _unheard(candidate: Candidate, case: Case) -> Dropped | None:
    if not fires(candidate.rules, case):
        why = f"it would have been followed at no tick that shows {case.finding.id}"
        if not case.heard:
            why = f"an author's rule above the block decides wherever {case.finding.id} shows"
        return Dropped(candidate, "never_fires", why)
    if repeats(candidate.rules, case):
        return Dropped(
            candidate, "repeats_failure", f"that is what was done where {case.finding.id} shows"
        )
    return None


def fires(rules: Sequence[Rule], case: Case) -> bool:
    """Whether one of the rules would have been followed at a tick that shows the failure."""
    return any(moment.fires(rule) for moment in case.heard for rule in rules)


def repeats(rules: Sequence[Rule], case: Case) -> bool:
    """Whether all that these rules say where they speak is what was done there, mostly."""
    speaking = [(rule, at) for rule in rules if (at := [m for m in case.heard if m.fires(rule)])]
    return bool(speaking) and all(
        2 * sum(_is_same(rule, moment, case) for moment in at) > len(at) for rule, at in speaking
    )


def _is_same(rule: Rule, moment: Moment, case: Case) -> bool:
    if moment.tick.action != rule.action:
        return False
    if case.finding.kind not in BY_AMOUNT:
        return True
    if "speed" in rule.parameters:
        return False
    told = rule.parameters.get("distance_m", rule.parameters.get("rotation_rad"))
    done = moment.tick.amount
    return told is None or done is None or abs(told - done) <= SAME_AMOUNT * max(told, done)


def touched_by(rules: Sequence[Rule], case: Case, lines: Sequence[str]) -> tuple[int, ...]:
    """The author's rules, by line from 1, that decided where these would have spoken instead."""
    block = find_block("\n".join(lines))
    ours = set(block.lines) if block is not None else set()
    authors = [
        (number, rule)
        for number, line in enumerate(lines, 1)
        if line not in ours and (rule := parse(line)) is not None
    ]
    touched = set()
    for moment in case.heard:
        if any(moment.fires(rule) for rule in rules):
            first = next((number for number, own in authors if holds(own, moment.seen)), None)
            touched |= {first} if first is not None else set()
    return tuple(sorted(touched))
