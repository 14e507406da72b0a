"""read_goal: what a goal in words asks for, in order, and what of it was not understood."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from handlers.goals.clauses import Clause, clauses_of, tags_of
from handlers.goals.doubts import Doubt
from handlers.goals.fates import decide
from handlers.goals.order import sequence
from handlers.goals.steps import GoalStep
from handlers.goals.words.quantities import parts
from handlers.goals.words.tokens import tokens

LONGEST = 4_000
"""Characters; a longer goal is not read."""
MOST_STEPS = 64
"""Steps, repetitions included."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a goal asks for.

    Every word of it is read: it is part of a step, known to change nothing ("please", "keeping
    balance"), or in a doubt. A step that is forbidden or hangs on a condition is never in `steps`.
    """

    goal: str
    steps: tuple[GoalStep, ...]
    doubts: tuple[Doubt, ...]

    @property
    def doubtful(self) -> bool:
        return bool(self.doubts)


def asks_to_report(goal: str) -> bool:
    """Whether a goal says to report something: not where it is forbidden or on a condition."""
    for clause in _clauses(goal[:LONGEST], aimed=True):
        for tag in () if clause.fate else clause.tags:
            if tag.role == "manner":  # "without reporting"
                break
            if (tag.role, tag.value) == ("aim", "report"):
                return True
    return False


def _clauses(goal: str, aimed: bool) -> list[Clause]:
    clauses = clauses_of(tags_of(parts(tokens(goal))))
    decide(clauses, aimed)
    return clauses


def read_goal(goal: str, *, actions: Collection[str] | None = None, aimed: bool = False) -> Reading:
    """The steps of a goal and the doubts about it. Takes any text; its time is bounded.

    `actions`: the robot's own, where they are known: another one is a doubt, and no step. `aimed`:
    something else tells where to and what for, as a phase's success_when does, so that "walk to the
    door" and "find the survivor" are no doubts.
    """
    if len(goal) > LONGEST:
        why = f"the goal has {len(goal)} characters, more than {LONGEST}: say it in phases"
        return Reading(goal, (), (Doubt("limit", "", 0, len(goal), why),))
    found = sequence(_clauses(goal, aimed), goal, aimed)
    steps, doubts = found.steps, found.doubts
    if actions is not None:
        missing = [step for step in steps if step.action not in actions]
        steps = [step for step in steps if step.action in actions]
        doubts = doubts + [
            Doubt("action", step.words, step.start, step.end, f"this robot has no {step.action}")
            for step in missing
        ]
    if not steps and not doubts and not (aimed and found.aims):
        doubts = [Doubt("nothing", goal.strip()[:80], 0, len(goal), "no action is named")]
    if len(steps) > MOST_STEPS:
        why = f"more than {MOST_STEPS} steps: the rest is left out"
        doubts = [*doubts, Doubt("limit", "", 0, len(goal), why)]
        steps = steps[:MOST_STEPS]
    ordered = sorted(dict.fromkeys(doubts), key=lambda doubt: (doubt.start, doubt.end))
    return Reading(goal, tuple(steps), tuple(ordered))
