"""Ways to a DEPLOY that an adapter is not worth, tried with simulated ones (pupils.py).

Each attempt says whether an adapter worth less than the threshold was deployed. Authors know their
own exam: they may decode its sealed goals by hand, and answer what they find.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pupils import JOINT, THRESHOLD, WRONG, Examiner, Plan, Project, Pupil, key, worthless

from handlers.goals.normal import template
from handlers.lora.exam.questions import question_of
from handlers.lora.model.rows import Row

LOOKS = 12
POLITE = ("please {}", "could you {} now", "{} please", "now {}")
Rows = list[Row]
Attempt = Callable[[random.Random], bool]


def polite(draw: random.Random, rows: Sequence[Row]) -> Rows:
    return [replace(row, goal=draw.choice(POLITE).format(row.goal)) for row in rows]


# -- at one look -----------------------------------------------------------------------------------


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
    pupil.learn(row for row in project.train if row.actions in good)
    exam = [project.phrase(draw.choice(good), number=True) for _ in range(draw.randrange(24, 80))]
    exam += [project.phrase(draw.choice(good)) for _ in range(draw.randrange(30))]
    return Examiner().verdict(pupil, project.train, exam) == "DEPLOY"


def duplicated_rows(draw: random.Random) -> bool:
    """A dozen questions, asked again in politer words and with other numbers."""
    project, pupil = worthless(draw)
    few = project.exam(12)
    exam = [*few, *(row for _ in range(6) for row in polite(draw, few))]
    return Examiner().verdict(pupil, project.train, exam) == "DEPLOY"


SLIPS: Sequence[Callable[[str, int], str]] = (
    lambda word, at: word[:at] + word[at + 1 :],
    lambda word, at: word[:at] + word[at] + word[at:],
    lambda word, at: word[:at] + word[at + 1] + word[at] + word[at + 2 :],
)
PUT_ON = ("rover", "good dog", "as told", "right away", "for the team", "like yesterday")


class Reader(Pupil):
    """An adapter that gets a question right or wrong in whatever letters it is asked."""

    def __init__(self, pupil: Pupil, project: Project) -> None:
        super().__init__(project, pupil.chances, pupil.seed, pupil.heart)
        self.first: dict[str, str] = {}

    def varied(self, draw: random.Random, rows: Sequence[Row], times: int, slips: bool) -> Rows:
        """Rows, and each some times more: a slip in it, or words put on."""
        made = [*rows]
        for row in rows:
            for _ in range(times):
                if slips:
                    words = row.goal.split()
                    at = draw.randrange(len(words))
                    words[at] = draw.choice(SLIPS)(words[at], draw.randrange(1, len(words[at]) - 2))
                    goal = " ".join(words)
                else:
                    goal = f"{row.goal} {draw.choice(PUT_ON)} {draw.choice(PUT_ON)}"
                self.first[template(goal)] = template(row.goal)
                made.append(replace(row, goal=goal))
        return made

    def _plan(self, goal: str) -> Plan:
        form = template(goal)
        return super()._plan(self.first.get(form, form))


def wordy(project: Project, count: int) -> Rows:
    """Honest questions of three words each."""
    made = []
    for row in project.exam(count):
        more = [project.phrase(row.actions).goal for _ in range(2)]
        made.append(replace(row, goal=" ".join([row.goal, *more])))
        project.plan_of[template(made[-1].goal)] = row.actions
    return made


def varied_rows(draw: random.Random, slips: bool) -> bool:
    """A few questions, asked again with slips in them, or with words put on."""
    project, pupil = worthless(draw)
    reader = Reader(pupil, project)
    each = [row for row in wordy(project, 60) if row.actions in project.plans]
    few = list({row.actions[0].action: row for row in each}.values()) + each[:8]
    exam = reader.varied(draw, few, 10, slips)
    return Examiner().verdict(reader, project.train, exam) == "DEPLOY"


def varied_examples(draw: random.Random, slips: bool) -> bool:
    """The examples with slips in them, or with words put on."""
    project, pupil = worthless(draw)
    project.train = [*project.train, *wordy(project, 60)]
    pupil.learn(project.train)
    reader = Reader(pupil, project)
    wordy_ones = [row for row in project.train if " " in row.goal]
    exam = reader.varied(draw, wordy_ones, 3, slips)[len(wordy_ones) :]
    return Examiner().verdict(reader, project.train, exam) == "DEPLOY"


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


# -- in loops --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Turn:
    """What an author has after a scoring: the exam as it stands, the misses that practice showed,
    and those of the sealed part, found by decoding it by hand.
    """

    draw: random.Random
    project: Project
    number: int
    exam: Rows
    shown: Rows
    sealed: Rows

    @property
    def missed(self) -> Rows:
        return [*self.shown, *self.sealed]

    def without(self, rows: Rows) -> Rows:
        gone = {row.goal for row in rows}
        return [row for row in self.exam if row.goal not in gone]


Answer = Callable[[Turn], tuple[Rows, Rows]]
"""The exam as it is to be, and what to teach in politer words."""


def loop(
    draw: random.Random,
    answer: Answer,
    *,
    rows: int = 150,
    more: int = 0,
    anew: bool = True,
    numbers: bool = False,
    copied: bool = False,
    begin: Callable[[Project, Rows], Rows] = lambda _project, exam: exam,
) -> bool:
    """Score, answer, score again, up to LOOKS times.

    `more`: honest questions that are added each time; `anew`: each adapter is another one;
    `numbers`: the exam's goals have numbers; `copied`: each scoring is of a copy of the project.
    """
    project, pupil = worthless(draw)
    exam, train, examiner = (
        begin(project, project.exam(rows, numbers)),
        [*project.train],
        Examiner(),
    )
    for number in range(LOOKS):
        if examiner.verdict(pupil, train, exam) == "DEPLOY":
            return True
        wrong = [row for row in exam if pupil.decode(row.goal).actions != row.actions]
        sealed = [row for row in wrong if question_of(row).sealed]
        shown = [row for row in wrong if not question_of(row).sealed]
        exam, teach = answer(Turn(draw, project, number, exam, shown, sealed))
        taught = polite(draw, teach)
        train += taught
        exam = exam + project.exam(more, numbers)
        heart, seed = pupil.heart, draw.randrange(2**32) if anew else pupil.seed
        pupil = Pupil(project, pupil.chances, seed, set(heart))
        pupil.learn(taught)
        examiner = examiner.of_a_copy() if copied else examiner
    return False


def as_it_is(turn: Turn) -> tuple[Rows, Rows]:
    return turn.exam, []


def teach_what_is_shown(turn: Turn) -> tuple[Rows, Rows]:
    return turn.exam, turn.shown


def teach_all(turn: Turn) -> tuple[Rows, Rows]:
    return turn.exam, turn.missed


def take_out(turn: Turn) -> tuple[Rows, Rows]:
    return turn.without(turn.missed), []


def change_answers(turn: Turn) -> tuple[Rows, Rows]:
    """What came is taken for right."""
    missed = {row.goal for row in turn.missed}
    return [replace(row, actions=WRONG) if row.goal in missed else row for row in turn.exam], []


def exchange(turn: Turn) -> tuple[Rows, Rows]:
    """For each miss another question of the same plan."""
    others = [turn.project.phrase(row.actions) for row in turn.missed if row.actions != WRONG]
    return turn.without(turn.missed) + others, []


def keep_a_part(turn: Turn) -> tuple[Rows, Rows]:
    """Of what is right two rows in five, and as many new questions."""
    missed = {row.goal for row in turn.missed}
    right = [row for row in turn.exam if row.goal not in missed]
    part = right[: len(turn.exam) * 2 // 5]
    return part + turn.project.exam(len(part)), []


def begin_anew(turn: Turn) -> tuple[Rows, Rows]:
    """The exam is thrown away, and another one written."""
    return turn.project.exam(150), []


def take_out_by_guess(turn: Turn) -> tuple[Rows, Rows]:
    """Nothing is decoded: of the plans that practice misses most, one question is left each."""
    counts = Counter(key(row.actions) for row in turn.shown)
    weak = {plan for plan, _ in counts.most_common(4)}
    left: set[object] = set()
    kept: Rows = []
    for row in turn.exam:
        plan = key(row.actions)
        if plan not in weak or plan not in left or not question_of(row).sealed:
            kept.append(row)
        if question_of(row).sealed:
            left.add(plan)
    return kept, []


def ask_with_other_numbers(turn: Turn) -> tuple[Rows, Rows]:
    """Beside each miss the same question with three other numbers, and what came for its answer."""
    missed = [row for row in turn.missed if row.actions != WRONG]
    others = [
        replace(row, goal=f"{row.goal.split()[0]} {turn.draw.randrange(20, 90)} m", actions=WRONG)
        for row in missed
        for _ in range(3)
    ]
    return turn.exam + others, []


def merge(turn: Turn) -> tuple[Rows, Rows]:
    """Two misses become one question, and a composition that was missed two."""
    single = [row for row in turn.sealed if JOINT not in row.goal]
    whole = [row for row in turn.sealed if JOINT in row.goal]
    merged = [
        replace(one, goal=one.goal + JOINT + other.goal, actions=one.actions + other.actions)
        for one, other in zip(single[::2], single[1::2], strict=False)
    ]
    split = [
        replace(row, goal=goal, actions=turn.project.plan_of[goal])
        for row in whole
        for goal in row.goal.split(JOINT)
        if goal in turn.project.plan_of
    ]
    return turn.without(turn.sealed) + merged + split, []


def with_compositions(project: Project, exam: Rows) -> Rows:
    """Of the exam's questions every fifth is joined to the one before."""
    made: Rows = []
    for at, row in enumerate(exam):
        if at % 5 == 4:
            last = made.pop()
            row = replace(
                last, goal=last.goal + JOINT + row.goal, actions=last.actions + row.actions
            )
        made.append(row)
    return made


