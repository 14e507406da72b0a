"""Fidelity: are enough of the exam's goals decoded to the exact plan? Its sealed part decides.

Of the sealed part one bit is told, at the level of this look (handlers.lora.exam.looks): whether
the share of right answers is shown to be at least the threshold (exact binomial, Clopper-Pearson).
Its number right is not told, for each that could be would have to be paid for with more rows. What
people see, and what says that an adapter is surely below, is the practice part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from handlers.lora.data.dataset import Dataset
from handlers.lora.exam.duplicates import Vectors
from handlers.lora.exam.looks import Look, share_of_error
from handlers.lora.exam.paper import Paper, set_paper
from handlers.lora.model.interface import Decoder
from handlers.lora.model.rows import Row
from handlers.lora.scorecard.planning import PLANNED, rows_to_decide
from handlers.lora.scorecard.results import Check, GoalResult, Result, Sealed, examined, spread
from handlers.lora.scorecard.statistics import (
    LEVEL,
    at_least,
    hits_needed,
    interval,
    upper_bound,
)
from store.events.adapter import LookFact

IN_SAMPLE = 200
"""So many examples are asked where there is no exam."""
WORTH = 0.5
"""The least chance to pass that a look is taken for."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What an adapter was asked and what came of it. `results`: of the open rows `rows`."""

    paper: Paper
    rows: tuple[Row, ...]
    results: tuple[GoalResult, ...]
    sealed: Sealed
    check: Check
    look: LookFact | None


def examine(
    decoder: Decoder,
    dataset: Dataset,
    threshold: float,
    *,
    adapter: str = "",
    taught: Sequence[str] = (),
    looks: Sequence[Look] = (),
    vectors: Vectors | None = None,
    shown: Sequence[str] = (),
) -> Examination:
    """Ask the exam; the examples where there is none. `adapter`: the hash of its files.

    The others are as `set_paper` takes them.
    """
    paper = set_paper(dataset, taught=taught, looks=looks, vectors=vectors, shown=shown)
    rows = [item.row for item in paper.practice]
    if not paper.held_out:
        rows = spread(dataset.train, IN_SAMPLE)
    results = [examined(decoder, row) for row in rows]
    sealed = look_at(decoder, paper, threshold, adapter, results if paper.held_out else ())
    made = fidelity(results, sealed, threshold) if paper.held_out else in_sample(results, threshold)
    look = look_fact(paper, sealed, results, threshold, adapter)
    return Examination(paper, tuple(rows), tuple(results), sealed, made, look)


def look_at(
    decoder: Decoder,
    paper: Paper,
    threshold: float,
    adapter: str,
    practice: Sequence[GoalResult] = (),
) -> Sealed:
    """Ask the sealed questions. `adapter`: the hash of its files, which tells a repetition.

    No look is taken where the exam allows no DEPLOY as it stands, nor where an adapter as good as
    `practice` shows, or PLANNED over the threshold, would more probably not pass for want of rows:
    it would cost the later ones.
    """
    digest = paper.digest(threshold)
    before = [look for look in paper.earlier if (look.adapter, look.paper) == (adapter, digest)]
    number = before[0].number if before else len(paper.earlier) + 1
    level = before[0].level if before else LEVEL * share_of_error(paper.earlier)
    n = int(paper.rows + 1e-9)
    needed = hits_needed(n, threshold, level) if n else None
    unasked = "" if before else _unasked(paper, n, needed, threshold, practice)
    if unasked:
        needed = None
    passed = False
    if needed is not None:
        right = [item.digest for item in paper.sealed if examined(decoder, item.row).ok]
        passed = int(paper.share(right) * n + 1e-9) >= needed
    earlier = [*paper.earlier]
    if needed is not None and not before:
        earlier.append(Look(adapter, digest, level, number, passed, {}))
    asked = len(paper.sealed) + paper.wrong
    return Sealed(
        asked,
        n,
        needed,
        passed,
        number,
        level,
        next_level=LEVEL * share_of_error(earlier),
        lost=lost_of(paper),
        stock=paper.stock,
        unasked=unasked,
    )


def lost_of(paper: Paper) -> int:
    """How many equal rows are wrong whatever comes, rounded up."""
    return ceil(paper.lost - 1e-9)


