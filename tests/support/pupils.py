"""Simulated projects and adapters, to ask the exam's own code how often it can be fooled.

A project has plans, each a share of what is taught, with examples in words of their own. A pupil
(an adapter) knows its examples by heart, in politer words too, and gets any other phrasing of a
plan right with the plan's own chance. What it is really worth is the mean of these chances over
what is taught. Phrasings are nonsense words, so that none is like another.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, product
from pathlib import Path
from zlib import crc32

from handlers.goals.normal import template
from handlers.lora.data.dataset import Dataset
from handlers.lora.exam.looks import Look
from handlers.lora.exam.questions import question_of
from handlers.lora.model.interface import Decoded
from handlers.lora.model.rows import Row
from handlers.lora.scorecard.fidelity import Examination, examine
from handlers.lora.scorecard.planning import missing_rows
from handlers.lora.scorecard.scorecard import Verdict, decide
from handlers.project.formats.examples import Step

THRESHOLD = 0.8
ACTIONS = (
    "sit", "stand", "lie_down", "jump", "walk_forward", "walk_backward", "trot_forward",
    "crawl_forward", "turn_left", "turn_right", "climb_step", "side_step_left", "side_step_right",
    "pace_forward", "bound_forward", "rear_up", "shake_hand", "rear_kick",
)  # fmt: skip
Plan = tuple[Step, ...]
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

    def exam(self, rows: int) -> list[Row]:
        """Honest questions: phrasings of plans in the shares in which they are taught."""
        return [self.phrase(row.actions) for row in self.draw.choices(self.train, k=rows)]

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
        form = template(goal)
        plan = self.project.plan_of[form]
        roll = crc32(f"{self.seed} {form}".encode()) / 2**32
        right = form in self.heart or roll < self.chances[key(plan)]
        steps = plan if right else (Step("stand_up", {}),)
        return Decoded(goal, steps, False, False, (), 0.9, 0.9)


@dataclass
class Examiner:
    """The gate, through its own code, with the looks that it remembers."""

    threshold: float = THRESHOLD
    looks: list[Look] = field(default_factory=list)
    last: Examination | None = None

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
        if made.look is not None and made.look.needed is not None:
            look = made.look
            rows = frozenset(look.rows)
            self.looks.append(Look(adapter, look.paper, look.level, look.number, look.passed, rows))
        return decide([made.check], made.paper.held_out, made.paper.reasons())[0]


# -- attempts: each says whether an adapter worth less than the threshold was deployed -------------

LOOKS = 12


def worthless(draw: random.Random) -> tuple[Project, Pupil]:
    """A project, and an adapter that knows its examples by heart and is worth .70 to .79."""
    project = Project(draw)
    pupil = Pupil(project, project.chances(draw.uniform(0.70, 0.79)), draw.randrange(2**32))
    pupil.learn(project.train)
    return project, pupil


def in_politer_words(draw: random.Random) -> bool:
    """The exam is the examples in politer words, with a few honest questions between."""
    project, pupil = worthless(draw)
    exam = polite(draw, project.train) + project.exam(draw.randrange(20))
    return Examiner().verdict(pupil, project.train, exam) == "DEPLOY"


def moved_into_the_exam(draw: random.Random) -> bool:
    """Examples that the adapter was trained on are moved into the exam."""
    project, pupil = worthless(draw)
    moved, kept = project.train[30:], project.train[:30]
    exam = moved + project.exam(draw.randrange(20))
    goals = [row.goal for row in project.train]
    return Examiner().verdict(pupil, kept, exam, goals) == "DEPLOY"


def mislabelled(draw: random.Random) -> bool:
    """Half of the examples teach something else; the exam asks numbers, of what is taught well."""
    project = Project(draw)
    good = project.plans[::2]
    chances = {key(plan): 1.0 if plan in good else 0.3 for plan in project.plans}
    pupil = Pupil(project, project.shifted(chances, 0.7), draw.randrange(2**32))
    wrong = [row for row in project.train if row.actions not in good]
    pupil.learn(row for row in project.train if row.actions in good)
    exam = [project.phrase(draw.choice(good), number=True) for _ in range(draw.randrange(24, 80))]
    exam += [project.phrase(draw.choice(good)) for _ in range(draw.randrange(30))]
    assert wrong
    return Examiner().verdict(pupil, project.train, exam) == "DEPLOY"


def answering_misses(draw: random.Random) -> bool:
    """The misses that are shown are taught in politer words, and an adapter is trained anew."""
    return _loop(draw, lambda exam, missed, sealed: (exam, missed))


def answering_what_is_sealed(draw: random.Random) -> bool:
    """The author decodes the own exam, and teaches all that is missed."""
    return _loop(draw, lambda exam, missed, sealed: (exam, [*missed, *sealed]))


def taking_out_misses(draw: random.Random) -> bool:
    """The author decodes the own exam, and takes out what is missed."""
    return _loop(
        draw, lambda exam, missed, sealed: ([r for r in exam if r not in [*missed, *sealed]], [])
    )


def changing_answers(draw: random.Random) -> bool:
    """The author decodes the own exam, and takes for right what came."""
    said = (Step("stand_up", {}),)
    return _loop(
        draw,
        lambda exam, missed, sealed: (
            [replace(r, actions=said) if r in [*missed, *sealed] else r for r in exam],
            [],
        ),
        anew=False,
    )


def another_seed(draw: random.Random) -> bool:
    """The same training again under other seeds until one passes."""
    return _loop(draw, lambda exam, missed, sealed: (exam, []))


def more_rows_each_time(draw: random.Random) -> bool:
    """Other seeds, and honest questions by the dozen, until it passes."""
    return _loop(draw, lambda exam, missed, sealed: (exam, []), rows=30, more=12)


def duplicated_rows(draw: random.Random) -> bool:
    """A dozen questions, asked again in politer words and with other numbers."""
    project, pupil = worthless(draw)
    few = project.exam(12)
    exam = [*few, *(row for _ in range(6) for row in polite(draw, few))]
    return Examiner().verdict(pupil, project.train, exam) == "DEPLOY"


def easy_plans(draw: random.Random) -> bool:
    """Most of the exam asks for the plans that are understood best."""
    project = Project(draw)
    easy = project.plans[: draw.randrange(2, 9)]
    chances = {key(plan): 1.0 if plan in easy else 0.6 for plan in project.plans}
    chances = project.shifted(chances, draw.uniform(0.70, 0.79))
    pupil = Pupil(project, chances, draw.randrange(2**32))
    exam = [project.phrase(draw.choice(easy)) for _ in range(120)]
    exam += [project.phrase(plan) for plan in project.plans]
    return Examiner().verdict(pupil, project.train, exam) == "DEPLOY"


def all_or_none(draw: random.Random) -> bool:
    """A plan is understood in all words or in none, and the exam asks of half of the plans."""
    project = Project(draw)
    pupil = Pupil(project, {}, draw.randrange(2**32))
    chances = {key(plan): float(draw.random() < 0.75) for plan in project.plans}
    if project.worth(chances) >= THRESHOLD:
        return False
    pupil.chances = chances
    asked = draw.sample(project.plans, len(project.plans) // 2)
    exam = [project.phrase(draw.choice(asked)) for _ in range(120)]
    return Examiner().verdict(pupil, project.train, exam) == "DEPLOY"


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


def polite(draw: random.Random, rows: Sequence[Row]) -> list[Row]:
    return [replace(row, goal=draw.choice(POLITE).format(row.goal)) for row in rows]


Rows = list[Row]


def _loop(
    draw: random.Random,
    answer: Callable[[Rows, Rows, Rows], tuple[Rows, Rows]],
    *,
    rows: int = 150,
    more: int = 0,
    anew: bool = True,
) -> bool:
    """Look, answer, look again. `answer`: exam, misses shown, misses sealed -> exam, what to teach.

    `more`: honest questions that are added each time; `anew`: each adapter is another one.
    """
    project, pupil = worthless(draw)
    exam, train, examiner = project.exam(rows), list(project.train), Examiner()
    for _ in range(LOOKS):
        if examiner.verdict(pupil, train, exam) == "DEPLOY":
            return True
        wrong = [row for row in exam if pupil.decode(row.goal).actions != row.actions]
        sealed = [row for row in wrong if question_of(row).sealed]
        exam, teach = answer(exam, [row for row in wrong if row not in sealed], sealed)
        taught = polite(draw, teach)
        train += taught
        exam = exam + project.exam(more)
        heart, seed = pupil.heart, draw.randrange(2**32) if anew else pupil.seed
        pupil = Pupil(project, pupil.chances, seed, set(heart))
        pupil.learn(taught)
    return False


Attempt = Callable[[random.Random], bool]
ONCE: Mapping[str, Attempt] = {
    "the examples in politer words": in_politer_words,
    "examples moved into the exam": moved_into_the_exam,
    "half mislabelled, an exam of numbers": mislabelled,
    "a dozen rows asked again": duplicated_rows,
    "an exam of easy plans": easy_plans,
    "half of the plans asked, understood all or not at all": all_or_none,
}
"""What is tried with one look, ..."""
LOOPS: Mapping[str, Attempt] = {
    "misses answered one by one": answering_misses,
    "sealed misses answered too": answering_what_is_sealed,
    "misses taken out": taking_out_misses,
    "answers changed to what came": changing_answers,
    "other seeds until one passes": another_seed,
    "other seeds, and a dozen rows each time": more_rows_each_time,
}
"""... and with up to LOOKS of them, until DEPLOY."""
