"""Candidates of our own: remedies by cause, around the ticks that show it. Nobody is asked.

Of each finding's remedies those come first that would have spoken at most of its ticks and seldom
elsewhere in the phase. Findings, and families of remedies within each, take turns, so that the
first few are about different things; a remedy that a finding before it has named is passed over.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from itertools import zip_longest

from handlers.judge.candidates.candidate import Candidate
from handlers.judge.candidates.case import Case, cases_of
from handlers.judge.candidates.moves import Moves
from handlers.judge.candidates.remedies import Remedy, remedies
from handlers.judge.candidates.screen import fires, repeats, touched_by
from handlers.judge.evidence.findings import FOR_PEOPLE
from handlers.judge.evidence.report import MiningReport
from handlers.judge.prompt.rules.grammar import render
from handlers.judge.prompt.rules.rule import Rule
from handlers.project.library import ActionLibrary
from handlers.project.spec import ProjectSpec

MOST = 24


def enumerate_candidates(
    report: MiningReport,
    spec: ProjectSpec,
    library: ActionLibrary,
    rules_in_force: Sequence[Rule],
    prompt_text: str,
    most: int = MOST,
) -> list[Candidate]:
    """At most `most` candidates for what the report found, the likeliest to help first.

    The same report, mission and prompt give the same list. `rules_in_force`: those of the block;
    what they say already is no candidate. `prompt_text`: the prompt, block included or not.
    """
    moves = Moves(library)
    cases = [
        case for case in cases_of(report, spec, prompt_text) if case.finding.kind not in FOR_PEOPLE
    ]
    lines = prompt_text.split("\n")
    found: dict[tuple[str, ...], Candidate] = {}
    waiting = [(case, iter(_ranked(case, moves))) for case in cases]
    while waiting and len(found) < most:
        for turn in list(waiting):
            candidate = _next(*turn, rules_in_force, lines, found)
            if candidate is None:
                waiting.remove(turn)
            elif len(found) < most:
                found[candidate.lines] = candidate
    return list(found.values())


def _next(
    case: Case,
    left: Iterator[Remedy],
    rules_in_force: Sequence[Rule],
    lines: Sequence[str],
    found: Container[tuple[str, ...]],
) -> Candidate | None:
    """The next of a case's remedies that nobody has named; None where there is none."""
    for remedy in left:
        rules = tuple(rule for rule in remedy.rules if rule not in rules_in_force)
        if rules and tuple(map(render, rules)) not in found:
            touches = touched_by(rules, case, lines)
            why = _why(case, remedy)
            return Candidate(rules, "code", case.finding.id, case.cites(rules), why, touches)
    return None


def _ranked(case: Case, moves: Moves) -> list[Remedy]:
    """A case's remedies: families in turns, the best of each first."""
    families = []
    for family in remedies(case, moves):
        worth = [
            (_worth(case, remedy), at, remedy)
            for at, remedy in enumerate(family)
            if fires(remedy.rules, case) and not repeats(remedy.rules, case)
        ]
        families.append([remedy for _, _, remedy in sorted(worth, key=lambda one: one[:2])])
    return [remedy for row in zip_longest(*families) for remedy in row if remedy is not None]


def _worth(case: Case, remedy: Remedy) -> float:
    """The lower the better: by how often it speaks where it failed, and how seldom elsewhere.

    In tenths: what is hardly any different stays in the order of the remedies.
    """
    return -round(case.share(remedy.rules) * (1.5 - case.share_elsewhere(remedy.rules)), 1)


def _why(case: Case, remedy: Remedy) -> str:
    share = case.share(remedy.rules)
    where = f"in {case.phase}" if case.phase else "in any phase"
    return f"{case.finding.kind} {where}: {remedy.why} (speaks at {share:.0%} of those ticks)"
