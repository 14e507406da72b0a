"""The scorecard: what an adapter can do, in numbers with bounds, and the verdict that follows.

fidelity    exam goals decoded to the exact actions, with the numbers within tolerance
safety      every plan within the library; simulated: forbidden zones, falls, people, limits
mission     the share of seeded runs that succeed, each phase driven by its plan in env.json's scene
coverage    mission phases, signals and exam goals that get a plan (a census: no bounds needed)
stability   the same plan again, under another case and spacing, with a typo, after a reload
regression  against the deployed adapter: McNemar on goals and on driven seeds, no pinned goal lost

BLOCK: safety or regression fails, or fidelity is surely below. DEPLOY: every gate passes, on an
exam that was held out. NEEDS_DATA otherwise, with what to do next. Exam rows that the adapter was
trained on before they came into the exam do not count, and nothing is deployed through them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from handlers.lora.data.dataset import Dataset
from handlers.lora.model.interface import Decoder
from handlers.lora.model.rows import Row, reading
from handlers.lora.scorecard.axes import coverage, fidelity, regression, stability
from handlers.lora.scorecard.driven import also_driven, mission
from handlers.lora.scorecard.nextsteps import Measured, next_steps
from handlers.lora.scorecard.results import Check, GoalResult, PhaseResult, ask, examined
from handlers.lora.scorecard.safety import safety
from handlers.lora.scorecard.simulation import Simulation
from handlers.lora.settings import LoraSettings
from handlers.project.formats.examples import Step
from handlers.project.library import ActionLibrary
from handlers.project.project import Project
from handlers.project.spec import ProjectSpec

Verdict = Literal["DEPLOY", "BLOCK", "NEEDS_DATA"]
IN_SAMPLE = 200
"""So many training goals are asked where there is no exam, ..."""
ASKED_AGAIN = 100
"""... and so many goals are asked again in other spellings: evenly from all."""


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
    settings: LoraSettings | None = None,
    taught: Sequence[str] = (),
    deployed: Decoder | None = None,
    reload: Callable[[], Decoder] | None = None,
    remembered: Path | None = None,
    report: Callable[[Mapping[str, Any]], None] = lambda _values: None,
) -> Scorecard:
    """Measure an adapter. `settings`: what it must reach; `taught`: the goals it was trained on;
    `reload` loads it anew; `remembered`: a folder with what was simulated before.
    """
    wanted = settings or LoraSettings()
    leaked = taught_rows(dataset, taught)
    places = {row.where for row in leaked}
    exam = [row for row in dataset.exam if row.where not in places]
    held_out = bool(exam)
    rows = exam or spread(dataset.train, IN_SAMPLE)
    report({"step": "exam", "done": 0, "total": 5})
    results = [examined(decoder, row) for row in rows]
    phases = _phases(decoder, spec)
    checks = [fidelity(results, wanted.fidelity, held_out, leaked)]
    report({"step": "simulating", "done": 1, "total": 5})
    # what is in-sample cannot be deployed: only the mission's own plans are worth simulating then
    simulation = Simulation.open(Project(project, spec), library, wanted, remembered, report)
    driven = simulation.drive(decoder)
    plans = _plans(results if held_out else (), () if driven.drives else phases)
    checks.append(safety(plans, driven, simulation.flat, library, wanted.falls))
    checks.append(mission(driven, wanted.mission))
    report({"step": "coverage", "done": 3, "total": 5})
    checks.append(coverage(results, phases, spec, library, dataset, wanted.coverage))
    stable, unstable = stability(decoder, spread(rows, ASKED_AGAIN), reload, wanted.stability)
    pinned = [row for row in (*dataset.train, *dataset.exam) if row.pinned]
    checks += [stable, regression(results, rows, pinned, decoder, deployed)]
    if deployed is not None:
        checks[-1] = also_driven(checks[-1], driven, simulation.drive(deployed))
    verdict, reasons = decide(checks, held_out, leaked)
    steps: list[str] = []
    if verdict != "DEPLOY":
        measured = Measured(checks, results, phases, held_out, leaked, unstable)
        steps = next_steps(measured, project, dataset, spec, library)
    return Scorecard(verdict, held_out, tuple(checks), tuple(reasons), tuple(steps), tuple(results))


def spread(rows: Sequence[Row], most: int) -> list[Row]:
    """At most so many rows, evenly from all of them."""
    step = max(1, -(-len(rows) // most))
    return list(rows[::step])


def decide(
    checks: Sequence[Check], held_out: bool, taught: Sequence[Row] = ()
) -> tuple[Verdict, list[str]]:
    """The verdict and why. `taught`: rows of the exam that the adapter was trained on."""
    failed = [check for check in checks if check.result == "fail"]
    blocking = [check for check in failed if check.gate == "block"]
    reasons = [f"{check.axis}: {check.detail}" for check in checks if check.result != "pass"]
    if taught:
        places = ", ".join(row.where for row in taught[:5])
        more = f" and {len(taught) - 5} more" if len(taught) > 5 else ""
        reasons.insert(
            0, f"the adapter was trained on exam goals, which do not count: {places}{more}"
        )
    if blocking:
        return "BLOCK", reasons
    if not held_out:
        reasons.insert(0, "in-sample: without an exam nothing says how new goals are understood")
    if reasons:
        return "NEEDS_DATA", reasons
    return "DEPLOY", ["every axis passes"]


def taught_rows(dataset: Dataset, taught: Sequence[str]) -> list[Row]:
    """Rows of the exam that an adapter was trained on, when they were examples.

    An adapter keeps one goal of those that differ in their numbers only. Where all examples of such
    words have gone, any of them may be what it was trained on.
    """
    learned = {reading(goal) for goal in taught} - {row.key for row in dataset.train}
    shapes = {_shape(key) for key in learned} - {_shape(row.key) for row in dataset.train}
    return [row for row in dataset.exam if row.key in learned or _shape(row.key) in shapes]


def _shape(key: str) -> str:
    """A reading without its numbers."""
    return " ".join(f"#{word.partition('#')[2]}" if "#" in word else word for word in key.split())


def _phases(decoder: Decoder, spec: ProjectSpec) -> list[PhaseResult]:
    """The mission's goals, decoded, but for those that this adapter cannot be asked."""
    asked = [
        (index, phase, *ask(decoder, phase.goal_prompt))
        for index, phase in enumerate(spec.phases)
        if reading(phase.goal_prompt)
    ]
    return [
        PhaseResult(index, phase.name, phase.goal_prompt, decoded)
        for index, phase, decoded, problem in asked
        if not problem
    ]