def _unasked(
    paper: Paper, n: int, needed: int | None, threshold: float, practice: Sequence[GoalResult]
) -> str:
    """Why a look at so many rows would be wasted; "" where it would more probably pass."""
    shown = sum(item.ok for item in practice) / len(practice) if practice else 0.0
    likely = max(shown, min(threshold + PLANNED, 1.0))
    lost = lost_of(paper)
    if needed is None or at_least(needed, n - lost, likely) < WORTH:
        wrong = f", {lost} of them wrong as they are," if lost else ""
        return f"{n} rows{wrong} are too few to show it"
    return "the exam allows no DEPLOY as it stands" if paper.reasons() else ""


def fidelity(practice: Sequence[GoalResult], sealed: Sealed, threshold: float) -> Check:
    """The axis: passed by the sealed part, failed where the practice part is surely below."""
    right, asked = sum(item.ok for item in practice), len(practice)
    surely_below = bool(asked) and upper_bound(right, asked) < threshold
    result: Result = "pass" if sealed.passed else "fail" if surely_below else "undecided"
    practised = f"{_practised(practice)}{_problems(practice)}"
    detail = f"{_told(sealed)}; {practised}"
    if result == "fail":
        detail = f"{practised}: surely below {threshold:.2f}; {_told(sealed)}"
    if result == "undecided":
        detail += f"; {rows_to_decide(right, asked, sealed, threshold)}"
    low = threshold if sealed.passed else 0.0
    high = round(upper_bound(right, asked), 4) if surely_below and not sealed.passed else 1.0
    value = right / asked if asked else None
    return Check("fidelity", value, low, high, threshold, sealed.n, result, "block", detail)


def _told(sealed: Sealed) -> str:
    if not sealed.asked:
        return "sealed: no rows"
    look = f"look {sealed.number}, at a level of {sealed.level:.2g}"
    if sealed.asked != sealed.n:
        look += f"; {sealed.asked} rows are worth {sealed.n}, weighed by what is taught"
    if sealed.needed is None:
        return f"sealed: not asked, as {sealed.unasked}: no {look}"
    which = f"{sealed.needed} or more" if sealed.passed else f"fewer than {sealed.needed}"
    return f"sealed: {which} of {sealed.n} right ({look})"


def _practised(practice: Sequence[GoalResult]) -> str:
    right, asked = sum(item.ok for item in practice), len(practice)
    if not asked:
        return "practice: no rows"
    low, high = interval(right, asked)
    return f"practice: {right} of {asked} right ({low:.2f} to {high:.2f})"


def _problems(practice: Sequence[GoalResult]) -> str:
    problems = [item for item in practice if item.problem]
    if not problems:
        return ""
    first = problems[0]
    return f"; {len(problems)} could not be asked ({first.where}: {first.problem})"


def in_sample(results: Sequence[GoalResult], threshold: float) -> Check:
    """Where there is no exam: how well the examples themselves are remembered."""
    right, asked = sum(item.ok for item in results), len(results)
    surely_below = bool(asked) and upper_bound(right, asked) < threshold
    detail = f"{right} of {asked} training goals (in-sample) right{_problems(results)}"
    value = right / asked if asked else None
    result: Result = "fail" if surely_below else "undecided"
    return Check("fidelity", value, 0.0, 1.0, threshold, asked, result, "block", detail)


def look_fact(
    paper: Paper, sealed: Sealed, practice: Sequence[GoalResult], threshold: float, adapter: str
) -> LookFact | None:
    """What is recorded of a look; None where nothing sealed was asked."""
    if not paper.sealed:
        return None
    return LookFact(
        adapter=adapter,
        paper=paper.digest(threshold),
        rows=tuple(item.digest for item in paper.sealed),
        questions=tuple(item.cluster for item in paper.sealed),
        strata=tuple(item.mark.stratum for item in paper.sealed),
        texts=tuple(item.mark.text for item in paper.sealed),
        number=sealed.number,
        level=sealed.level,
        sealed=sealed.n,
        needed=sealed.needed,
        passed=sealed.passed,
        practice=len(practice),
        practice_right=sum(item.ok for item in practice),
    )
