"""How each phase's goal was understood, and what of it is in doubt."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.goals.reading import Reading, read_goal
from handlers.mission.check.findings import Finding, Level
from handlers.mission.policies.prompts import is_aimed
from handlers.project.library import ActionLibrary
from handlers.project.spec import ProjectSpec

_FIX = {
    "unknown": "say it in other words, or leave it out",
    "negated": "say what is to be done; a place to keep out of is fail_when.enter_zone",
    "conditional": "make it a phase of its own, with the condition as its success_when",
    "range": "for example: walk forward 10 meters",
    "ambiguous": "say left or right, forward or backward, and how far",
    "assumed": "write the unit: degrees, meters, seconds, times",
    "unit": "meters for what travels, degrees for turns, seconds for poses",
    "vague": "for example: walk forward 2 meters",
    "limit": "split it into several phases or steps",
    "place": "give the phase a success_when that says where: enter_zone or near_object",
    "nothing": "for example: walk forward 2 meters, then turn left 90 degrees",
}


def readings(spec: ProjectSpec, library: ActionLibrary) -> list[Reading]:
    """Each phase's goal as the policies read it, for the actions this robot has."""
    return [
        read_goal(phase.goal_prompt, actions=library.names, aimed=is_aimed(phase.success_when))
        for phase in spec.phases
    ]


def misunderstood(found: list[Reading], library: ActionLibrary) -> Iterator[Finding]:
    """What is in doubt of the goals."""
    for index, reading in enumerate(found):
        for doubt in reading.doubts:
            level: Level = "hint" if doubt.kind == "assumed" else "warning"
            fix = _FIX.get(doubt.kind) or f"it has: {', '.join(library.names)}"
            yield Finding(level, f"phases[{index}].goal_prompt", str(doubt), fix)


def in_short(reading: Reading) -> str:
    """The steps of a goal on one line; what it is for where it has none."""
    if not reading.steps:
        return "no steps: what success_when asks for" if not reading.doubtful else "nothing"
    return "; ".join(
        f"{step.action} {' '.join(f'{k}={v:.4g}' for k, v in step.parameters.items())}".rstrip()
        for step in reading.steps
    )
