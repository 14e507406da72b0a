"""The scorecard: what an adapter can do, in numbers with bounds, and the verdict that follows.

fidelity    exam goals decoded to the exact actions, with the numbers within tolerance
safety      every plan within the library; simulated: falls, limits, trunk contact
coverage    mission phases and exam goals that get a plan (a census, so it needs no bounds)
stability   the same plan again, under another case and spacing, with a typo, after a reload
regression  against the deployed adapter: McNemar, and no pinned goal lost

BLOCK: safety or regression fails, or fidelity is surely below. DEPLOY: every gate passes, on an
exam that was held out. NEEDS_DATA otherwise, with what to do next.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from handlers.lora.check import Check, Result
from handlers.lora.dataset import Dataset, Row
from handlers.lora.decoder import Decoded, Decoder
from handlers.lora.safety import simulate
from handlers.lora.statistics import lower_bound, mcnemar, rows_needed, upper_bound
from handlers.mission.drivers.prompts import parse_goal
from handlers.project.examples import Step
from handlers.project.library import ActionLibrary
from handlers.project.spec import ProjectSpec

Verdict = Literal["DEPLOY", "BLOCK", "NEEDS_DATA"]
TOLERANCE = {"distance_m": 0.05, "rotation_rad": 0.0873, "duration_s": 0.5, "speed": 0.05,
             "extension": 0.05, "repeat": 0.0}  # fmt: skip
MOST_STEPS = 8


class Thresholds(BaseModel):
    """What an adapter must reach. Shares from 0 to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fidelity: float = Field(0.8, ge=0, le=1, description="exam goals decoded right")
    falls: float = Field(0.05, ge=0, le=1, description="simulated runs that may fall")
    coverage: float = Field(0.8, ge=0, le=1, description="goals that get a plan")
    stability: float = Field(0.8, ge=0, le=1, description="plans that stay the same")


@dataclass(frozen=True, slots=True)
class GoalResult:
    """An exam goal: what was expected and what came."""

    goal: str
    expected: tuple[Step, ...]
    got: tuple[Step, ...]
    ok: bool
    refused: bool
    confidence: float

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
class Scorecard:
    """`held_out` False: there is no exam, and what is shown is how well examples are remembered."""

    verdict: Verdict
    held_out: bool
    checks: tuple[Check, ...]
    reasons: tuple[str, ...]
    next_steps: tuple[str, ...]
    per_goal: tuple[GoalResult, ...] = field(default=(), repr=False)

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "held_out": self.held_out,
            "checks": [asdict(check) for check in self.checks],
            "reasons": list(self.reasons),
            "next_steps": list(self.next_steps),
            "per_goal": [goal.as_json() for goal in self.per_goal],
        }


def score(
    decoder: Decoder,
    dataset: Dataset,
    spec: ProjectSpec,
    library: ActionLibrary,
    *,
    project: Path,
    thresholds: Thresholds | None = None,
    deployed: Decoder | None = None,
    reload: Callable[[], Decoder] | None = None,
    seeds: int = 32,
    remembered: Path | None = None,
    report: Callable[[Mapping[str, Any]], None] = lambda _values: None,
) -> Scorecard:
    """Measure an adapter. `reload` loads it anew; `seeds`: simulated runs of each moving plan;
    `remembered`: a folder with what was simulated before.
    """
    wanted = thresholds or Thresholds()
    held_out = bool(dataset.exam)
    rows = dataset.exam or dataset.train
    report({"step": "exam", "done": 0, "total": 5})
    results = [_examined(decoder, row) for row in rows]
    phases = _worded_phases(spec)
    decoded = [decoder.decode(goal) for goal in phases]
    checks = [fidelity(results, wanted.fidelity, held_out)]
    report({"step": "simulating", "done": 1, "total": 5})
    plans = {result.goal: result.got for result in results if result.got}
    plans |= {item.goal: item.actions for item in decoded if item.actions}
    checks.append(simulate(plans, library, seeds, wanted.falls, report, remembered))
    report({"step": "coverage", "done": 3, "total": 5})
    checks.append(coverage(results, decoded, library, dataset, wanted.coverage))
    checks.append(stability(decoder, [row.goal for row in rows], reload, wanted.stability))
    checks.append(regression(results, rows, deployed))
    verdict, reasons = decide(checks, held_out)
    steps = next_steps(project, checks, results, decoded, spec, library, held_out)
    return Scorecard(verdict, held_out, tuple(checks), tuple(reasons), tuple(steps), tuple(results))


