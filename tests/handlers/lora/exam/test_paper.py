"""Which rows of an exam count for an adapter, in which part, and why others do not."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handlers.lora.data.dataset import Dataset
from handlers.lora.exam.duplicates import CEILING, FLOOR, USUAL, Taught, calibrated
from handlers.lora.exam.looks import Look
from handlers.lora.exam.paper import Paper, set_paper
from handlers.lora.exam.questions import Mark, Question, question_of
from handlers.lora.exam.shares import UNTAUGHT, Stock, shares_of, weigh
from handlers.lora.model.interface import Decoded
from handlers.lora.model.rows import Row
from handlers.lora.scorecard.fidelity import examine
from handlers.project.formats.examples import Step

WORDS = ["bado", "gipu", "kova", "zeba", "dogi", "pake", "vobu", "giza", "kudo", "pivo", "zugo",
         "bepi", "daka", "gova", "kizu", "pobe", "vudi", "zapo", "bugi", "deko"]  # fmt: skip


def row(goal: str, *actions: str, where: str = "", image: str | None = None) -> Row:
    steps = tuple(Step(name, {}) for name in actions or ("sit",))
    return Row(goal, steps, "pattern", where or goal, image_sha256=image)


def taught(*rows: Row) -> Taught:
    return Taught(rows)


def look(*rows: Row, passed: bool = False, **more: Any) -> Look:
    return Look("an adapter", "a paper", 0.01, 1, passed, stood(*rows), **more)


def stood(*rows: Row) -> dict[str, Mark]:
    return {question_of(item).digest: question_of(item).mark for item in rows}


def parts(paper: Paper) -> tuple[set[str], set[str]]:
    return {q.row.goal for q in paper.practice}, {q.row.goal for q in paper.sealed}


ROWS = [row(f"{word} it") for word in WORDS]
SEALED = [item for item in ROWS if question_of(item).sealed]
OPEN = [item for item in ROWS if not question_of(item).sealed]

# -- questions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("sit down", "Could you sit down, please", True),
        ("walk 2 meters", "walk three metres", True),
        ("walk ahead, 2 m", "walk ahead 3 m", True),
        ("sit down", "take a seat", False),
        ("walk 2 meters", "walk 2 seconds", False),
        ("turn left", "turn right", False),
    ],
)
def test_rows_that_differ_in_politeness_and_numbers_are_one_question(
    one: str, other: str, same: bool
) -> None:
    assert (question_of(row(one)).cluster == question_of(row(other)).cluster) is same


def test_the_same_words_with_another_picture_are_another_question() -> None:
    one, other = (question_of(row("do it", image=name)) for name in ("a", "b"))
    assert one.cluster != other.cluster
    assert one.digest != other.digest


@pytest.mark.parametrize(
    ("goal", "actions", "kind"),
    [
        ("sit down", ["sit"], "words"),
        ("enter the rubble", ["walk_forward", "crawl_forward"], "words"),
        ("walk 2 meters", ["walk_forward"], "numbers"),
        ("jump twice", ["jump"], "numbers"),
        ("sit, then stand", ["sit", "stand"], "compositions"),
        ("sit after you walk 2 meters", ["walk_forward", "sit"], "compositions"),
    ],
)
def test_a_question_is_of_a_kind(goal: str, actions: list[str], kind: str) -> None:
    assert question_of(row(goal, *actions)).kind == kind


def test_about_three_of_four_are_sealed_and_stay_so_when_rows_are_added() -> None:
    many = [row(f"{a} {b}") for a in WORDS for b in WORDS]
    sealed = [question_of(item).sealed for item in many]
    assert 0.68 < sum(sealed) / len(sealed) < 0.82
    before = parts(set_paper(Dataset((), tuple(ROWS))))
    after = parts(set_paper(Dataset((), (*many, *ROWS))))
    assert before[0] <= after[0]
    assert before[1] <= after[1]


# -- what is too near ------------------------------------------------------------------------------


def test_a_question_that_an_example_says_does_not_count_and_names_it() -> None:
    exam = (row("please sit down now", where="e:1"), row("walk 3 m", "walk_forward", where="e:2"),
            row("take a seat", where="e:3"))  # fmt: skip
    train = (row("sit down", where="t:1"), row("walk 2 meters", "walk_forward", where="t:2"))
    paper = set_paper(Dataset(train, exam))
    assert paper.left_out == (
        ("e:1", "says the same as t:1"),
        ("e:2", "differs from t:2 in numbers alone"),
    )
    assert {q.row.where for q in (*paper.practice, *paper.sealed)} == {"e:3"}


def test_an_exam_that_contradicts_an_example_allows_no_deploy() -> None:
    paper = set_paper(Dataset((row("sit down", where="t:1"),), (row("please sit down", "stand"),)))
    assert not paper.held_out
    assert "gives the same goal other steps" in paper.reasons()[0]


def test_rows_of_one_question_count_once() -> None:
    exam = (row("walk 2 m", where="e:1"), row("walk 3 m", where="e:2"), row("sit", where="e:3"))
    paper = set_paper(Dataset((), exam))
    assert len(paper.practice) + len(paper.sealed) == 2
    ((where, why),) = paper.left_out
    assert {where, why.split()[4].strip(",")} == {"e:1", "e:2"}


def vectors(table: Mapping[str, list[float]]):
    return lambda texts: np.array([table.get(text, [0.0, 0.0, 1.0]) for text in texts])


def test_what_is_nearer_than_examples_are_to_each_other_does_not_count() -> None:
    table = {"sit down": [0.62, 0.7846, 0.0], "bado zeba": [0.6, 0.8, 0.0], "kova": [0.0, 1.0, 0.0]}
    exam = (row("bado zeba", where="e:1"), row("kova", where="e:2"))
    train = (row("sit down", where="t:1"),)
    paper = set_paper(Dataset(train, exam), vectors=vectors(table))
    assert paper.left_out == (("e:1", "is all but t:1 (cosine 1.00, over 0.95)"),)
    # but with other steps it is another question, however near: "left" and "right" are
    other = (row("bado zeba", "stand", where="e:1"),)
    assert set_paper(Dataset(train, other), vectors=vectors(table)).left_out == ()


def test_the_bound_is_that_of_the_examples_themselves() -> None:
    known = [question_of(item) for item in ROWS]
    # all have one neighbour at a cosine of .921
    for angle, bound in ((0.4, np.cos(0.4)), (0.6, FLOOR), (0.01, CEILING)):
        apart = np.zeros((20, 20))
        apart[np.arange(20), np.arange(20) // 2 * 2] = np.tile([np.cos(angle), 1], 10)
        apart[np.arange(0, 20, 2), np.arange(1, 20, 2)] = np.sin(angle)
        assert calibrated(apart, known) == pytest.approx(bound)
    assert calibrated(np.ones((len(known), 2)) / 2**0.5, known) == CEILING
    assert calibrated(np.ones((5, 2)), known[:5]) == USUAL


# -- what stood in the exam before -----------------------------------------------------------------

SCORED = pytest.mark.parametrize("taken", [True, False], ids=["asked", "not asked"])
"""Whether the sealed part was asked when it stood there, or a scoring told but how large it is."""


@SCORED
def test_a_sealed_row_that_stood_and_is_taught_counts_as_wrong(taken: bool) -> None:
    burnt = SEALED[0]
    train = (row(f"please {burnt.goal}", where="t:1"),)
    # given it never stood there, it merely does not count
    fresh = set_paper(Dataset(train, tuple(ROWS)))
    assert (fresh.wrong, [where for where, _ in fresh.left_out]) == (0, [burnt.goal])
    # and when it did, it is wrong, and named
    paper = set_paper(Dataset(train, tuple(ROWS)), looks=[look(*SEALED, taken=taken)])
    assert (paper.wrong, paper.left_out) == (1, ())
    assert f"{burnt.goal}: burnt" in paper.notes()[0]
    assert "t:1" in paper.notes()[0]
    assert paper.rows == len(SEALED)
    assert paper.share([q.digest for q in paper.sealed]) == pytest.approx(1 - 1 / len(SEALED))
    # until it is taught no more
    assert set_paper(Dataset((), tuple(ROWS)), looks=[look(*SEALED, taken=taken)]).wrong == 0


@SCORED
def test_a_sealed_row_that_stood_and_is_changed_or_gone_counts_as_wrong(taken: bool) -> None:
    changed = row(SEALED[1].goal, "stand", where="e:1")
    exam = (*OPEN, changed, *SEALED[2:])
    before = look(*SEALED, taken=taken)
    paper = set_paper(Dataset((), exam), looks=[before])
    assert (paper.gone, paper.wrong, len(paper.sealed)) == (2, 2, len(SEALED) - 2)
    # it and what takes its place are named
    notes = paper.notes()
    assert "e:1: does not count: takes the place of a row that stood in the exam before" in notes[0]
    assert "2 sealed rows of the exam that adapters were scored with before" in notes[1]
    # put back they count again, and no look is counted that was not taken
    paper = set_paper(Dataset((), tuple(ROWS)), looks=[before])
    assert (paper.wrong, paper.notes(), len(paper.earlier)) == (0, [], int(taken))
    # an exam of new rows alone begins anew
    new = tuple(row(f"{item.goal} again and") for item in ROWS)
    paper = set_paper(Dataset((), new), looks=[before])
    assert (paper.wrong, paper.earlier) == (0, ())


def test_rows_that_are_added_between_scorings_are_questions_like_any() -> None:
    looks = [look(*SEALED[:5], taken=False), look(*SEALED[:9], taken=False)]
    paper = set_paper(Dataset((), tuple(ROWS)), looks=looks)
    assert (paper.wrong, len(paper.sealed), paper.notes()) == (0, len(SEALED), [])


def test_a_question_is_asked_as_it_stood_when_its_numbers_are_added_to() -> None:
    words = next(word for word in WORDS if question_of(row(f"{word} 1 m")).sealed)
    first, *others = (row(f"{words} {number} m", where=f"e:{number}") for number in range(1, 9))
    assert min(question_of(item).digest for item in others) < question_of(first).digest
    (asked,) = set_paper(Dataset((), (first, *others)), looks=[look(first)]).sealed
    assert asked.row.where == "e:1"
    # and where it has gone, none of them is
    paper = set_paper(Dataset((), (*others, SEALED[0])), looks=[look(first, SEALED[0])])
    assert [item.row for item in paper.sealed] == [SEALED[0]]
    assert paper.wrong == 1


@SCORED
def test_a_copy_of_the_project_without_what_was_missed_is_known_for_what_it_is(taken: bool) -> None:
    there = look(*SEALED, taken=taken, elsewhere="/robots/one")
    paper = set_paper(Dataset((), tuple(SEALED[3:])), looks=[there])
    assert (paper.wrong, len(paper.earlier)) == (3, int(taken))
    # and so is one that teaches it
    train = (row(f"please {SEALED[0].goal}"),)
    assert set_paper(Dataset(train, tuple(ROWS)), looks=[there]).wrong == 1


def test_a_robot_whose_sister_passed_the_same_exam_has_a_first_look_of_its_own() -> None:
    passed, missed = (look(*SEALED, passed=it, elsewhere="/robots/one") for it in (True, False))
    exam = Dataset((), tuple(ROWS))
    assert set_paper(exam, looks=[passed]).earlier == ()
    # but not one that tries again what did not pass, and what was known there is known
    assert set_paper(exam, looks=[missed]).earlier == (missed,)
    assert set_paper(Dataset((), tuple(SEALED[3:])), looks=[passed]).wrong == 3


def test_what_another_project_added_to_a_shared_exam_is_no_matter_of_this_one() -> None:
    shared, theirs, ours = SEALED[:6], SEALED[6:9], SEALED[9:12]
    looks = [
        look(*shared, elsewhere="/robots/one", taken=False),
        look(*shared, *theirs, elsewhere="/robots/one"),
        look(*shared, *ours, taken=False),
    ]
    paper = set_paper(Dataset((), (*shared, *ours)), looks=looks)
    assert (paper.wrong, len(paper.earlier)) == (0, 1)
    # but a part of what was added there is chosen from it
    assert set_paper(Dataset((), (*shared, theirs[0])), looks=looks[:2]).wrong == 2


def test_of_a_sample_that_was_scored_elsewhere_a_few_rows_may_stay() -> None:
    # given a project that began with the rows of another, and has its own questions beside a few
    own = [row(f"{item.goal} again and", where=f"own:{at}") for at, item in enumerate(ROWS)]
    there = look(*SEALED, elsewhere="/robots/one")
    few = SEALED[: len(SEALED) // 2 - 1]
    paper = set_paper(Dataset((), (*few, *own)), looks=[there])
    # then these do not count, which is said, and it is an exam of new rows
    assert (paper.wrong, paper.earlier) == (0, ())
    assert {where for where, _ in paper.left_out} == {item.where for item in few}
    assert "left over from the exam of /robots/one" in paper.left_out[0][1]
    assert len(paper.sealed) == sum(question_of(item).sealed for item in own)
    # and so it stays when it was scored itself, and when the other's exam grows
    mine = look(*(item.row for item in paper.sealed))
    more = look(*SEALED, row("kova kova"), elsewhere="/robots/one")
    again = set_paper(Dataset((), (*few, *own)), looks=[there, mine, more])
    assert (again.wrong, again.left_out, len(again.earlier)) == (0, paper.left_out, 1)


def test_rows_that_another_version_read_otherwise_are_known_by_how_they_are_written() -> None:
    # given a log whose digests no row has now, of an exam of which one row was taken out since
    old = {f"as it was {at}": question_of(item).mark for at, item in enumerate(SEALED)}
    paper = set_paper(Dataset((), tuple(SEALED[1:])), looks=[Look("a", "p", 0.01, 1, False, old)])
    assert (paper.wrong, len(paper.earlier), len(paper.sealed)) == (1, 1, len(SEALED) - 1)


def test_a_log_that_does_not_know_the_words_of_its_rows_counts_them_all_the_same() -> None:
    old = Look("a", "p", 0.01, 1, False, dict.fromkeys(stood(*SEALED), Mark()))
    exam = (row(SEALED[0].goal, "stand"), *SEALED[1:])
    paper = set_paper(Dataset((), exam), looks=[old])
    assert (paper.wrong, len(paper.sealed)) == (1, len(SEALED))


def test_an_open_row_may_be_taught_and_is_no_exam_then() -> None:
    train = tuple(row(f"please {item.goal}") for item in OPEN)
    paper = set_paper(Dataset(train, tuple(ROWS)), looks=[look(*SEALED)])
    assert (paper.practice, paper.wrong) == ((), 0)
    assert len(paper.left_out) == len(OPEN)


# -- weights ---------------------------------------------------------------------------------------


def test_equal_shares_leave_rows_as_they_are() -> None:
    questions = [question_of(item) for item in ROWS]
    for shares in ({}, shares_of(ROWS)):
        weights = weigh(questions, shares)
        assert weights.rows == pytest.approx(len(ROWS))
        assert set(np.round(list(weights.of.values()), 9)) == {round(1 / len(ROWS), 9)}


def test_each_stratum_weighs_what_is_taught_of_it() -> None:
    train = [row("a b c"), row("c d e"), row("e f g", "stand"), row("g h k", "stand")]
    questions = [question_of(item) for item in ROWS[:9]]
    questions.append(question_of(row("bado bado", "stand")))
    weights = weigh(questions, shares_of(train))
    assert weights.of[questions[-1].digest] == pytest.approx(0.5)
    assert sum(weights.of.values()) == pytest.approx(1)
    assert weights.rows == pytest.approx(1 / (0.25 + 9 * (0.5 / 9) ** 2))


def test_phrasings_of_a_few_plans_out_of_many_count_for_little_more_than_the_plans() -> None:
    train = [row(f"{a} {b}", b) for a in WORDS[:2] for b in WORDS]
    questions = [question_of(row(f"{a} {a} {b}", b)) for a in WORDS for b in WORDS[:2]]
    assert len(questions) == 40
    assert weigh(questions, shares_of(train)).rows < 2.3
    # and of all plans, for what they are
    questions = [question_of(row(f"{a} {a} {b}", b)) for a in WORDS[:2] for b in WORDS]
    assert weigh(questions, shares_of(train)).rows == pytest.approx(40)


@pytest.mark.parametrize("before", [0, 30])
def test_what_further_rows_will_be_worth_is_known_before(before: int) -> None:
    # given what is taught in unequal shares, and rows of the exam that ask for one half of it
    names = ["sit", "stand", "jump", "lie_down", "rear_up", "shake_hand", "rear_kick", "stand_up"]
    train = [row(f"{word} {name} it", name) for at, name in enumerate(names) for word in WORDS[at:]]
    shares = shares_of(train)
    draw = random.Random(before)

    def asked(kind: str, number: int) -> Question:
        one, other = divmod(number, len(WORDS))
        return question_of(row(f"{WORDS[one]} {WORDS[other]} {kind}", kind))

    first = [asked(names[number % 4], number) for number in range(before)]
    # when sixty more come as chance has it, again and again
    inverses = []
    for _ in range(200):
        kinds = draw.choices([item.shape[0] for item in train], k=60)
        new = [asked(kind, 100 + number) for number, kind in enumerate(kinds)]
        inverses.append(1 / weigh([*first, *new], shares).rows)
    # then on average they are worth what was foretold
    stock = Stock(shares, Counter(item.stratum for item in first))
    assert stock.worth(60) == pytest.approx(200 / sum(inverses), rel=0.03)
    assert stock.worth(60) < before + 60


def test_a_row_that_is_gone_weighs_what_it_did_when_it_was_asked() -> None:
    # given a plan that is half of what is taught, and asked by two rows out of ten
    train = [row("a b c"), row("c d e", "stand")]
    rare = [row(f"{item.goal} x", "stand") for item in ROWS]
    rare = [item for item in rare if question_of(item).sealed][:2]
    exam = [*SEALED[:8], *rare]
    assert len({question_of(item).cluster for item in exam}) == 10
    whole = set_paper(Dataset(tuple(train), tuple(exam)))
    assert whole.weights.of[question_of(rare[0]).digest] == pytest.approx(0.25)
    # when one of the two is taken out, then a quarter of the exam is wrong
    paper = set_paper(Dataset(tuple(train), tuple(exam[:-1])), looks=[look(*exam)])
    assert paper.share([item.digest for item in paper.sealed]) == pytest.approx(0.75)
    assert (paper.rows, paper.lost) == (pytest.approx(whole.rows), pytest.approx(whole.rows / 4))
    # nor does it help to take out both: the plan is taught
    paper = set_paper(Dataset(tuple(train), tuple(exam[:-2])), looks=[look(*exam)])
    assert paper.share([item.digest for item in paper.sealed]) == pytest.approx(0.5)


def test_what_is_not_taught_as_such_weighs_a_quarter_at_most() -> None:
    questions = [question_of(item) for item in (row("bado"), *(row(w, "jump") for w in WORDS[1:]))]
    weights = weigh(questions, shares_of([row("sit down")]))
    assert weights.of[questions[0].digest] == pytest.approx(1 - UNTAUGHT)


def test_no_look_is_spent_while_something_taught_is_not_asked_for() -> None:
    # given a pupil that knows all, and an exam that never asks what "jump" is
    names = ["sit", "stand", "lie_down", "rear_up", "shake_hand", "rear_kick"]
    known = [row(f"{word} {name}", name) for name in names for word in WORDS[:5]]
    asked = [row(f"{word} it {name}", name) for name in names for word in WORDS]

    class Knows:
        def decode(self, goal: str, image: Path | None = None) -> Decoded:
            return Decoded(goal, (Step(goal.split()[-1], {}),), False, False, (), 1.0, 1.0)

    made = examine(Knows(), Dataset((*known, row("zugo up", "jump")), tuple(asked)), 0.8)
    # then nothing is told of the sealed part, since no answer could lead to DEPLOY
    assert made.look is not None
    assert (made.look.needed, made.sealed.passed) == (None, False)
    assert "not asked, as the exam allows no DEPLOY as it stands: no look 1" in made.check.detail
    # and when it does, the look is the first
    whole = examine(Knows(), Dataset(tuple(known), tuple(asked)), 0.8)
    assert (whole.sealed.number, whole.sealed.passed) == (1, True)


def test_what_is_taught_and_not_asked_for_is_named() -> None:
    train = (
        row("sit down"),
        row("walk 2 m", "walk_forward"),
        row("sit then stand", "sit", "stand"),
    )
    exam = tuple(SEALED)
    paper = set_paper(Dataset(train, exam))
    (reason,) = paper.reasons()
    assert reason == (
        "taught, and asked for by no exam row: numbers (1 taught), compositions (1 taught),"
        " walk_forward (1 taught), stand (1 taught)"
    )
    assert set_paper(Dataset((row("sit down"),), exam)).reasons() == []
