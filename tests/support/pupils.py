"""Simulated projects and adapters, to ask the exam's own code how often it can be fooled.

A project has plans, each a share of what is taught, with examples in words of their own. A pupil
(an adapter) knows its examples by heart, in politer words too, and gets any other phrasing of a
plan right with the plan's own chance. What it is really worth is the mean of these chances over
what is taught. Phrasings are nonsense words, so that none is like another.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, product
from pathlib import Path
from zlib import crc32

from handlers.goals.normal import template
from handlers.lora.data.dataset import Dataset
from handlers.lora.exam.looks import Look, rows_of
from handlers.lora.model.interface import Decoded
from handlers.lora.model.rows import Row
from handlers.lora.scorecard.fidelity import Examination, examine
from handlers.lora.scorecard.planning import missing_rows
from handlers.lora.scorecard.scorecard import Verdict, decide
from handlers.project.formats.examples import Step
from store.events.adapter import LookFact

THRESHOLD = 0.8
ACTIONS = (
    "sit", "stand", "lie_down", "jump", "walk_forward", "walk_backward", "trot_forward",
    "crawl_forward", "turn_left", "turn_right", "climb_step", "side_step_left", "side_step_right",
    "pace_forward", "bound_forward", "rear_up", "shake_hand", "rear_kick",
)  # fmt: skip
Plan = tuple[Step, ...]
WRONG: Plan = (Step("stand_up", {}),)
JOINT = " then "
_SYLLABLES = [a + b for a, b in product("bdgkpvz", "aeiou")]
WORDS = [f"{a}{b}{c}x" for a, b, c in islice(product(_SYLLABLES, repeat=3), 0, None, 11)]
POLITE = ("please {}", "could you {} now", "{} please", "now {}")


class Project:
    """Plans, how often each is taught, and as many phrasings of each as are asked for."""

    def __init__(self, draw: random.Random, plans: int = 16, examples: int = 60) -> None:
        self.draw = draw
        self._next = draw.randrange(len(WORDS))
        self.plans: list[Plan] = [(Step(name, {}),) for name in ACTIONS[:plans]]
        self.plan_of: dict[str, Plan] = {}
        self.weights = [draw.uniform(0.5, 2.0) for _ in self.plans]
        first = [self.phrase(plan) for plan in self.plans]
        self.train = [*first, *(self.phrase(self.any_plan()) for _ in range(examples - plans))]

    def any_plan(self) -> Plan:
        return self.draw.choices(self.plans, self.weights)[0]

    def phrase(self, plan: Plan, number: bool = False) -> Row:
        """A new phrasing, with a number in it or not."""
        self._next = (self._next + 1) % len(WORDS)
        goal = WORDS[self._next]
        if number:
            goal += f" {self.draw.randrange(2, 20)} m"
        self.plan_of[template(goal)] = plan
        return Row(goal, plan, "pattern", f"x:{self._next}")

    def exam(self, rows: int, number: bool = False) -> list[Row]:
        """Honest questions: phrasings of plans in the shares in which they are taught."""
        return [self.phrase(row.actions, number) for row in self.draw.choices(self.train, k=rows)]

    def chances(self, mean: float, spread: float = 0.08) -> dict[Plan, float]:
        """A chance for each plan, with this mean over what is taught."""
        made = {key(plan): mean + self.draw.uniform(-spread, spread) for plan in self.plans}
        return self.shifted(made, mean)

    def shifted(self, made: dict[Plan, float], mean: float) -> dict[Plan, float]:
        """The same chances, moved until their mean over what is taught is this one."""
        for _ in range(50):
            off = mean - self.worth(made)
            made = {plan: min(1.0, max(0.0, chance + off)) for plan, chance in made.items()}
        return made

    def worth(self, chances: Mapping[Plan, float]) -> float:
        """The share of what is taught that is understood in new words."""
        return sum(chances[key(row.actions)] for row in self.train) / len(self.train)


def key(plan: Plan) -> Plan:
    """A plan as a key: steps hold dicts, which cannot be one."""
    return tuple(step.action for step in plan)  # type: ignore[return-value]


@dataclass
class Pupil:
    """An adapter with a chance for each plan. `seed`: which phrasings it gets is drawn anew."""

    project: Project
    chances: Mapping[Plan, float]
    seed: int
    heart: set[str] = field(default_factory=set)

    def learn(self, rows: Iterable[Row]) -> None:
        self.heart |= {template(row.goal) for row in rows}

    def decode(self, goal: str, image: Path | None = None) -> Decoded:
        steps = tuple(step for part in goal.split(JOINT) for step in self._plan(part))
        return Decoded(goal, steps, False, False, (), 0.9, 0.9)

    def _plan(self, goal: str) -> Plan:
        form = template(goal)
        plan = self.project.plan_of[form]
        roll = crc32(f"{self.seed} {form}".encode()) / 2**32
        right = form in self.heart or roll < self.chances[key(plan)]
        return plan if right else WRONG


def look_of(fact: LookFact) -> Look:
    """What is known of a scoring from its event."""
    taken = fact.needed is not None
    return Look(
        fact.adapter, fact.paper, fact.level, fact.number, fact.passed, rows_of(fact), taken
    )


@dataclass
class Examiner:
    """The gate, through its own code, with the looks that it remembers."""

    threshold: float = THRESHOLD
    looks: list[Look] = field(default_factory=list)
    last: Examination | None = None

    def of_a_copy(self) -> Examiner:
        """The gate of another project in the same log."""
        return Examiner(self.threshold, [replace(look, elsewhere="another") for look in self.looks])

    def verdict(
        self, pupil: Pupil, train: Sequence[Row], exam: Sequence[Row], taught: Sequence[str] = ()
    ) -> Verdict:
        """What one more scoring says. Each is recorded, as the daemon's are."""
        adapter = f"{pupil.seed} {len(pupil.heart)}"
        made = examine(
            pupil,
            Dataset(tuple(train), tuple(exam)),
            self.threshold,
            adapter=adapter,
            taught=taught,
            looks=self.looks,
        )
        self.last = made
        look = None if made.look is None else look_of(made.look)
        if look is not None and (look.adapter, look.paper, look.taken) not in {
            (other.adapter, other.paper, other.taken) for other in self.looks
        }:
            self.looks.append(look)
        return decide([made.check], made.paper.held_out, made.paper.reasons())[0]


