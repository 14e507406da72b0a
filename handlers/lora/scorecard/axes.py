"""The axes that are measured by decoding goals: fidelity, coverage, stability and regression."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from handlers.lora.data.dataset import Dataset
from handlers.lora.model.interface import Decoder
from handlers.lora.model.rows import Row
from handlers.lora.scorecard.results import (
    Check,
    GoalResult,
    PhaseResult,
    Result,
    ask,
    examined,
)
from handlers.lora.scorecard.statistics import (
    MOST_ROWS,
    lower_bound,
    mcnemar,
    more_rows,
    upper_bound,
)
from handlers.project.library import ActionLibrary
from handlers.project.spec import ProjectSpec

NAMED = 6


def fidelity(
    results: Sequence[GoalResult], threshold: float, held_out: bool, taught: Sequence[Row] = ()
) -> Check:
    """Exact plans. Goals that expect the same plan are one: their answers are not independent.

    `taught`: rows of the exam that do not count, as this adapter was trained on them.
    """
    groups: dict[object, list[bool]] = {}
    for item in results:
        key = tuple((step.action, tuple(sorted(step.parameters.items()))) for step in item.expected)
        groups.setdefault(key, []).append(item.ok)
    right = sum(item.ok for item in results)
    hits, n = sum(all(oks) for oks in groups.values()), len(groups)
    kind = "held-out goals" if held_out else "training goals (in-sample)"
    detail = f"{right} of {len(results)} {kind} right, {hits} of {n} different plans"
    problems = [item for item in results if item.problem]
    if problems:
        first = problems[0]
        detail += f"; {len(problems)} could not be asked ({first.where}: {first.problem})"
    if taught:
        detail += f"; {len(taught)} exam goals do not count: the adapter was trained on them"
    low, high = lower_bound(hits, n), upper_bound(hits, n)
    result: Result = "pass" if low >= threshold else "fail" if high < threshold else "undecided"
    if result == "undecided" and n:
        detail += f"; {rows_to_decide(hits, n, threshold)}"
    value = hits / n if n else None
    bounds = round(low, 4), round(high, 4)
    return Check("fidelity", value, *bounds, threshold, n, result, "block", detail)


def rows_to_decide(hits: int, n: int, threshold: float) -> str:
    """How many more exam rows would decide an undecided share, and which way."""
    side, more = more_rows(hits, n, threshold)
    many = f"more than {MOST_ROWS:,}" if more is None else f"about {more:,}"
    rows = "row" if more == 1 else "rows"
    return f"{many} more exam {rows} would show it to be {side} {threshold:g}"


def coverage(
    results: Sequence[GoalResult],
    phases: Sequence[PhaseResult],
    spec: ProjectSpec,
    library: ActionLibrary,
    dataset: Dataset,
    threshold: float,
) -> Check:
    """Phases, signals and exam goals that get a plan. All are asked: there is nothing to infer."""
    silent = uncovered_signals(phases, spec, dataset)
    counts = [
        ("goals", sum(bool(item.got) for item in results), len(results)),
        ("mission phases", sum(bool(item.decoded.actions) for item in phases), len(phases)),
        ("signals", len(spec.signals) - len(silent), len(spec.signals)),
    ]
    planned, total = sum(count for _, count, _ in counts), sum(of for _, _, of in counts)
    detail = ", ".join(f"{count} of {of} {what}" for what, count, of in counts if of)
    detail = f"{detail or '0 goals'} get a plan"
    if silent:
        detail += f"; nothing teaches {_listed(silent)}"
    taught = {step.action for row in dataset.train for step in row.actions}
    untaught = [name for name in library.names if name not in taught and name not in silent]
    if untaught:
        detail += f"; no example has {_listed(untaught)}"
    value = planned / total if total else None
    result: Result = "undecided" if value is None else "pass" if value >= threshold else "fail"
    return Check("coverage", value, value, value, threshold, total, result, "data", detail)


def uncovered_signals(
    phases: Sequence[PhaseResult], spec: ProjectSpec, dataset: Dataset
) -> list[str]:
    """The project's signals that no training row has, and no plan of a phase."""
    taught = {step.action for row in dataset.train for step in row.actions}
    taught |= {step.action for item in phases for step in item.decoded.actions}
    return [name for name in spec.signals if name not in taught]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def stability(
    decoder: Decoder,
    rows: Sequence[Row],
    reload: Callable[[], Decoder] | None,
    threshold: float,
) -> tuple[Check, list[str]]:
    """The same plan when asked again, shouted, spaced out, with a typo, and after a reload.

    Second: the goals that get another plan then.
    """
    again = reload() if reload is not None else decoder
    same = total = 0
    broken = ""
    unstable: list[str] = []
    for row in rows:
        goal, image = row.goal, row.image_path
        plan = ask(decoder, goal, image)[0].actions
        if ask(again, goal, image)[0].actions != plan:
            broken = broken or f"{goal!r} decodes differently after a reload"
        others = (goal.upper(), f"  {goal.replace(' ', '  ')} ", _typo(goal))
        kept = sum(ask(decoder, other, image)[0].actions == plan for other in others)
        total, same = total + len(others), same + kept
        if kept < len(others):
            unstable.append(goal)
    if broken:
        check = Check("stability", 0.0, None, None, threshold, total, "fail", "block", broken)
        return check, unstable
    value = same / total if total else None
    result: Result = "undecided" if value is None else "pass" if value >= threshold else "fail"
    detail = f"{same} of {total} goals decode the same in capitals, spaced out and with a typo"
    check = Check("stability", value, value, value, threshold, total, result, "data", detail)
    return check, unstable


def _typo(goal: str) -> str:
    """Two letters swapped inside the longest word that is no number."""
    words = goal.split()
    long = max(range(len(words)), key=lambda i: len(words[i]) if words[i].isalpha() else 0)
    word = words[long]
    if len(word) > 4 and word.isalpha():
        middle = len(word) // 2
        words[long] = word[:middle] + word[middle + 1] + word[middle] + word[middle + 2 :]
    return " ".join(words)


def regression(
    results: Sequence[GoalResult],
    rows: Sequence[Row],
    pinned: Sequence[Row],
    decoder: Decoder,
    deployed: Decoder | None,
) -> Check:
    """Against the deployed adapter, goal by goal; pinned rows of any set may not be lost at all."""
    if deployed is None:
        detail = "nothing is deployed yet"
        return Check("regression", None, None, None, None, 0, "pass", "block", detail)
    pairs = list(zip([examined(deployed, row) for row in rows], results, strict=True))
    lost = sum(old.ok and not new.ok for old, new in pairs)
    won = sum(new.ok and not old.ok for old, new in pairs)
    gone = [
        row.goal for row in pinned if examined(deployed, row).ok and not examined(decoder, row).ok
    ]
    p = mcnemar(lost, won)
    detail = f"{lost} goals lost and {won} won against the deployed adapter (p = {p:.3f})"
    if gone:
        more = f" (and {len(gone) - 1} more)" if len(gone) > 1 else ""
        detail = f"the pinned goal {gone[0]!r}{more} is lost; {detail}"
    result: Result = "fail" if gone or p <= 0.05 else "pass"
    return Check("regression", p, None, None, 0.05, len(results), result, "block", detail)
