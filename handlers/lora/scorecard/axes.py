"""The axes that are measured by decoding open goals: coverage, stability and regression.

Open are the mission's goals, the exam's practice part, and what is taught. What an axis says of a
goal it tells, so none of them asks the sealed part.
"""

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
from handlers.lora.scorecard.statistics import mcnemar
from handlers.project.library import ActionLibrary
from handlers.project.spec import ProjectSpec

NAMED = 6


def coverage(
    results: Sequence[GoalResult],
    phases: Sequence[PhaseResult],
    spec: ProjectSpec,
    library: ActionLibrary,
    dataset: Dataset,
    threshold: float,
) -> Check:
    """Phases, signals and open goals that get a plan. All are asked: there is nothing to infer."""
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
    rows: Sequence[Row],
    pinned: Sequence[Row],
    decoder: Decoder,
    deployed: Decoder | None,
    alone: str = "",
) -> Check:
    """Against the deployed adapter, goal by goal; pinned rows of any set may not be lost at all.

    `alone`: why there is none to compare with.
    """
    if deployed is None:
        detail = alone or "nothing is deployed yet"
        return Check("regression", None, None, None, None, 0, "pass", "block", detail)
    pairs = [(examined(deployed, row), examined(decoder, row)) for row in rows]
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
    return Check("regression", p, None, None, 0.05, len(rows), result, "block", detail)