def _plans(
    results: Sequence[GoalResult], phases: Sequence[PhaseResult]
) -> dict[str, tuple[Step, ...]]:
    """Every plan under its goal; a goal with several (for several pictures) names the row too."""
    plans: dict[str, tuple[Step, ...]] = {}
    for result in results:
        if result.got:
            same = plans.get(result.goal, result.got) == result.got
            plans[result.goal if same else f"{result.goal} ({result.where})"] = result.got
    return plans | {item.goal: item.decoded.actions for item in phases if item.decoded.actions}


def scorecard_rows(card: Mapping[str, Any]) -> list[tuple[object, ...]]:
    """AXIS, VALUE, BOUNDS, THRESHOLD, N, RESULT, DETAIL."""
    rows: list[tuple[object, ...]] = []
    for check in card["checks"]:
        low, high = check["lower"], check["upper"]
        bounds = "-" if low is None or high is None else f"{low:.2f} to {high:.2f}"
        value = "-" if check["value"] is None else f"{check['value']:.2f}"
        limit = "-" if check["threshold"] is None else f"{check['threshold']:.2f}"
        rows.append(
            (check["axis"], value, bounds, limit, check["n"], check["result"], check["detail"])
        )
    return rows


HEADINGS = ("AXIS", "VALUE", "95% BOUNDS", "LIMIT", "N", "RESULT", "DETAIL")