def decide(checks: Sequence[Check], held_out: bool) -> tuple[Verdict, list[str]]:
    """The verdict and why."""
    failed = [check for check in checks if check.result == "fail"]
    blocking = [check for check in failed if check.gate == "block"]
    reasons = [f"{check.axis}: {check.detail}" for check in checks if check.result != "pass"]
    if blocking:
        return "BLOCK", reasons
    if not held_out:
        reasons.insert(0, "in-sample: without an exam nothing says how new goals are understood")
    if reasons:
        return "NEEDS_DATA", reasons
    return "DEPLOY", ["every axis passes"]


# -- axes ------------------------------------------------------------------------------------------


def fidelity(results: Sequence[GoalResult], threshold: float, held_out: bool) -> Check:
    """Exact plans. Goals that expect the same plan are one: their answers are not independent."""
    groups: dict[object, list[bool]] = {}
    for result in results:
        key = tuple((step.action, tuple(sorted(step.parameters.items())))
                    for step in result.expected)  # fmt: skip
        groups.setdefault(key, []).append(result.ok)
    right = sum(result.ok for result in results)
    hits = sum(all(oks) for oks in groups.values())
    kind = "held-out goals" if held_out else "training goals (in-sample)"
    detail = f"{right} of {len(results)} {kind} right, {hits} of {len(groups)} different plans"
    return _share("fidelity", hits, len(groups), threshold, "block", detail)


def coverage(
    results: Sequence[GoalResult],
    decoded: Sequence[Decoded],
    library: ActionLibrary,
    dataset: Dataset,
    threshold: float,
) -> Check:
    """Goals that get a plan at all. All of them are asked: there is nothing to infer."""
    planned = sum(bool(item.got) for item in results) + sum(bool(item.actions) for item in decoded)
    total = len(results) + len(decoded)
    taught = {step.action for row in dataset.train for step in row.actions}
    untaught = [name for name in library.names if name not in taught]
    detail = f"{planned} of {total} goals get a plan"
    if untaught:
        detail += f"; no example has {', '.join(untaught[:6])}" + (
            f" and {len(untaught) - 6} more" if len(untaught) > 6 else "")  # fmt: skip
    value = planned / total if total else None
    result: Result = "undecided" if value is None else "pass" if value >= threshold else "fail"
    return Check("coverage", value, value, value, threshold, total, result, "data", detail)


def stability(
    decoder: Decoder, goals: Sequence[str], reload: Callable[[], Decoder] | None, threshold: float
) -> Check:
    """The same plan when asked again, shouted, spaced out, with a typo, and after a reload."""
    again = reload() if reload is not None else decoder
    same = total = 0
    broken = ""
    for goal in goals:
        plan = decoder.decode(goal).actions
        if again.decode(goal).actions != plan:
            broken = broken or f"{goal!r} decodes differently after a reload"
        for other in (goal.upper(), f"  {goal.replace(' ', '  ')} ", _typo(goal)):
            total += 1
            same += decoder.decode(other).actions == plan
    if broken:
        return Check("stability", 0.0, None, None, threshold, total, "fail", "block", broken)
    value = same / total if total else None
    result: Result = "undecided" if value is None else "pass" if value >= threshold else "fail"
    detail = f"{same} of {total} goals decode the same in capitals, spaced out and with a typo"
    return Check("stability", value, value, value, threshold, total, result, "data", detail)


