"""The axes that are measured by decoding goals: fidelity, coverage, stability and regression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlers.lora.data.dataset import Dataset
from handlers.lora.model.interface import Decoded, Decoder
from handlers.lora.model.rows import Row
from handlers.lora.scorecard.statistics import (
    MOST_ROWS,
    Check,
    Result,
    lower_bound,
    mcnemar,
    more_rows,
    upper_bound,
)
from handlers.project.formats.examples import Step
from handlers.project.library import ActionLibrary
from handlers.project.spec import ProjectSpec
from store.errors import InputError

TOLERANCE = {"distance_m": 0.05, "rotation_rad": 0.0873, "duration_s": 0.5, "speed": 0.05,
             "extension": 0.05, "repeat": 0.0}  # fmt: skip
NAMED = 6


@dataclass(frozen=True, slots=True)
class GoalResult:
    """A goal: what was expected and what came. `where` is its row, `problem` why it was no goal for
    this adapter at all.
    """

    goal: str
    expected: tuple[Step, ...]
    got: tuple[Step, ...]
    ok: bool
    refused: bool
    confidence: float
    where: str = ""
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "goal": self.goal,
            "expected": [step.as_json() for step in self.expected],
            "got": [step.as_json() for step in self.got],
            "ok": self.ok,
            "refused": self.refused,
            "confidence": round(self.confidence, 4),
        }


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """A mission phase: what its goal was decoded to. `index` is its place in the mission."""

    index: int
    name: str
    goal: str
    decoded: Decoded


def ask(decoder: Decoder, goal: str, image: Path | None = None) -> tuple[Decoded, str]:
    """A goal's plan, and why there is none when the adapter takes no such goal (or image)."""
    try:
        return decoder.decode(goal, image), ""
    except InputError as error:
        return Decoded(goal, (), True, False, (), 0.0, 0.0), error.message


def examined(decoder: Decoder, row: Row) -> GoalResult:
    """A row, asked."""
    got, problem = ask(decoder, row.goal, row.image_path)
    ok = not problem and same_plan(row.actions, got.actions)
    return GoalResult(
        row.goal, row.actions, got.actions, ok, got.refused, got.confidence, row.where, problem
    )


def same_plan(expected: Sequence[Step], got: Sequence[Step]) -> bool:
    """The same actions in the same order, numbers within tolerance; defaults count as given."""
    if [step.action for step in expected] != [step.action for step in got]:
        return False
    for one, other in zip(expected, got, strict=True):
        for name in {*one.parameters, *other.parameters}:
            neutral = 1.0 if name in ("speed", "extension", "repeat") else None
            a, b = one.parameters.get(name, neutral), other.parameters.get(name, neutral)
            if a is None or b is None or abs(a - b) > TOLERANCE[name] + 1e-9:
                return False
    return True


def fidelity(
    results: Sequence[GoalResult], threshold: float, held_out: bool, taught: Sequence[Row] = ()
) -> Check:
    """Exact plans. Goals that expect the same plan are one: their answers are not independent.

    `taught`: rows of the exam that do not count, as this adapter was trained on them.
    """
    groups: dict[object, list[bool]] = {}
    for item in results:
        key = tuple((step.action, tuple(sorted(step.parameters.items())))
                    for step in item.expected)  # fmt: skip
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
        return Check("regression", None, None, None, None, 0, "pass", "block",
                     "nothing is deployed yet")  # fmt: skip
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
