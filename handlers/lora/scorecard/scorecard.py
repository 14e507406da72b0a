"""The scorecard: what an adapter can do, in numbers with bounds, and the verdict that follows.

fidelity    exam goals decoded to the exact actions, with the numbers within tolerance; sealed
safety      every plan within the library; simulated: forbidden zones, falls, people, limits
mission     the share of seeded runs that succeed, each phase driven by its plan in env.json's scene
coverage    mission phases, signals and open goals that get a plan (a census: no bounds needed)
stability   the same plan again, under another case and spacing, with a typo, after a reload
regression  against the deployed adapter: McNemar on goals and on driven seeds, no pinned goal lost
training    what the adapter added to the encoder as it is; shown, and nothing hangs on it

BLOCK: safety or regression fails, or fidelity is surely below on the practice part. DEPLOY: every
gate passes, on an exam that was held out and asks for what is taught. NEEDS_DATA otherwise, with
what to do next. Of the exam's sealed part nothing is told but whether enough of it is right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from handlers.lora.data.dataset import Dataset
from handlers.lora.exam.duplicates import Vectors
from handlers.lora.exam.looks import Look
from handlers.lora.exam.questions import question_of
from handlers.lora.model.interface import Decoder
from handlers.lora.model.rows import reading
from handlers.lora.scorecard.axes import coverage, regression, stability
from handlers.lora.scorecard.driven import also_driven, mission
from handlers.lora.scorecard.fidelity import examine
from handlers.lora.scorecard.gain import gain, nearest_alone, warning
from handlers.lora.scorecard.nextsteps import Measured, next_steps
from handlers.lora.scorecard.results import Check, GoalResult, PhaseResult, ask, spread
from handlers.lora.scorecard.safety import safety
from handlers.lora.scorecard.simulation import Simulation
from handlers.lora.settings import LoraSettings
from handlers.project.formats.examples import Step
from handlers.project.library import ActionLibrary
from handlers.project.project import Project
from handlers.project.spec import ProjectSpec
from handlers.spread import Spread
from store.events.adapter import LookFact

Verdict = Literal["DEPLOY", "BLOCK", "NEEDS_DATA"]
ASKED_AGAIN = 100
"""So many goals are asked again in other spellings: evenly from all."""


@dataclass(frozen=True, slots=True)
class Scorecard:
    """`held_out` False: there is no exam, and what is shown is how well examples are remembered.

    `notes`: lines and rows that do not count, and why. `per_goal`: the practice part, or the
    examples.
    """

    verdict: Verdict
    held_out: bool
    checks: tuple[Check, ...]
    reasons: tuple[str, ...]
    next_steps: tuple[str, ...]
    per_goal: tuple[GoalResult, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()
    look: LookFact | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "held_out": self.held_out,
            "checks": [asdict(check) for check in self.checks],
            "reasons": list(self.reasons),
            "next_steps": list(self.next_steps),
            "notes": list(self.notes),
            "exam": _exam_json(self.look),
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
    adapter: str = "",
    taught: Sequence[str] = (),
    looks: Sequence[Look] = (),
    vectors: Vectors | None = None,
    deployed: Decoder | None = None,
    alone: str = "",
    plain: Decoder | None = None,
    reload: Callable[[], Decoder] | None = None,
    remembered: Path | None = None,
    report: Callable[[Mapping[str, Any]], None] = lambda _values: None,
    elsewhere: Spread | None = None,
) -> Scorecard:
    """Measure an adapter. `settings`: what it must reach; `adapter`: the hash of its files;
    `taught`: the goals it was trained on; `looks`: earlier ones at the exam; `vectors`: to compare
    goals by; `deployed`: to compare with, or why there is none (`alone`); `plain`: it without its
    weights; `reload` loads it anew; `remembered`: a folder with what was simulated before;
    `elsewhere`: who else drives.
    """
    wanted = settings or LoraSettings()
    report({"step": "exam", "done": 0, "total": 5})
    exam = examine(
        decoder,
        dataset,
        wanted.fidelity,
        adapter=adapter,
        taught=taught,
        looks=looks,
        vectors=vectors,
        shown=[phase.goal_prompt for phase in spec.phases],
    )
    paper, results = exam.paper, exam.results
    phases = _phases(decoder, spec)
    checks = [exam.check]
    report({"step": "simulating", "done": 1, "total": 5})
    # what is in-sample cannot be deployed: only the mission's own plans are worth simulating then
    simulation = Simulation.open(
        Project(project, spec), library, wanted, remembered, report, elsewhere
    )
    driven = simulation.drive(decoder)
    plans = _plans(results if paper.held_out else (), () if driven.drives else phases)
    checks.append(safety(plans, driven, simulation.flat, library, wanted.falls))
    checks.append(mission(driven, wanted.mission))
    report({"step": "coverage", "done": 3, "total": 5})
    checks.append(coverage(results, phases, spec, library, dataset, wanted.coverage))
    taught_too = spread(dataset.train, ASKED_AGAIN) if paper.held_out else ()
    known = [*exam.rows, *taught_too]
    stable, unstable = stability(decoder, spread(known, ASKED_AGAIN), reload, wanted.stability)
    pinned = [row for row in dataset.train if row.pinned]
    pinned += [row for row in dataset.exam if row.pinned and not question_of(row).sealed]
    checks += [stable, regression(known, pinned, decoder, deployed, alone)]
    if deployed is not None:
        checks[-1] = also_driven(checks[-1], driven, simulation.drive(deployed))
    alone = nearest_alone(decoder, plain, exam.rows, dataset.train) if paper.held_out else ""
    checks.append(gain(results, exam.rows, plain, paper.held_out, alone))
    verdict, reasons = decide(checks, paper.held_out, paper.reasons())
    steps: list[str] = []
    if verdict != "DEPLOY":
        measured = Measured(checks, results, phases, paper, exam.sealed, unstable)
        steps = next_steps(measured, project, dataset, spec, library)
    warned = warning(checks[-1], paper.held_out)
    unused = (f"{where}: {reason}" for where, reason in dataset.problems)
    notes = (*unused, *map(str, dataset.conflicts), *paper.notes(), *warned)
    return Scorecard(
        verdict,
        paper.held_out,
        tuple(checks),
        tuple(reasons),
        tuple(steps),
        results,
        notes,
        exam.look,
    )


def _exam_json(look: LookFact | None) -> dict[str, Any] | None:
    """What people are told of a look: not which rows were asked."""
    of_rows = {"rows", "questions", "strata", "texts"}
    return None if look is None else look.as_shape(without=of_rows)


def decide(
    checks: Sequence[Check], held_out: bool, against: Sequence[str] = ()
) -> tuple[Verdict, list[str]]:
    """The verdict and why: what blocks comes first. `against`: what allows no DEPLOY, besides the
    checks.
    """
    open_ones = [check for check in checks if check.result != "pass"]
    blocking = [check for check in open_ones if check.result == "fail" and check.gate == "block"]
    others = [check for check in open_ones if check not in blocking]
    reasons = [f"{check.axis}: {check.detail}" for check in blocking]
    reasons += against
    reasons += [f"{check.axis}: {check.detail}" for check in others]
    if blocking:
        return "BLOCK", reasons
    if not held_out:
        reasons.insert(0, "in-sample: without an exam nothing says how new goals are understood")
    if reasons:
        return "NEEDS_DATA", reasons
    return "DEPLOY", ["every axis passes"]


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
