"""Rows that nobody wrote: the mission's own goals, and what was done when it went well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from handlers.mission.policies.prompts import calls_of, read_prompt
from handlers.project.formats.examples import Step
from handlers.project.formats.lines import BadLine, LineReader, parse_line
from handlers.project.formats.logsummary import LineTally, lines_of
from handlers.project.formats.runs import LogFile
from handlers.project.library import PARAMETERS, ActionLibrary
from handlers.project.spec import ProjectSpec

ENDS = ("phase_failed", "terminated", "truncated")
RECOVERY = "stand_up"
"""Canonical for a robot that is not on its feet: no goal means it."""
LONGEST = 12
"""A phase that took more actions is no plan but a search."""


@dataclass(frozen=True, slots=True)
class Mined:
    """A goal and what was done for it. `corrected`: a canonical action stands for a wrong one."""

    goal: str
    actions: tuple[Step, ...]
    where: str
    corrected: bool = False


def phase_goals(spec: ProjectSpec, library: ActionLibrary) -> Iterator[Mined]:
    """Phases whose goal prompt gives amounts ("walk forward 1.5 meters"), as steps.

    A goal that is in doubt teaches nothing.
    """
    for index, phase in enumerate(spec.phases):
        reading = read_prompt(phase)
        calls = [] if reading.doubtful else calls_of(reading)
        amounts = [call.distance_m or call.rotation_rad or call.duration_s for call in calls]
        if not calls or not all(amounts):
            continue
        steps = [step_of(call.action, call.params, library) for call in calls]
        if all(step is not None for step in steps):
            made = tuple(step for step in steps if step is not None)
            yield Mined(phase.goal_prompt, made, f"env.json: phases[{index}]")


def steps_of_runs(logs: Iterable[LogFile], library: ActionLibrary) -> Iterator[Mined]:
    """What was done in each phase that was completed, where it took few actions."""
    for log in logs:
        if log.format == "mission":
            try:
                yield from _of_log(log, library)
            except OSError:
                continue


def _of_log(log: LogFile, library: ActionLibrary) -> Iterator[Mined]:
    steps: list[Step] = []
    phase: object = None
    fit, corrected, first, last = True, False, 0, 0.0
    with log.path.open("rb") as stream:
        for line, data in lines_of(LineReader(stream), LineTally()):
            try:
                record = parse_line(data)
            except BadLine:
                continue
            here = (record.get("phase"), record.get("phase_idx"))
            tick = number_of(record.get("tick"))
            if here != phase or (tick <= 1 and last > 0):  # a run may follow another in one file
                steps, phase, fit, corrected, first = [], here, True, False, line
            last = tick
            if record.get("tick") == 0:
                continue
            step, was_corrected = done(record, library)
            fit = fit and step is not None and record.get("step_ok") is not False
            corrected |= was_corrected
            if step is not None:
                steps.append(step)
            goal = record.get("goal_prompt")
            if record.get("phase_done") is True and not _ended_badly(record):
                if fit and isinstance(goal, str) and goal.strip() and 0 < len(steps) <= LONGEST:
                    yield Mined(goal.strip(), tuple(steps), f"{log.path.name}:{first}", corrected)
                steps, phase = [], None
            elif any(record.get(end) is True for end in ENDS):
                steps, phase = [], None  # what failed is no part of what is done next


def _ended_badly(record: dict[str, Any]) -> bool:
    """Whether the phase, or the mission in that very tick, failed."""
    if record.get("phase_failed") is True:
        return True
    ended = any(record.get(end) is True for end in ENDS)
    return ended and record.get("mission_success") is False


def done(record: dict[str, Any], library: ActionLibrary) -> tuple[Step | None, bool]:
    """The step of a record: the canonical action where the one taken was clearly wrong."""
    judgment = record.get("judgment")
    if isinstance(judgment, dict) and judgment.get("match") is False:
        severity = number_of(judgment.get("severity"))
        sure = number_of(judgment.get("canonical_confidence"))
        recovery = judgment.get("canonical_action") == RECOVERY
        if severity >= 0.7 and sure >= 0.8 and not recovery:
            params = judgment.get("canonical_params")
            return step_of(judgment.get("canonical_action"), params, library), True
    return step_of(record.get("action"), record.get("action_params"), library), False


def number_of(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def step_of(action: object, params: object, library: ActionLibrary) -> Step | None:
    """A step the library allows, with the values that change nothing left out."""
    if not isinstance(action, str) or action not in library:
        return None
    spec = library.spec(action)
    values = params if isinstance(params, dict) else {}
    given = {
        name: round(float(value), 4)
        for name, value in values.items()
        if (
            name in spec.parameters
            and isinstance(value, int | float)
            and not isinstance(value, bool)
            and value not in (0, PARAMETERS[name].neutral)
        )
        or (name == spec.main_parameter and value)
    }
    return None if library.validate({"action": action, **given}) else Step(action, given)
