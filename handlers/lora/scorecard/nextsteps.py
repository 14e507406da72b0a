"""What to do next about a scorecard that is no DEPLOY.

Commands can be pasted as they are where the mission gives the answer. Where only a person's words
(or steps) will do, the command has a place for them, which `add` refuses until it is filled, and
says what they are to mean: something that an example teaches. Nothing here is taken from a goal of
the exam or from its answer. Lines that begin with `#` are for reading.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import NamedTuple

from handlers.lora.data.dataset import Dataset
from handlers.lora.data.phasesteps import phase_steps
from handlers.lora.exam.paper import Paper
from handlers.lora.exam.questions import Stratum, question_of
from handlers.lora.exam.shares import shares_of
from handlers.lora.model.rows import Row, reading
from handlers.lora.scorecard.axes import uncovered_signals
from handlers.lora.scorecard.planning import likely_share, missing_rows
from handlers.lora.scorecard.results import Check, GoalResult, PhaseResult, Sealed
from handlers.project.formats.examples import Step
from handlers.project.library import PARAMETERS, ActionLibrary
from handlers.project.spec import ProjectSpec

MOST_STEPS = 16
STEPS = "<its steps, as in: walk_forward 1.0, turn_left 1.57>"
"""A place for steps, which `add` refuses until it is filled."""
QUESTIONS, WORDINGS = 6, 5
"""So many places for questions of the exam are offered at once, and so many for examples."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What next steps follow from. `results`: open goals; `sealed`: what was told of the others;
    `unstable`: goals that get another plan when they are spelled otherwise.
    """

    checks: Sequence[Check]
    results: Sequence[GoalResult]
    phases: Sequence[PhaseResult]
    paper: Paper
    sealed: Sealed
    unstable: Sequence[str]

    def axis(self, name: str) -> Check | None:
        return next((check for check in self.checks if check.axis == name), None)


def next_steps(
    measured: Measured, project: Path, dataset: Dataset, spec: ProjectSpec, library: ActionLibrary
) -> list[str]:
    """At most MOST_STEPS lines, the most telling first."""
    where = shlex.quote(str(project))
    lines = [
        *_about_the_adapter(measured, where),
        *_signals(measured, where, dataset, spec),
        *_phases(measured, where, dataset, spec, library),
        *_mission(measured, where),
        *_known(measured),
        *_questions(measured, where, dataset, library),
        *_wordings(measured, where, dataset, library),
        *_spellings(measured, dataset),
    ]
    return list(islice(dict.fromkeys(lines), MOST_STEPS))


def _about_the_adapter(measured: Measured, where: str) -> Iterator[str]:
    """What another training mends: what it was trained on, and what it forgets when reloaded."""
    stability = measured.axis("stability")
    broken = stability is not None and stability.result == "fail" and stability.gate == "block"
    if measured.paper.retaught or broken:
        yield f"cadenza env lora finetune {where} --gate"


def _mission(measured: Measured, where: str) -> Iterator[str]:
    """What to teach where the mission's runs do not succeed, or go where they must not."""
    mission, safety = measured.axis("mission"), measured.axis("safety")
    if safety is not None and safety.result == "fail":
        why = safety.detail.partition("; ")[0]
        yield f"# safety: teach what is named a plan that does no harm: {why}"
        for item in measured.phases:
            if f"phase {item.name!r}" in why:
                yield _add(where, _plain(item.goal), STEPS)
    if mission is None or mission.result == "pass":
        return
    if not mission.n:
        yield f"# mission: {mission.detail}; lora.mission = 0 deploys what is not to drive it"
        return
    yield (
        f"# mission: {mission.detail}: a run by the goal prompts teaches the phases that it"
        " completes, unless an example says otherwise:"
    )
    yield f"cadenza env run {where} --headless --policy scripted"


def _known(measured: Measured) -> Iterator[str]:
    """What to do about rows of the exam that are wrong whatever the adapter says."""
    if wrong := measured.paper.wrong:
        which, were = ("1 sealed row", "was") if wrong == 1 else (f"{wrong:,} sealed rows", "were")
        yield (
            f"# exam: {which} that stood in it at an earlier scoring and {were} taught, changed or"
            " taken out since: wrong by that. Put back what was, teach no more what is named as"
            " burnt, or begin anew with an exam of new rows alone"
        )


def _questions(
    measured: Measured, where: str, dataset: Dataset, library: ActionLibrary
) -> Iterator[str]:
    """How many questions the exam lacks, and places for them: what it asks the least for.

    None while runs alone teach and words of people are asked for: by those an exam is weighed, and
    one that was planned by what runs taught is worth half of its rows when they are there.
    """
    missing, written = _missing(measured), _written(dataset)
    if missing is None and not measured.paper.unexamined:
        return
    if not written and not measured.paper.held_out and _said_once(_taught(dataset)):
        return
    written = written or _taught(dataset)
    count = "" if missing is None else f"{missing.rows:,} more "
    yield (
        f"# exam: {count}questions are needed{missing or ''}, in words that no example has, by"
        " people who did not write the examples where that can be"
    )
    for row in islice(_least_asked(measured.paper, written), QUESTIONS):
        yield f"{_in_other_words(where, row, library)} --exam"