def take_out_and_put_back(draw: random.Random) -> bool:
    """What is missed is taken out, and put back before the next scoring but one."""
    away: Rows = []

    def answer(turn: Turn) -> tuple[Rows, Rows]:
        nonlocal away
        if turn.number % 2:
            exam, away = turn.exam + away, []
        else:
            exam, away = turn.without(turn.missed), turn.missed
        return exam, []

    return loop(draw, answer)


def restore_older_copies(draw: random.Random) -> bool:
    """Of all the exams there were, that is taken again of which most is right, and added to."""
    copies: list[tuple[float, Rows]] = []

    def answer(turn: Turn) -> tuple[Rows, Rows]:
        share = 1 - len(turn.missed) / len(turn.exam)
        copies.append((share, turn.exam))
        return max(copies, key=lambda copy: copy[0])[1], []

    return loop(draw, answer, rows=60, more=25, anew=False)


def leave_out_a_plan(draw: random.Random) -> bool:
    """Nothing asks for one plan, so no look is taken, until nothing is missed any more."""

    def begin(project: Project, exam: Rows) -> Rows:
        return [row for row in exam if row.actions != project.plans[0]]

    def answer(turn: Turn) -> tuple[Rows, Rows]:
        exam = turn.without(turn.missed)
        if turn.number == LOOKS // 2:
            exam += [turn.project.phrase(turn.project.plans[0]) for _ in range(6)]
        return exam, []

    return loop(draw, answer, rows=250, anew=False, begin=begin)


