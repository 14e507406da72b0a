"""What a look at the exam may err, over all looks and all that they told."""

from __future__ import annotations

import random
from contextlib import closing
from itertools import pairwise, product

import pytest
from cheats import CHOSEN, LOOPS, ONCE
from hypothesis import given
from hypothesis import strategies as st
from pupils import honest

from handlers.lora.exam.looks import Look, looks_at, related, share_of_error
from handlers.lora.exam.questions import Mark
from store.events.adapter import AdapterScored, AdapterTrained, LookFact
from store.events.envelope import NewEvent, project_stream
from store.opening import open_writer
from store.schema import connect_reader


def look(*rows: str, passed: bool = False) -> Look:
    return Look("a", "p", 0.01, 1, passed, dict.fromkeys(rows, Mark()))


def history(*passes: bool) -> list[Look]:
    return [look("x", passed=passed) for passed in passes]


def test_all_that_could_be_told_in_twelve_looks_costs_no_more_than_there_is() -> None:
    # every sequence of answers leads to an adapter of its own: all their errors are added up
    spent = sum(
        share_of_error(history(*told))
        for number in range(12)
        for told in product((False, True), repeat=number)
    )
    assert 0.5 < spent <= 1


@given(st.lists(st.booleans(), max_size=40))
def test_another_look_never_costs_less(told: list[bool]) -> None:
    shares = [share_of_error(history(*told[:at])) for at in range(len(told) + 1)]
    assert all(0 < later < earlier for earlier, later in pairwise(shares))


def test_the_first_look_may_err_half_of_all() -> None:
    assert share_of_error([]) == pytest.approx(3 / 4 * 7 / 10)
    assert share_of_error(history(*[False] * 9)) == pytest.approx(3 / 4 * 3 / 10 / 90)


def test_looks_count_together_as_far_as_they_share_rows() -> None:
    looks = [look("a", "b"), look("b", "c"), look("x"), look("c", "d")]
    assert related(frozenset("d"), looks) == [looks[0], looks[1], looks[3]]
    assert related(frozenset("xy"), looks) == [looks[2]]
    assert related(frozenset("z"), looks) == []
    assert related(frozenset(), looks) == []


def test_looks_are_read_from_the_log_and_a_repetition_is_none(tmp_path) -> None:
    project = "/robots/rescue"
    facts = [
        LookFact(adapter=adapter, paper=paper, rows=("r1", "r2"), number=1, level=0.01, sealed=20,
                 needed=needed, passed=False, practice=4, practice_right=3, questions=questions,
                 strata=("s", "s") if questions else ())
        for adapter, paper, needed, questions in [
            ("a", "p", 18, ()), ("a", "p", 18, ()), ("b", "p", 18, ("q1", "q2")),
            ("c", "q", None, ()), ("d", "q", None, ())]
    ]  # fmt: skip
    with closing(open_writer(tmp_path)) as writer:
        for fact in [None, *facts]:
            event = AdapterScored(
                version=1, verdict="NEEDS_DATA", held_out=True, checks=(), reasons=(),
                next_steps=(), scorecard="s", scorecard_sha256="0", look=fact,
            )  # fmt: skip
            writer.append(NewEvent(project_stream(project), event))
    with closing(connect_reader(tmp_path)) as history:
        found = looks_at(history, project)
    # and those at which nothing was asked are known as such, the same exam once
    assert [(item.adapter, item.taken) for item in found] == [
        ("a", True), ("b", True), ("c", False)
    ]  # fmt: skip
    assert found[0].rows == {"r1": Mark(), "r2": Mark()}  # as an older log has it
    assert found[1].rows == {"r1": Mark("q1", "s"), "r2": Mark("q2", "s")}


def test_looks_of_other_projects_in_the_log_are_known_for_theirs(tmp_path) -> None:
    fact = LookFact(adapter="a", paper="p", rows=("r",), number=1, level=0.01, sealed=20, needed=18,
                    passed=True, practice=4, practice_right=3, questions=("q",))  # fmt: skip
    with closing(open_writer(tmp_path)) as writer:
        for project in ("/robots/one", "/robots/two"):
            trained = AdapterTrained(
                version=1, path="1", sha256="s", dataset_sha256="d", base_sha256="b", rows=1,
                encoder="light", exam_rows=1, epochs=1, seed=0, threads=1,
            )  # fmt: skip
            scored = AdapterScored(
                version=1, verdict="NEEDS_DATA", held_out=True, checks=(), reasons=(),
                next_steps=(), scorecard="s", scorecard_sha256="0", look=fact,
            )  # fmt: skip
            writer.append(NewEvent(project_stream(project), trained))
            writer.append(NewEvent(project_stream(project), scored))
    with closing(connect_reader(tmp_path)) as history:
        found = looks_at(history, "/robots/two")
    assert [item.elsewhere for item in found] == ["/robots/one", ""]


# -- simulated attempts: a few of each; tests/benchmarks/bench_exam.py has thousands ---------------


@pytest.mark.parametrize("name", [*ONCE, *LOOPS])
def test_an_adapter_that_is_worth_less_is_hardly_ever_deployed(name: str) -> None:
    attempt = {**ONCE, **LOOPS}[name]
    rounds = 20 if name in ONCE else 4
    assert sum(attempt(random.Random(seed)) for seed in range(rounds)) <= 1


@pytest.mark.parametrize("name", CHOSEN)
def test_nor_where_rows_are_chosen_between_scorings(name: str) -> None:
    assert not CHOSEN[name](random.Random(1))


def test_an_honest_adapter_is_deployed() -> None:
    # with as many rows as it asks for: in four projects of five
    assert sum(honest(random.Random(seed)) for seed in range(40)) >= 26
    # and with half of them in fewer
    assert sum(honest(random.Random(seed), part=0.5) for seed in range(20)) <= 14