def regression(
    results: Sequence[GoalResult], rows: Sequence[Row], deployed: Decoder | None
) -> Check:
    """Against the deployed adapter, goal by goal."""
    if deployed is None:
        return Check("regression", None, None, None, None, 0, "pass", "block",
                     "nothing is deployed yet")  # fmt: skip
    before = [_examined(deployed, row) for row in rows]
    pairs = list(zip(before, results, strict=True))
    lost = [new.goal for old, new in pairs if old.ok and not new.ok]
    won = sum(new.ok and not old.ok for old, new in pairs)
    pinned = [row.goal for row in rows if row.pinned and row.goal in lost]
    p = mcnemar(len(lost), won)
    detail = f"{len(lost)} goals lost and {won} won against the deployed adapter (p = {p:.3f})"
    if pinned:
        detail = f"the pinned goal {pinned[0]!r} is lost; {detail}"
    result: Result = "fail" if pinned or p <= 0.05 else "pass"
    return Check("regression", p, None, None, 0.05, len(results), result, "block", detail)


def _share(axis: str, hits: int, n: int, threshold: float, gate: str, detail: str) -> Check:
    """Pass when surely at the threshold, fail when surely below, else not enough is known."""
    low, high = lower_bound(hits, n), upper_bound(hits, n)
    result: Result = "pass" if low >= threshold else "fail" if high < threshold else "undecided"
    value = hits / n if n else None
    if result == "undecided":
        needed = rows_needed(round(min(value or 0.0, 0.98), 2), threshold) if value else None
        if needed is not None and needed > n:
            detail += f"; about {needed - n} more exam plans would decide"
    return Check(axis, value, round(low, 4), round(high, 4), threshold, n, result, gate, detail)


# -- parts -----------------------------------------------------------------------------------------


def _examined(decoder: Decoder, row: Row) -> GoalResult:
    got = decoder.decode(row.goal)
    ok = same_plan(row.actions, got.actions)
    return GoalResult(row.goal, row.actions, got.actions, ok, got.refused, got.confidence)


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


def _worded_phases(spec: ProjectSpec) -> list[str]:
    """Goals of phases that moving can fulfil; looking and signalling are never left to a head."""
    return [
        phase.goal_prompt
        for phase in spec.phases
        if phase.success_when.see_object is None and not phase.success_when.signal_emitted
    ]


def _typo(goal: str) -> str:
    """Two letters swapped inside the longest word that is no number."""
    words = goal.split()
    long = max(range(len(words)), key=lambda i: len(words[i]) if words[i].isalpha() else 0)
    word = words[long]
    if len(word) > 4 and word.isalpha():
        middle = len(word) // 2
        words[long] = word[:middle] + word[middle + 1] + word[middle] + word[middle + 2 :]
    return " ".join(words)


def next_steps(
    project: Path,
    checks: Sequence[Check],
    results: Sequence[GoalResult],
    decoded: Sequence[Decoded],
    spec: ProjectSpec,
    library: ActionLibrary,
    held_out: bool,
) -> list[str]:
    """Lines to paste: examples for what is not understood, rows the exam lacks."""
    where = shlex.quote(str(project))
    steps = []
    for item in decoded:
        if not item.actions or item.doubtful:
            calls = [call for call in parse_goal(item.goal) if call.action in library]
            plan = ", ".join(_said(call.action, call.params, library) for call in calls)
            said = plan or "walk_forward 1.0"
            steps.append(
                f"cadenza env lora add {where} {shlex.quote(item.goal)} --steps {shlex.quote(said)}"
            )
    for result in results:
        if not result.ok and held_out:
            plan = ", ".join(_said(s.action, s.parameters, library) for s in result.expected)
            words = f"<in other words: {result.goal}>"  # the exam itself is never trained on
            steps.append(
                f"cadenza env lora add {where} {shlex.quote(words)} --steps {shlex.quote(plan)}"
            )
    if not held_out:
        steps.append(
            f"write goals that are not trained on, with actions, to {where}/lora/eval.jsonl"
        )
    return steps[:MOST_STEPS]


def _said(action: str, parameters: Mapping[str, float], library: ActionLibrary) -> str:
    """A step as `--steps` has it."""
    spec = library.spec(action)
    parts = [action]
    for name, value in parameters.items():
        if name == spec.main_parameter:
            parts.append(f"{value:g}")
        elif name in spec.parameters and value not in (0, 1):
            parts.append(f"{name}={value:g}")
    return " ".join(parts)