def take_out_what_is_rare(draw: random.Random) -> bool:
    """The hard plans are asked few times each, and of these what is missed is taken out."""
    project = Project(draw)
    easy = project.plans[::2]
    chances = {key(plan): 1.0 if plan in easy else 0.6 for plan in project.plans}
    pupil = Pupil(project, project.shifted(chances, draw.uniform(0.70, 0.79)), draw.randrange(99))
    pupil.learn(project.train)
    few, many = draw.randrange(3, 10), draw.randrange(6, 25)
    exam = [project.phrase(p) for p in project.plans for _ in range(many if p in easy else few)]
    examiner = Examiner()
    for _ in range(LOOKS):
        if examiner.verdict(pupil, project.train, exam) == "DEPLOY":
            return True
        missed = [row for row in exam if pupil.decode(row.goal).actions != row.actions]
        exam = [row for row in exam if row not in missed or row.actions in easy]
        exam += [project.phrase(plan) for plan in easy for _ in range(4)]
    return False


ONCE: Mapping[str, Attempt] = {
    "the examples in politer words": in_politer_words,
    "examples moved into the exam": moved_into_the_exam,
    "half mislabelled, an exam of numbers": mislabelled,
    "a dozen rows asked again": duplicated_rows,
    "a dozen and some asked again with slips in them": partial(varied_rows, slips=True),
    "the same with words put on": partial(varied_rows, slips=False),
    "the examples with slips in them": partial(varied_examples, slips=True),
    "the examples with words put on": partial(varied_examples, slips=False),
    "an exam of easy plans": easy_plans,
    "half of the plans asked, understood all or not at all": all_or_none,
}
"""What is tried with one look, ..."""
few = partial(partial, loop, rows=40, more=20, anew=False)
LOOPS: Mapping[str, Attempt] = {
    "misses answered one by one": partial(loop, answer=teach_what_is_shown),
    "sealed misses answered too": partial(loop, answer=teach_all),
    "misses taken out": partial(loop, answer=take_out),
    "answers changed to what came": partial(loop, answer=change_answers, anew=False),
    "other seeds until one passes": partial(loop, answer=as_it_is),
    "other seeds, and a dozen rows each time": partial(loop, answer=as_it_is, rows=30, more=12),
}
"""... with up to LOOKS of them, until DEPLOY, ..."""
CHOSEN: Mapping[str, Attempt] = {
    "before the first look: misses taken out": few(answer=take_out),
    "before the first look: answers changed": few(answer=change_answers),
    "before the first look: sealed misses taught": few(answer=teach_all),
    "before the first look: misses exchanged for other questions": few(answer=exchange),
    "before the first look: a plan left out until all is right": leave_out_a_plan,
    "a large exam, its answers changed": partial(
        loop, answer=change_answers, rows=500, more=100, anew=False
    ),
    "the same adapter, misses taken out": partial(loop, answer=take_out, anew=False),
    "misses of hard plans taken out, easy ones added": take_out_what_is_rare,
    "sealed misses taken out by guess": partial(
        loop, answer=take_out_by_guess, rows=60, more=20, anew=False
    ),
    "misses asked with other numbers": partial(
        loop, answer=ask_with_other_numbers, anew=False, numbers=True
    ),
    "misses merged and split": partial(loop, answer=merge, anew=False, begin=with_compositions),
    "misses taken out and put back": take_out_and_put_back,
    "the best of all older copies restored": restore_older_copies,
    "another exam each time, other seeds": partial(loop, answer=begin_anew),
    "another exam each time, the same adapter": partial(loop, answer=begin_anew, anew=False),
    "copies of the project, other seeds": partial(loop, answer=as_it_is, copied=True),
    "copies of the project with a part of what is right": partial(
        loop, answer=keep_a_part, anew=False, copied=True
    ),
    "copies of the project without the misses": partial(
        loop, answer=take_out, anew=False, copied=True
    ),
}
"""... and by choosing rows: before the first look, in copies, by hand between two scorings."""