class _Missing(NamedTuple):
    """Exam rows to write for the next look to show, in four of five cases, that a share of right
    answers of `rate` is over the threshold; `fewest` do where all are right.
    """

    rows: int
    rate: float
    fewest: int

    def __str__(self) -> str:
        unless = f" ({self.fewest:,} where none is missed)" if self.fewest else ""
        return f" to show a share of {self.rate:.2f}{unless}"


def _missing(measured: Measured) -> _Missing | None:
    """The exam rows to write; None where rows are not what is missing, or too many are."""
    fidelity = measured.axis("fidelity")
    if fidelity is None or fidelity.threshold is None or fidelity.result != "undecided":
        return None
    open_ones = measured.results if measured.paper.held_out else ()
    right = sum(item.ok for item in open_ones)
    rate = likely_share(right, len(open_ones), fidelity.threshold)
    rows = missing_rows(rate, measured.sealed, fidelity.threshold)
    fewest = missing_rows(1.0, measured.sealed, fidelity.threshold)
    return _Missing(rows, rate, fewest or 0) if rows else None


def _least_asked(paper: Paper, written: Sequence[Row]) -> Iterator[Row]:
    """Examples of what the exam asks the least for, measured by what is taught of it."""
    shares = shares_of(written)
    asked: Counter[Stratum] = Counter(q.stratum for q in (*paper.practice, *paper.sealed))
    sealed = {item.kind for item in paper.sealed}
    examples: dict[Stratum, list[Row]] = {}
    for row in written:
        examples.setdefault(question_of(row).stratum, []).append(row)
    order = sorted(
        examples, key=lambda group: (group[0] in sealed, asked[group] / shares[group], group)
    )
    # one of each, and then of those that have several plans the others
    for turn in zip_longest(*(_turns(examples[group], asked[group]) for group in order)):
        yield from filter(None, turn)


def _turns(examples: Sequence[Row], asked: int) -> list[Row]:
    """An example of each plan, beginning with another one the more were asked for."""
    start = asked % len(examples)
    first: dict[str, Row] = {}
    for row in (*examples[start:], *examples[:start]):
        first.setdefault(row.plan, row)
    return list(first.values())


def _wordings(
    measured: Measured, where: str, dataset: Dataset, library: ActionLibrary
) -> Iterator[str]:
    """Places for wordings of what is taught in the fewest: where the practice part has misses, and
    else of what is said in one way only. With an exam that is what a run alone teaches, for the
    exam is weighed by what people taught.
    """
    taught = _taught(dataset)
    once = _said_once(taught)
    if measured.paper.held_out:
        once &= {row.shape for row in taught if row.origin != "pattern"}
    wordings = Counter(row.plan for row in taught)
    first = {row.plan: row for row in reversed(taught)}
    rows = sorted(first.values(), key=lambda row: wordings[row.plan])
    wrong = [item for item in measured.results if not item.ok and not item.problem]
    if measured.paper.held_out and wrong:
        yield (
            f"# practice: {len(wrong)} of {len(measured.results)} missed (per_goal in"
            " scorecard.json shows them): teach more wordings, of those and of what has few"
        )
    elif once:
        rows = [row for row in rows if row.shape in once]
        why = "" if _written(dataset) else ": the exam comes after, and is weighed by them"
        yield f"# examples: taught in one wording alone: {len(rows)}; teach others too{why}"
    else:
        return
    for row in rows[:WORDINGS]:
        yield _in_other_words(where, row, library)


def _said_once(taught: Sequence[Row]) -> set[tuple[str, ...]]:
    """Sequences of actions that one wording alone has."""
    counts = Counter(row.shape for row in taught)
    return {shape for shape, count in counts.items() if count == 1}


def _written(dataset: Dataset) -> list[Row]:
    """What people taught, as far as words alone say it: by its shares the exam is weighed."""
    return [row for row in _taught(dataset) if row.origin == "pattern"]


def _taught(dataset: Dataset) -> list[Row]:
    """The same, and what runs of the mission taught."""
    return [row for row in dataset.train if row.image is None]


def _in_other_words(where: str, row: Row, library: ActionLibrary) -> str:
    """A command with a place for other words of an example."""
    return _add(where, f"<in other words: {_plain(row.goal)}>", _plan(row.actions, library))


def _spellings(measured: Measured, dataset: Dataset) -> Iterator[str]:
    stability = measured.axis("stability")
    if stability is None or stability.result != "fail" or not measured.unstable:
        return
    taught = {row.goal for row in dataset.train}
    goals = [f"'{_plain(goal)}'" for goal in measured.unstable if goal in taught]
    like = f" of what is like {', '.join(goals[:3])}" if goals else ""
    yield f"# stability: add other spellings and phrasings{like}"


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
    taught = {row.key: row for row in dataset.train}
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
            yield f"{place}: its goal is taught, and not clear yet: say it otherwise too"
            if taught[key].image is None:
                yield _in_other_words(where, taught[key], library)
        elif steps is None:
            yield (
                f"{place}: no steps are known for its goal: give some, or record a run that"
                " completes it in a few actions"
            )
            yield _add(where, goal, STEPS)
        else:
            yield _add(where, goal, _plan(steps, library))


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
