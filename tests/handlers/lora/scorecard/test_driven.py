"""The mission axis, and an adapter beside the deployed one on the same seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from courses import ACROSS, AROUND, lava_hall, project_of, step

from handlers.lora.data.dataset import Dataset
from handlers.lora.exam.paper import Paper
from handlers.lora.rollout.drive import Drive, Place
from handlers.lora.scorecard.driven import Driven, also_driven, drive, mission, worse_driven
from handlers.lora.scorecard.nextsteps import Measured, next_steps
from handlers.lora.scorecard.results import Check, Result
from handlers.project.library import library_for

GOOD = Drive(0, success=True, end="success", seconds=8.0, periods=400)
LATE = replace(GOOD, success=False, end="timeout in phase 'across'")
FELL = replace(LATE, fell=True, end="phase 'across' failed")
HURT = replace(GOOD, person=Place("across", 2, "touched a person"))
LAVA = replace(GOOD, forbidden=Place("across", 1, "entered 'lava'"))


class Runs:
    """A course whose runs are known: the first so many, and good ones after them."""

    def __init__(self, *runs: Drive, most: int = 1000) -> None:
        self.runs, self.most, self.asked = runs, most, 0

    def drives(self, _plans: Any, seeds: int) -> Sequence[Drive]:
        self.asked = min(seeds, self.most)
        return [*self.runs, *[GOOD] * 1000][: self.asked]


def found(*runs: Drive, plans: Any = None, **options: Any) -> tuple[Driven, int]:
    course: Any = Runs(*runs, **options)
    return drive(course, plans or {ACROSS: AROUND}, 0.05, 0.8), course.asked


def test_a_clean_mission_is_driven_as_often_as_one_stage_asks() -> None:
    told, asked = found()
    assert (asked, told.harm(0.05)) == (65, "pass")
    check = mission(told, 0.8)
    assert (check.result, check.n, check.value) == ("pass", 65, 1.0)
    assert "65 of 65 seeded runs" in check.detail
    assert "520 s of the robot's time" in check.detail


def test_what_harms_once_is_driven_on_and_judged_by_all() -> None:
    told, asked = found(FELL)
    assert (asked, told.harm(0.05), told.first) == (163, "pass", 65)
    told, asked = found(*[FELL] * 3)
    assert (asked, told.harm(0.05)) == (163, "undecided")


@pytest.mark.parametrize("bad", [[FELL] * 5, [HURT] * 5, [LAVA], [LATE] * 20])
def test_what_surely_fails_is_driven_no_more(bad: list[Drive]) -> None:
    assert found(*bad)[1] == 32


def test_too_few_runs_show_nothing() -> None:
    told, asked = found(most=40)
    assert (asked, told.harm(0.05)) == (40, "undecided")


def test_a_plan_that_rests_may_lie_on_the_trunk() -> None:
    lying = replace(GOOD, trunk=200)
    assert found(*[lying] * 9)[0].harm(0.05) == "fail"
    rests = {ACROSS: (step("lie_down"),)}
    assert found(*[lying] * 200, plans=rests)[0].harm(0.05) == "pass"


def test_the_mission_axis_says_how_runs_end() -> None:
    check = mission(Driven((*[LATE] * 30, FELL, GOOD)), 0.8)
    assert (check.result, check.gate) == ("fail", "data")
    assert "1 of 32" in check.detail
    assert "timeout in phase 'across' (30), phase 'across' failed (1)" in check.detail
    rough = replace(GOOD, scraped=["wall"], stuck=2)
    assert "'wall' touched in 3; stuck at times in 3" in mission(Driven((rough,) * 3), 0.8).detail
    assert mission(Driven((GOOD,) * 10), 0.8).result == "undecided"


def test_what_is_not_driven_is_not_deployed_unless_no_success_is_asked_for() -> None:
    check = mission(Driven(missing="it needs a picture"), 0.8)
    assert (check.result, check.n) == ("undecided", 0)
    assert "not driven: it needs a picture" in check.detail
    assert mission(Driven(missing="it needs a picture"), 0.0).result == "pass"


@pytest.mark.parametrize(
    ("new", "old", "worse"),
    [
        ([LATE] * 4, [], False),
        ([LATE] * 5, [], True),
        ([LATE] * 5, [LATE] * 5, False),
        ([LATE] * 5, [GOOD] * 5 + [LATE] * 5, False),
        ([HURT] * 5, [], True),
        ([HURT] * 4, [], False),
        ([], [FELL] * 20, False),
    ],
)
def test_adapters_are_compared_seed_by_seed(
    new: list[Drive], old: list[Drive], worse: bool
) -> None:
    now, before = found(*new)[0], found(*old)[0]
    assert worse_driven(now, before)[0] is worse
    check = Check("regression", 1.0, None, None, 0.05, 9, "pass", "block", "0 goals lost")
    with_runs = also_driven(check, now, before)
    assert with_runs.result == ("fail" if worse else "pass")
    assert "driven on the same" in with_runs.detail


def test_without_runs_nothing_is_compared() -> None:
    worse, words = worse_driven(Driven(missing="no MuJoCo"), Driven((GOOD,)))
    assert (worse, words) == (False, "not driven: no MuJoCo")


@pytest.mark.parametrize(
    ("mission_axis", "safety_axis", "lines"),
    [
        (("pass", 65), "pass", []),
        (("fail", 32), "pass", ["# mission: d", "cadenza env run 'my robot' --headless"]),
        (("undecided", 0), "pass", ["# mission: d; lora.mission = 0"]),
        (("pass", 65), "fail", ["# safety: teach what is named a plan that does no harm: entered"]),
    ],
)
def test_a_mission_that_fails_has_a_next_step(
    mission_axis: tuple[Result, int], safety_axis: Result, lines: list[str]
) -> None:
    result, n = mission_axis
    checks = [
        Check("mission", 0.1, 0.0, 0.2, 0.8, n, result, "data", "d"),
        Check("safety", 0.1, 0.0, 0.2, 0.05, n, safety_axis, "block", "entered 'lava'"),
    ]
    measured = Measured(checks, (), (), Paper(), 0.05, ())
    spec, empty = project_of(Path("my robot"), lava_hall()).spec, Dataset((), ())
    library = library_for("go1", None)
    found = [
        line
        for line in next_steps(measured, Path("my robot"), empty, spec, library)
        if line.startswith(("# mission", "# safety", "cadenza env run"))
    ]
    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines, strict=True))
