"""Training records (`*.finetune.jsonl`) as rows: what was done in the phases that were completed.

A record holds no goal and does not say that a phase was done. The goal is the phase's own when the
prompt holds it, else what stands in the prompt where the template puts it. A phase was completed
when the next one follows it in the same run, or when its last record says the mission succeeded. A
run from which records were filtered out has gaps, and a phase with a gap is no whole plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any, Literal

from handlers.lora.data.mined import LONGEST, Mined, done, number_of
from handlers.project.formats.examples import Step
from handlers.project.formats.lines import BadLine, LineReader, first_objects, parse_line
from handlers.project.formats.logsummary import LineTally, lines_of
from handlers.project.library import ActionLibrary
from handlers.project.spec import DEFAULT_PROMPT_TEMPLATE, ProjectSpec

FALLBACK_TEMPLATE = "[MISSION: {name}] [PHASE: {phase}] [GOAL: {goal_prompt}] [ACTION]"
"""What an export writes for a template that cannot be rendered."""

Content = Literal["log", "records"]
Problem = tuple[str, str]


def content_of(path: Path) -> Content | None:
    """What a file given by hand is; None for neither a run log nor training records."""
    with path.open("rb") as stream:
        for item in first_objects(stream):
            if "prompt" in item and "action" in item:
                return "records"
            if "tick" in item and "action" in item:
                return "log"
    return None


@dataclass(slots=True)
class _Part:
    """The records of a phase, one after another. `fit`: nothing is missing or went wrong."""

    phase: object
    index: float
    where: str
    fit: bool
    goal: str | None = None
    steps: list[Step] = field(default_factory=list)
    corrected: bool = False

    def mined(self) -> Iterator[Mined]:
        """What it teaches, now that it was completed: one row, or none."""
        if self.fit and self.goal and 0 < len(self.steps) <= LONGEST:
            yield Mined(self.goal, tuple(self.steps), self.where, self.corrected)

    def take(self, record: dict[str, Any], whole: bool, library: ActionLibrary) -> None:
        """One more of its records. `whole`: none is missing before it."""
        step, was_corrected = done(record, library)
        self.fit = self.fit and whole and step is not None
        self.corrected |= was_corrected
        if step is not None:
            self.steps.append(step)


def steps_of_records(
    path: Path, spec: ProjectSpec, library: ActionLibrary, problems: list[Problem]
) -> Iterator[Mined]:
    """Each completed phase of a file of training records that took few actions."""
    part: _Part | None = None
    last = 0.0
    with path.open("rb") as stream:
        for line, data in lines_of(LineReader(stream), LineTally()):
            where = f"{path.name}:{line}"
            try:
                record = parse_line(data)
            except BadLine as bad:
                problems.append((where, str(bad)))
                part = None
                continue
            tick, index = number_of(record.get("tick")), number_of(record.get("phase_idx"))
            goes_on = part is not None and tick > last > 0
            whole = tick == last + 1 if goes_on else tick == 1
            if part is not None and goes_on and index == part.index + 1 and whole:
                yield from part.mined()
                part = None
            phase = (record.get("phase"), index)
            if part is None or not goes_on or phase != (part.phase, part.index):
                part = _Part(record.get("phase"), index, where, whole)
                part.goal = goal_of(record, spec)
                if part.goal is None:
                    problems.append((where, "no goal can be found in the prompt"))
            last = tick
            part.take(record, whole, library)
            if record.get("mission_success") is True:
                yield from part.mined()
                part, last = None, 0.0


def goal_of(record: dict[str, Any], spec: ProjectSpec) -> str | None:
    """The goal a record's prompt states; None when it cannot be told."""
    prompt = record.get("prompt")
    if not isinstance(prompt, str):
        return None
    for phase in spec.phases:
        goal = phase.goal_prompt.strip()
        if phase.name == record.get("phase") and goal and goal in prompt:
            return goal
    for template in (spec.vla_finetune.template, DEFAULT_PROMPT_TEMPLATE, FALLBACK_TEMPLATE):
        goal = _between(prompt, template)
        if goal:
            return goal
    return None


def _between(prompt: str, template: str) -> str:
    """What stands between the words before and after a template's {goal_prompt}; "" for nothing."""
    try:
        pieces = [(text, name) for text, name, _, _ in Formatter().parse(template)]
    except ValueError:
        return ""
    names = [name for _, name in pieces]
    if "goal_prompt" not in names:
        return ""
    at = names.index("goal_prompt")
    before = pieces[at][0]
    after = pieces[at + 1][0] if at + 1 < len(pieces) else ""
    if (at > 0 and not before) or (at + 1 < len(pieces) and not after):
        return ""  # beside another value: where one ends and the other begins cannot be told
    start = prompt.find(before) if at > 0 else 0 if prompt.startswith(before) else -1
    if start < 0:
        return ""
    start += len(before)
    end = prompt.find(after, start) if after else len(prompt)
    return " ".join(prompt[start:end].split()) if end > start else ""