def worthless(draw: random.Random) -> tuple[Project, Pupil]:
    """A project, and an adapter that knows its examples by heart and is worth .70 to .79."""
    project = Project(draw)
    pupil = Pupil(project, project.chances(draw.uniform(0.70, 0.79)), draw.randrange(2**32))
    pupil.learn(project.train)
    return project, pupil


def honest(draw: random.Random, worth: float = 0.9, part: float = 1.0) -> bool:
    """Whether an adapter of that worth is deployed at the first look at an honest exam, that has as
    many rows as the tool asks for, or a part of them.
    """
    project = Project(draw)
    pupil = Pupil(project, project.chances(worth, 0.05), draw.randrange(2**32))
    pupil.learn(project.train)
    examiner = Examiner()
    examiner.verdict(pupil, project.train, [])
    rows = round(part * asked_for(examiner, worth))
    # one of each, as it asks for, and then as it comes
    exam = [project.phrase(plan) for plan in project.plans]
    exam += project.exam(rows - len(exam))
    return examiner.verdict(pupil, project.train, exam) == "DEPLOY"


def asked_for(examiner: Examiner, worth: float = 0.9) -> int:
    """The rows that the last scoring asks for, to show such a share."""
    assert examiner.last is not None
    rows = missing_rows(worth, examiner.last.sealed, examiner.threshold)
    assert rows is not None
    return rows
