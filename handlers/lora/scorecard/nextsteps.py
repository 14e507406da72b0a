"""What to do next about a scorecard that is no DEPLOY.

Commands can be pasted as they are. What only its reader can do is a line that begins with `#`, so
that a shell takes no harm from it: steps that nobody knows are not made up, and an exam is no
example to copy.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from handlers.lora.data.dataset import Dataset
from handlers.lora.data.phasesteps import phase_steps
from handlers.lora.model.rows import Row, reading
from handlers.lora.scorecard.axes import rows_to_decide, uncovered_signals
from handlers.lora.scorecard.results import Check, GoalResult, PhaseResult
from handlers.lora.scorecard.statistics import MOST_ROWS, more_rows
from handlers.project.formats.examples import Step
from handlers.project.library import PARAMETERS, ActionLibrary
from handlers.project.paths import EVAL_FILE
from handlers.project.spec import ProjectSpec

MOST_STEPS = 8


@dataclass(frozen=True, slots=True)
class Measured:
    """What next steps follow from. `taught`: exam rows this adapter was trained on; `unstable`:
    goals that get another plan when they are spelled otherwise.
    """

    checks: Sequence[Check]
    results: Sequence[GoalResult]
    phases: Sequence[PhaseResult]
    held_out: bool
    taught: Sequence[Row]
    unstable: Sequence[str]

    def axis(self, name: str) -> Check | None:
        return next((check for check in self.checks if check.axis == name), None)


def next_steps(
    measured: Measured, project: Path, dataset: Dataset, spec: ProjectSpec, library: ActionLibrary
) -> list[str]:
    """At most MOST_STEPS lines, the most telling first."""
    where = shlex.quote(str(project))
    exam = f"{where}/{EVAL_FILE}"
    lines = [
        *_about_the_exam(measured, where, exam),
        *_about_stability(measured, where),
        *_signals(measured, where, dataset, spec),
        *_phases(measured, where, dataset, spec, library),
        *_exam_goals(measured, where, library),
    ]
    return list(islice(dict.fromkeys(lines), MOST_STEPS))


def _about_the_exam(measured: Measured, where: str, exam: str) -> Iterator[str]:
    """How many rows would decide, and what makes the exam one."""
    if measured.taught:
        yield f"cadenza env lora finetune {where} --gate"
    fidelity = measured.axis("fidelity")
    if fidelity is None or fidelity.threshold is None:
        return
    if not measured.held_out:
        _, more = more_rows(0, 0, fidelity.threshold)
        many = f"more than {MOST_ROWS:,}" if more is None else f"at least {more}"
        yield (
            f"# write goals that are not trained on, with actions, to {exam}: {many} with different"
            f" plans, all decoded right, show a fidelity of {fidelity.threshold:g}"
        )
    elif fidelity.result == "undecided" and fidelity.n:
        hits = round((fidelity.value or 0.0) * fidelity.n)
        rows = rows_to_decide(hits, fidelity.n, fidelity.threshold)
        yield f"# fidelity: {rows}: append them to {exam}, each with a plan of its own"


def _about_stability(measured: Measured, where: str) -> Iterator[str]:
    stability = measured.axis("stability")
    if stability is None or stability.result != "fail":
        return
    if stability.gate == "block":
        yield f"cadenza env lora finetune {where}"
    elif measured.unstable:
        goals = ", ".join(f"'{_plain(goal)}'" for goal in measured.unstable[:3])
        yield f"# stability: add other spellings and phrasings of what is like {goals}"


def _signals(measured: Measured, where: str, dataset: Dataset, spec: ProjectSpec) -> Iterator[str]:
    known = {row.key for row in (*dataset.train, *dataset.exam)}
    for name in uncovered_signals(measured.phases, spec, dataset):
        goal = name.replace("_", " ")
        if reading(goal) not in known:
            yield _add(where, goal, name)


def _phases(
    measured: Measured, where: str, dataset: Dataset, spec: ProjectSpec, library: ActionLibrary
) -> Iterator[str]:
    """An example for each phase's goal that gets no sure plan, the weakest first."""
    asked = {row.key for row in dataset.exam}
    taught = {row.key for row in dataset.train}
    known = phase_steps(spec, library)
    weak = [item for item in measured.phases if not item.decoded.actions or item.decoded.doubtful]
    done: set[str] = set()
    for item in sorted(weak, key=lambda item: item.decoded.confidence):
        key, goal = reading(item.goal), _plain(item.goal)
        if key in asked or key in done:
            continue
        done.add(key)
        steps, place = known[item.index], f"# phase '{_plain(item.name)}'"
        if key in taught:
            yield f"{place}: '{goal}' is taught, and not clear yet: say it otherwise too"
        elif steps is None:
            yield (
                f"{place}: no steps are known for '{goal}': add an example with steps"
                " of your own, or record a run that completes it in a few actions"
            )
        else:
            yield _add(where, goal, _plan(steps, library))


def _exam_goals(measured: Measured, where: str, library: ActionLibrary) -> Iterator[str]:
    """The plans the exam finds missing, the weakest first: their goals are the reader's to word."""
    if not measured.held_out:
        return
    wrong = [result for result in measured.results if not result.ok and not result.problem]
    for result in sorted(wrong, key=lambda result: result.confidence):
        words = f"<in other words: {_plain(result.goal)}>"  # the exam itself is never trained on
        yield f"# in your own words: {_add(where, words, _plan(result.expected, library))}"


def _add(where: str, goal: str, plan: str) -> str:
    return f"cadenza env lora add {where} {shlex.quote(goal)} --steps {shlex.quote(plan)}"


def _plain(goal: str) -> str:
    """A goal on one line."""
    return " ".join(goal.split())


def _plan(steps: Sequence[Step], library: ActionLibrary) -> str:
    return ", ".join(_as_option(step.action, step.parameters, library) for step in steps)


def _as_option(action: str, parameters: Mapping[str, float], library: ActionLibrary) -> str:
    """A step as `--steps` has it."""
    spec = library.spec(action)
    parts = [action]
    for name, value in parameters.items():
        if name not in spec.parameters or value == PARAMETERS[name].neutral:
            continue
        parts.append(f"{value:g}" if name == spec.main_parameter else f"{name}={value:g}")
    return " ".join(parts)
