"""The scorecard: what each axis says, the verdict that follows, and lines that can be pasted."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cadenzad.cli.programs import CADENZA_ENV
from handlers.lora.data.authoring import add_example, parse_steps
from handlers.lora.data.dataset import Dataset
from handlers.lora.exam.looks import share_of_error
from handlers.lora.exam.questions import question_of
from handlers.lora.model.interface import Decoded
from handlers.lora.model.rows import Row
from handlers.lora.scorecard import scorecard
from handlers.lora.scorecard.driven import Driven
from handlers.lora.scorecard.results import Check, Result, same_plan
from handlers.lora.scorecard.scorecard import (
    Scorecard,
    decide,
    score,
    scorecard_rows,
)
from handlers.lora.scorecard.simulation import Simulation
from handlers.lora.scorecard.statistics import LEVEL, fewest_rows, rows_needed
from handlers.lora.settings import LoraSettings
from handlers.project.formats.examples import Step
from handlers.project.library import library_for
from handlers.project.project import Project
from handlers.project.spec import ProjectSpec, parse_spec
from store.errors import InputError
from store.events.adapter import AxisFact

GO1 = library_for("go1", None, ["signal_found", "signal_lost"])
SIT = (Step("sit", {}),)
STAND = (Step("stand", {}),)
Plans = Mapping[str, tuple[Step, ...]]


class Fake:
    """Decodes the goals it is given, spelled in whatever way; refuses all others."""

    def __init__(self, plans: Plans, doubts: Callable[[str], bool] = lambda _goal: False) -> None:
        self.plans = {self.letters(goal): plan for goal, plan in plans.items()}
        self.doubts = doubts

    @staticmethod
    def letters(goal: str) -> str:
        words = goal.lower().split()
        return " ".join("".join(sorted(word)) if word.isalpha() else word for word in words)

    def decode(self, goal: str, image: Path | None = None) -> Decoded:
        plan = self.plans.get(self.letters(goal), ())
        return Decoded(goal, plan, not plan, self.doubts(goal), (), 0.9, 0.9)


class Unsimulated:
    """In place of MuJoCo: nothing is driven, and what it would say is told by `safe`."""

    flat = None

    def drive(self, _decoder: Fake) -> Driven:
        return Driven(missing="nothing is driven here")


class Whisperer(Fake):
    """Understands no capitals."""

    def decode(self, goal: str, image: Path | None = None) -> Decoded:
        return super().decode("?" if goal.isupper() else goal)


def walk(meters: float) -> tuple[Step, ...]:
    return (Step("walk_forward", {"distance_m": meters}),)


def plans(sealed: int, practice: int = 6) -> dict[str, tuple[Step, ...]]:
    """Goals that are no phrasing of each other, with a plan each: so many are sealed, so many open.

    The practice part comes first.
    """
    parts: dict[bool, dict[str, tuple[Step, ...]]] = {False: {}, True: {}}
    wanted = {False: practice, True: sealed}
    for at, letters in enumerate(combinations("bcdfghjklmnpqrtvwz", 3)):
        place = "".join(3 * letter for letter in letters)  # another one is no slip of the pen
        goal, plan = f"go to {place}", walk(0.1 * (at % 180 + 1))
        part = question_of(Row(goal, plan, "pattern", "")).sealed
        if len(parts[part]) < wanted[part]:
            parts[part][goal] = plan
        elif all(len(parts[one]) == wanted[one] for one in parts):
            break
    return {**parts[False], **parts[True]}


def some(wanted: Plans, start: int, end: int | None = None) -> dict[str, tuple[Step, ...]]:
    """A slice of them, in their order."""
    return dict(list(wanted.items())[start:end])


def rows(wanted: Plans, pinned: str = "") -> tuple[Row, ...]:
    return tuple(
        Row(goal, plan, "pattern", f"x:{at}", pinned=goal == pinned)
        for at, (goal, plan) in enumerate(wanted.items(), 1)
    )


def mission(
    *goals: str, won: Mapping[str, Any] | None = None, signals: tuple[str, ...] = (), **more: Any
) -> ProjectSpec:
    """A mission of phases with these goals, won by `won`, with signals."""
    phases = [
        {"name": f"p{at}", "goal_prompt": goal, "success_when": won or {"elapsed_ticks": 3}}
        for at, goal in enumerate(goals or ("walk ahead 1 meters",))
    ]
    panel = {"actions": dict.fromkeys(signals, "it is so")}
    shape = {"name": "m", "phases": phases, "control_panel": panel, **more}
    return parse_spec(json.dumps(shape).encode(), "env.json")


def signalling(*goals: str) -> ProjectSpec:
    """Phases that are won by a signal: the one plan that fulfils them is known."""
    return mission(*goals, won={"signal_emitted": "signal_found"}, signals=("signal_found",))


def check(axis: str, result: Result, gate: str = "block") -> Check:
    return Check(axis, 0.5, 0.4, 0.6, 0.5, 9, result, gate, f"{axis} is {result}")


@pytest.fixture
def safe(monkeypatch: pytest.MonkeyPatch) -> Callable[[Result], None]:
    """`safe(result)`: what the simulation is going to say; it passes unless told otherwise."""

    def says(result: Result) -> None:
        monkeypatch.setattr(scorecard, "safety", lambda *_: check("safety", result))

    monkeypatch.setattr(Simulation, "open", lambda *_: Unsimulated())
    monkeypatch.setattr(scorecard, "mission", lambda *_: check("mission", "pass", "data"))
    says("pass")
    return says


@pytest.fixture
def card(safe: Callable[[Result], None], tmp_path: Path) -> Callable[..., Scorecard]:
    """`card(decoder, exam=..., train=..., spec=..., **options)`: a scorecard of a fake decoder."""

    def made(
        decoder: Fake,
        exam: tuple[Row, ...] = (),
        train: tuple[Row, ...] = (),
        spec: ProjectSpec | None = None,
        **options: Any,
    ) -> Scorecard:
        where = {"project": tmp_path, **options}
        return score(decoder, Dataset(train, exam), spec or mission(), GO1, **where)

    return made


def axis(card: Scorecard, name: str) -> Check:
    (found,) = [check for check in card.checks if check.axis == name]
    return found


# -- verdicts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("checks", "held_out", "verdict", "reasons"),
    [
        ([check("fidelity", "pass")], True, "DEPLOY", ["every axis passes"]),
        ([check("fidelity", "pass")], False, "NEEDS_DATA", ["in-sample"]),
        ([check("fidelity", "undecided")], True, "NEEDS_DATA", ["fidelity: "]),
        ([check("fidelity", "fail")], True, "BLOCK", ["fidelity: "]),
        ([check("fidelity", "fail")], False, "BLOCK", ["fidelity: "]),
        ([check("coverage", "fail", "data")], True, "NEEDS_DATA", ["coverage: "]),
        ([check("safety", "fail"), check("coverage", "fail", "data")], True, "BLOCK",
         ["safety: ", "coverage: "]),
        # what blocks is the first reason
        ([check("fidelity", "undecided"), check("coverage", "fail", "data"),
          check("regression", "fail")], True, "BLOCK",
         ["regression: ", "fidelity: ", "coverage: "]),
        ([check("safety", "undecided"), check("stability", "undecided", "data")], False,
         "NEEDS_DATA", ["in-sample", "safety: ", "stability: "]),
    ],
)  # fmt: skip
def test_the_verdict_follows_from_the_checks(
    checks: list[Check], held_out: bool, verdict: str, reasons: list[str]
) -> None:
    said, why = decide(checks, held_out)
    assert said == verdict
    assert len(why) == len(reasons)
    assert all(one.startswith(start) for one, start in zip(why, reasons, strict=True))


def test_seventeen_sealed_questions_without_a_miss_are_deployed(
    card: Callable[..., Scorecard],
) -> None:
    made = card(Fake(plans(17)), rows(plans(17)))
    assert (made.verdict, made.held_out, made.reasons) == ("DEPLOY", True, ("every axis passes",))
    assert {check.result for check in made.checks} == {"pass"}
    assert card(Fake(plans(16)), rows(plans(16))).verdict == "NEEDS_DATA"


def test_no_look_is_spent_where_a_good_adapter_would_hardly_pass(
    card: Callable[..., Scorecard],
) -> None:
    # given an adapter that misses one question of practice, and no sealed one
    few, many = plans(30, 8), plans(70, 8)
    made = card(Fake(some(few, 1)), rows(few))
    # then of thirty questions hardly any good adapter would get as many right as it takes
    assert (made.look.needed, made.look.passed, made.verdict) == (None, False, "NEEDS_DATA")
    told = axis(made, "fidelity").detail
    assert told.startswith("sealed: not asked, as 30 rows are too few to show it: no look 1,")
    assert any("more questions are needed" in step for step in made.next_steps)
    # and of seventy most do: that is the first look
    made = card(Fake(some(many, 1)), rows(many))
    assert (made.look.number, made.look.passed) == (1, True)


def test_without_an_exam_nothing_is_ever_deployed(card: Callable[..., Scorecard]) -> None:
    made = card(Fake(plans(60)), train=rows(plans(60)))
    assert (made.verdict, made.held_out, made.look) == ("NEEDS_DATA", False, None)
    assert made.reasons[0].startswith("in-sample")
    assert "in-sample" in axis(made, "fidelity").detail
    assert any(step.endswith(" --exam") for step in made.next_steps)
    # and so many questions are asked for that the hash seals as many as the first look takes
    sealed = rows_needed(0.9, 0.8, LEVEL * share_of_error([]), weighed=True)
    fewest = fewest_rows(0.8, LEVEL * share_of_error([]))
    assert (sealed, fewest) == (125, 17)
    (line,) = (step for step in made.next_steps if step.startswith("# exam: "))
    wanted, least = map(int, re.findall(r"(\d+) (?:more|where none)", line))
    assert (wanted, least) == (ceil(sealed * 4 / 3), ceil(fewest * 4 / 3))


def test_what_is_surely_below_is_blocked(card: Callable[..., Scorecard]) -> None:
    made = card(Fake({}), rows(plans(14)))
    assert made.verdict == "BLOCK"
    assert axis(made, "fidelity").result == "fail"


def test_what_falls_is_blocked(
    card: Callable[..., Scorecard], safe: Callable[[Result], None]
) -> None:
    safe("fail")
    assert card(Fake(plans(18)), rows(plans(18))).verdict == "BLOCK"
    safe("undecided")
    assert card(Fake(plans(18)), rows(plans(18))).verdict == "NEEDS_DATA"


# -- plans -----------------------------------------------------------------------------------------


def test_a_goal_without_a_plan_is_refused_and_wrong(card: Callable[..., Scorecard]) -> None:
    (first, *_) = plans(1).values()
    (result, *_) = card(Fake({}), rows(plans(1))).per_goal
    assert (result.expected, result.got, result.ok, result.refused) == (first, (), False, True)


def step(action: str, **parameters: float) -> tuple[Step, ...]:
    return (Step(action, parameters),)


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        (walk(1.0), walk(1.05), True),
        (walk(1.0), walk(1.06), False),
        (walk(1.0), step("walk_forward"), False),
        (walk(1.0), step("trot_forward", distance_m=1.0), False),
        (walk(1.0), walk(1.0) + SIT, False),
        (SIT + STAND, STAND + SIT, False),
        (step("turn_left", rotation_rad=1.57), step("turn_left", rotation_rad=1.65), True),
        (step("turn_left", rotation_rad=1.57), step("turn_left", rotation_rad=1.67), False),
        (step("stand", duration_s=3.0), step("stand", duration_s=3.5), True),
        (step("stand", duration_s=3.0), step("stand", duration_s=3.6), False),
        (step("jump", repeat=2), step("jump", repeat=3), False),
        (step("jump", repeat=1), step("jump"), True),
        (step("jump", repeat=2), step("jump"), False),
        (step("jump", speed=1.04), step("jump"), True),
        (step("jump", speed=1.06), step("jump"), False),
        ((), (), True),
        (SIT, (), False),
    ],
)
def test_plans_are_the_same_within_tolerance(
    expected: tuple[Step, ...], got: tuple[Step, ...], same: bool
) -> None:
    assert same_plan(expected, got) is same
    assert same_plan(got, expected) is same


# -- the exam --------------------------------------------------------------------------------------


def test_what_the_adapter_was_trained_on_is_no_exam(card: Callable[..., Scorecard]) -> None:
    # given examples that were moved into the exam, of an adapter that was trained on them
    wanted = plans(30)
    made = card(Fake(wanted), rows(wanted), taught=list(wanted))
    # then they do not count, and the verdict names them
    assert (made.verdict, made.held_out, made.per_goal) == ("NEEDS_DATA", False, ())
    assert any("trained on exam goals" in why and "x:1" in why for why in made.reasons)
    assert any("lora finetune" in step for step in made.next_steps)
    # and of a part of them no DEPLOY comes either, however good the rest is
    goal = list(wanted)[-1]
    made = card(Fake(wanted), rows(wanted), taught=[f"please {goal.upper()} now"])
    assert (made.verdict, made.held_out) == ("NEEDS_DATA", True)
    assert (axis(made, "fidelity").n, axis(made, "fidelity").result) == (29, "undecided")
    # nor is a look spent on it
    assert made.look.needed is None
    assert "x:36" in made.reasons[0]


@pytest.mark.parametrize(
    ("taught", "train", "counts"),
    [
        (["Walk ahead, 2 metres!"], [], False),
        (["walk ahead 9 meters"], [], False),  # it may have been taught "2 meters" as well
        (["walk ahead 9 meters"], ["walk ahead 9 meters"], False),  # another number of known words
        (["walk ahead 2 meters"], ["stroll 9 meters"], False),
        (["walk back 2 meters"], [], True),
        ([], [], True),
    ],
)
def test_what_differs_in_politeness_and_numbers_alone_was_taught(
    taught: list[str], train: list[str], counts: bool, card: Callable[..., Scorecard]
) -> None:
    wanted = {"please walk ahead two meters": walk(2.0)}
    train_rows = rows(dict.fromkeys(train, SIT))
    made = card(Fake(wanted), rows(wanted), train_rows, spec=mission("rest"), taught=taught)
    assert made.held_out is counts


def test_an_exam_of_the_examples_in_politer_words_deploys_nothing(
    card: Callable[..., Scorecard],
) -> None:
    # given 40 examples, and an exam of "please" and each of them
    wanted = plans(34)
    polite = {f"please {goal} now": plan for goal, plan in wanted.items()}
    made = card(Fake({**wanted, **polite}), rows(polite), rows(wanted))
    assert (made.verdict, made.held_out) == ("NEEDS_DATA", False)
    assert len(made.notes) == 40
    assert "x:1: does not count: says the same as x:1" in made.notes
    # and with a look of vectors that sees no difference, other words are no exam either
    train = rows({f"{goal} xyz": plan for goal, plan in wanted.items()})
    known = Fake({**wanted, **{row.goal: row.actions for row in train}})
    same = card(known, rows(wanted), train, vectors=lambda texts: np.ones((len(texts), 1)))
    assert (same.verdict, same.held_out) == ("NEEDS_DATA", False)
    assert "(cosine 1.00, over" in same.notes[0]


def test_of_the_sealed_part_nothing_is_told_but_whether_enough_is_right(
    card: Callable[..., Scorecard],
) -> None:
    # given adapters that differ in how many sealed goals they get, and in which
    wanted = plans(40)
    sealed = list(some(wanted, 6))
    told = set()
    for missed in (sealed[:5], sealed[5:10], sealed[:20], sealed):
        known = {goal: plan for goal, plan in wanted.items() if goal not in missed}
        made = card(
            Fake(known), rows(wanted), rows({"off you go": walk(1.0)}), deployed=Fake(wanted)
        )
        shape = json.dumps(made.as_json())
        # then no sealed goal is named anywhere, and all that is said is the same
        assert not any(goal in shape for goal in sealed)
        assert [goal.ok for goal in made.per_goal] == [True] * 6
        told.add(shape)
    assert len(told) == 1
    assert "sealed: fewer than 38 of 40 right" in told.pop()


def test_an_axis_that_is_measured_on_open_goals_alone_names_no_sealed_one(
    card: Callable[..., Scorecard],
) -> None:
    wanted = plans(30)
    pinned = list(wanted)[-1]
    made = card(Fake({}), rows(wanted, pinned=pinned), deployed=Fake(wanted))
    assert pinned not in json.dumps(made.as_json())
    assert axis(made, "regression").n == 6


def test_the_missions_own_goals_are_open_and_no_exam(card: Callable[..., Scorecard]) -> None:
    wanted = plans(18)
    goal = list(wanted)[-1]
    made = card(Fake(wanted), rows(wanted), spec=mission(f"Please {goal}"))
    assert axis(made, "fidelity").n == 17
    assert "x:24: does not count: is a goal of the mission, whose plan is shown" in made.notes


class Choosy(Fake):
    """Takes no goal without an image, as an adapter that was trained with images."""

    def decode(self, goal: str, image: Path | None = None) -> Decoded:
        if image is None:
            raise InputError("this adapter was trained with images, and none is given")
        return super().decode(f"{goal} {image}", image)


def test_a_row_that_the_adapter_cannot_take_is_wrong_and_named(
    card: Callable[..., Scorecard],
) -> None:
    exam = rows(plans(2, 2))
    made = card(Choosy(plans(2, 2)), exam, deployed=Choosy(plans(2, 2)))
    assert [goal.ok for goal in made.per_goal] == [False, False]
    assert "2 could not be asked (x:1: this adapter was" in axis(made, "fidelity").detail


def test_rows_are_asked_with_their_image_and_phases_are_not_asked_then(
    card: Callable[..., Scorecard],
) -> None:
    # given the same words for 60 pictures, of which there are but two answers
    exam = tuple(
        Row("do it", SIT if at % 2 else STAND, "pattern", f"x:{at}", f"{at}.png",
            Path(f"{at}.png"), f"{at:064}")
        for at in range(60)
    )  # fmt: skip
    seen = {f"do it {row.image_path}": row.actions for row in exam}
    made = card(Choosy(seen), exam, deployed=Choosy(seen))
    assert all(goal.ok for goal in made.per_goal)
    assert len(made.per_goal) + axis(made, "fidelity").n == 60
    assert axis(made, "coverage").n == len(made.per_goal)
    assert made.verdict == "DEPLOY"


def test_a_phase_without_a_goal_is_left_out(card: Callable[..., Scorecard]) -> None:
    known = {**plans(18), "walk ahead 1 meters": SIT}
    made = card(Fake(known), rows(plans(18)), spec=mission("", "?!", "walk ahead 1 meters"))
    assert (made.verdict, axis(made, "coverage").n) == ("DEPLOY", 7)


# -- coverage and stability ------------------------------------------------------------------------


def test_coverage_counts_the_missions_goals_too(card: Callable[..., Scorecard]) -> None:
    spec = mission("do the unknown", "and another")
    found = axis(card(Fake(plans(9, 14)), rows(plans(9, 14)), spec=spec), "coverage")
    assert (found.n, found.result, found.gate) == (16, "pass", "data")
    assert found.value == pytest.approx(14 / 16)
    found = axis(card(Fake(plans(9, 2)), rows(plans(9, 2)), spec=spec), "coverage")
    assert (found.value, found.result) == (0.5, "fail")


@pytest.mark.parametrize("won", [{"see_object": {"tag": "x"}}, {"signal_emitted": True}])
def test_phases_of_looking_and_signalling_are_covered_too(
    won: dict[str, Any], card: Callable[..., Scorecard]
) -> None:
    scene = {"objects": [{"type": "marker", "tag": "x", "position": [1, 0, 0]}]}
    spec = mission("do the unknown", won=won, signals=("signal_found",), scene=scene)
    found = axis(card(Fake(plans(9, 2)), rows(plans(9, 2)), spec=spec), "coverage")
    assert found.n == 4
    assert "0 of 1 mission phases" in found.detail


def test_signals_are_covered_by_what_teaches_them(card: Callable[..., Scorecard]) -> None:
    spec = mission("walk ahead 1 meters", signals=("signal_found", "signal_lost"))
    wanted, example = plans(9, 14), rows({"say so": (Step("signal_lost", {}),)})
    known = {**wanted, "walk ahead 1 meters": walk(1.0)}
    made = card(Fake(known), rows(wanted), example, spec=spec)
    found = axis(made, "coverage")
    assert (found.n, found.value) == (17, pytest.approx(16 / 17))
    assert "1 of 2 signals" in found.detail
    assert "nothing teaches signal_found" in found.detail
    # or by a phase that is understood so
    said = {**wanted, "walk ahead 1 meters": (Step("signal_found", {}),)}
    found = axis(card(Fake(said), rows(wanted), example, spec=spec), "coverage")
    assert found.value == 1.0


def test_what_is_decoded_differently_in_capitals_needs_data(card: Callable[..., Scorecard]) -> None:
    wanted = {"turn about": SIT, **plans(18)}
    made = card(Whisperer(wanted), rows(plans(18)), rows({"turn about": SIT}))
    found = axis(made, "stability")
    assert found.value == pytest.approx(2 / 3)
    assert (found.result, made.verdict) == ("fail", "NEEDS_DATA")
    # and of the goals it is said of, those of the exam are not named
    (line,) = [step for step in made.next_steps if step.startswith("# stability: ")]
    assert line.endswith("of what is like 'turn about'")


def test_what_is_decoded_differently_after_a_reload_is_blocked(
    card: Callable[..., Scorecard],
) -> None:
    made = card(Fake(plans(18)), rows(plans(18)), reload=lambda: Fake(some(plans(18), 1)))
    assert "decodes differently" in axis(made, "stability").detail
    assert made.verdict == "BLOCK"


# -- regression ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lost", "result"), [(0, "pass"), (4, "pass"), (5, "fail")])
def test_goals_lost_against_the_deployed_adapter(
    lost: int, result: str, card: Callable[..., Scorecard]
) -> None:
    wanted = plans(18, 40)
    now = Fake(some(wanted, lost))
    made = card(now, rows(wanted), deployed=Fake(wanted))
    assert axis(made, "regression").result == result
    assert (made.verdict == "BLOCK") is (result == "fail")


def test_losses_are_weighed_against_what_was_won(card: Callable[..., Scorecard]) -> None:
    wanted = plans(18, 40)
    made = card(Fake(some(wanted, 5)), rows(wanted), deployed=Fake(some(wanted, 0, 35)))
    assert axis(made, "regression").result == "pass"
    assert "5 goals lost and 5 won" in axis(made, "regression").detail


def test_taught_goals_that_are_lost_count_as_well(card: Callable[..., Scorecard]) -> None:
    wanted, taught = plans(18), {f"{goal} xyz": plan for goal, plan in plans(9, 9).items()}
    made = card(Fake(wanted), rows(wanted), rows(taught), deployed=Fake({**wanted, **taught}))
    assert axis(made, "regression").result == "fail"
    assert "18 goals lost" in axis(made, "regression").detail


def test_a_lost_pinned_goal_blocks_by_itself(card: Callable[..., Scorecard]) -> None:
    wanted = plans(18, 40)
    goal = next(iter(wanted))
    now = Fake(some(wanted, 1))
    made = card(now, rows(wanted, pinned=goal), deployed=Fake(wanted))
    assert made.verdict == "BLOCK"
    assert f"the pinned goal {goal!r} is lost" in axis(made, "regression").detail
    # nor may one of the training set be, that no exam asks for
    kept = card(now, rows(some(wanted, 1)), rows({goal: wanted[goal]}, pinned=goal),
                deployed=Fake(wanted))  # fmt: skip
    assert (kept.verdict, axis(kept, "regression").result) == ("BLOCK", "fail")
    # but not one that the deployed adapter does not know either
    made = card(now, rows(wanted, pinned=goal), deployed=now)
    assert axis(made, "regression").result == "pass"


def test_against_nothing_there_is_nothing_to_lose(card: Callable[..., Scorecard]) -> None:
    assert axis(card(Fake({}), rows(plans(3))), "regression").result == "pass"


# -- next steps ------------------------------------------------------------------------------------

ODD = ["don't \"panic\" $(rm -rf /) `x`", "walk; then | sit & go > there", "geh über\tdie Brücke",
       "a  b\\ c", "it's 50% of #1", "one\ntwo"]  # fmt: skip


def commands(made: Scorecard) -> list[str]:
    """The next steps that can be pasted as they are: they have no place for words."""
    return [step for step in made.next_steps if step.startswith("cadenza") and "'<" not in step]


def pasted(line: str) -> Any:
    """What the command line makes of a line of next steps."""
    words = shlex.split(line)
    assert words[:3] == ["cadenza", "env", "lora"]
    return CADENZA_ENV.parser_of("lora").parse_args(words[3:])


@pytest.mark.parametrize("goal", ODD)
def test_a_goal_of_the_mission_that_is_not_understood_can_be_pasted(
    goal: str, card: Callable[..., Scorecard], tmp_path: Path
) -> None:
    project = tmp_path / "my robot's $HOME"
    spec, taught = signalling(goal, goal.upper()), rows({"x": (Step("signal_found", {}),)})
    made = card(Fake(plans(3)), rows(plans(3)), taught, spec=spec, project=project)
    (line,) = commands(made)
    arguments = pasted(line)
    assert arguments.project == str(project)
    assert arguments.goal == " ".join(goal.split())
    assert parse_steps(arguments.steps, GO1) == (Step("signal_found", {}),)


HALL = {
    "zones": [
        {"name": "near", "aabb": [[-1.5, -1, 0], [-0.9, 1, 1]]},
        {"name": "left", "aabb": [[-1.5, -3, 0], [-0.9, -2, 1]]},
    ],
    "objects": [{"type": "marker", "tag": "ball", "position": [-2.2, 0.0, 0.0]}],
}
WALL = {"type": "box", "tag": "wall", "position": [-0.7, 0.0, 0.1], "size": [0.1, 0.4, 0.1]}


@pytest.mark.parametrize(
    ("goal", "won", "steps"),
    [
        ("walk forward 1.5 meters, then turn right 90 degrees", {},
         (*walk(1.5), Step("turn_right", {"rotation_rad": 1.570796}))),
        ("lie down for 3 seconds", {}, (Step("lie_down", {"duration_s": 3.0}),)),
        ("hold still for 1 second", {}, (Step("stand", {"duration_s": 1.0}),)),
        ("go into the hall", {"enter_zone": "near"}, walk(1.0)),
        ("over to the far corner", {"enter_zone": "left"},
         (Step("turn_left", {"rotation_rad": 1.123}), *walk(1.0), *walk(1.0),
          *walk(0.77))),
        ("up to the ball", {"near_object": {"tag": "ball"}}, (*walk(1.0), *walk(0.6))),
        ("look for the ball", {"see_object": {"tag": "ball"}},
         (Step("turn_left", {"rotation_rad": 0.785}),)),
        ("turn right until the ball is there", {"see_object": {"tag": "ball"}},
         (Step("turn_right", {"rotation_rad": 0.785}),)),
        ("report it", {"signal_emitted": True}, (Step("signal_found", {}),)),
    ],
)  # fmt: skip
def test_the_steps_are_those_the_mission_asks_for(
    goal: str, won: dict[str, Any], steps: tuple[Step, ...], card: Callable[..., Scorecard]
) -> None:
    spec = mission(goal, won=won, signals=("signal_found",), scene=HALL)
    made = card(Fake({}), rows({}), rows({"x": (Step("signal_found", {}),)}), spec=spec)
    (line,) = commands(made)
    given = parse_steps(pasted(line).steps, GO1)
    assert [step.action for step in given] == [step.action for step in steps]
    assert [dict(step.parameters) for step in given] == [
        pytest.approx(dict(step.parameters), abs=1e-3) for step in steps
    ]


@pytest.mark.parametrize(
    ("goal", "won", "scene"),
    [
        ("get past the first heap and stop between the two", {"enter_zone": "near"},
         {**HALL, "objects": [WALL]}),
        ("walk on, then walk up to it", {}, HALL),
        ("turn left, then walk 0.6 meters", {"enter_zone": "near"}, HALL),
        ("back out of it", {"enter_zone": "near"}, HALL),
        ("do the unknown", {}, HALL),
        ("walk to the ball", {"see_object": {"tag": "ball"}}, HALL),
        ("up to the ball", {"near_object": {"tag": "ball"}, "elapsed_ticks": 2,
                            "enter_zone": "near"}, HALL),
    ],
)  # fmt: skip
def test_steps_that_nobody_knows_are_not_made_up(
    goal: str, won: dict[str, Any], scene: dict[str, Any], card: Callable[..., Scorecard]
) -> None:
    made = card(Fake({}), rows({}), spec=mission(goal, won=won, scene=scene))
    at = next(at for at, step in enumerate(made.next_steps) if step.startswith("# phase 'p0'"))
    why, line = made.next_steps[at : at + 2]
    assert "no steps are known for its goal" in why
    # what is offered has a place for steps, which nobody can teach as it stands
    words = shlex.split(line)
    assert (words[:4], words[5:7]) == (["cadenza", "env", "lora", "add"], [goal, "--steps"])
    with pytest.raises(InputError, match="is a place for your own steps"):
        parse_steps(words[7], GO1)


def test_next_steps_tell_nothing_of_the_exam(card: Callable[..., Scorecard]) -> None:
    # given an exam whose goals and plans are in no example, and an adapter that misses them all
    exam = rows({goal: (*plan, Step("rear_kick", {})) for goal, plan in plans(20, 20).items()})
    taught = rows({"sit down": SIT, "take a seat": SIT, "stand up": STAND})
    made = card(Fake({}), exam, taught)
    told = "\n".join(made.next_steps)
    assert "rear_kick" not in told
    assert not any(row.goal in told for row in exam)
    # then it says how much was missed, and offers places for words of what has the fewest
    assert "# practice: 20 of 20 missed" in told
    places = [step for step in made.next_steps if "'<" in step and "--exam" not in step]
    assert [pasted(step).goal for step in places] == [
        "<in other words: stand up>", "<in other words: sit down>"
    ]  # fmt: skip


def test_a_place_for_words_is_refused_until_it_is_filled(
    card: Callable[..., Scorecard], tmp_path: Path
) -> None:
    made = card(Fake({}), (), rows({"sit down, it's late": SIT}))
    (line,) = [step for step in made.next_steps if step.endswith(" --exam")]
    arguments = pasted(line)
    assert arguments.goal == "<in other words: sit down, it's late>"
    assert (arguments.exam, parse_steps(arguments.steps, GO1)) == (True, SIT)
    with pytest.raises(InputError, match="your own words"):
        add_example(Project(tmp_path, mission()), arguments.goal, SIT, exam=True)


def test_questions_are_asked_for_where_the_exam_asks_least(card: Callable[..., Scorecard]) -> None:
    wanted = {"take a seat": SIT, "on your bottom": SIT, "down you go, boy": SIT}
    taught = {"sit down": SIT, "stand up": STAND, "stand there then sit": (*STAND, *SIT)}
    made = card(Fake(wanted), rows(wanted), rows(taught))
    lines = [pasted(step).goal for step in made.next_steps if step.endswith(" --exam")]
    assert lines == [
        "<in other words: stand there then sit>", "<in other words: stand up>",
        "<in other words: sit down>",
    ]  # fmt: skip
    assert any("compositions (1 taught), stand (2 taught)" in why for why in made.reasons)


def test_compositions_are_asked_for_plan_by_plan(card: Callable[..., Scorecard]) -> None:
    # given three of them, which weigh as one, and two wordings of something plain
    taught = {"sit and then stand": (*SIT, *STAND), "stand there then sit": (*STAND, *SIT),
              "rest and then sit": (*STAND, *SIT), "sit down": SIT, "take a seat": SIT}  # fmt: skip
    made = card(Fake({}), (), rows(taught))
    lines = [pasted(step).goal for step in made.next_steps if step.endswith(" --exam")]
    # then there is a place for each plan, in turns
    assert lines == [
        "<in other words: sit and then stand>", "<in other words: sit down>",
        "<in other words: stand there then sit>",
    ]  # fmt: skip


def test_where_nobody_wrote_an_example_what_runs_taught_is_asked_for(
    card: Callable[..., Scorecard],
) -> None:
    # given what runs of the mission taught alone
    known = {"sit down": SIT, "get up": STAND}
    taught = tuple(replace(row, origin="run") for row in rows(known))
    places = ["<in other words: sit down>", "<in other words: get up>"]
    made = card(Fake(known), (), taught)
    lines = [pasted(step) for step in made.next_steps if "'<" in step]
    # then each is to be said otherwise first, in words by which the exam is weighed
    assert {(line.goal, line.exam) for line in lines} == {(place, False) for place in places}
    # where runs say each in two ways already, that is what the exam is of
    twice = rows({"sit, boy": SIT, "up you get": STAND})
    made = card(Fake(known), (), (*taught, *(replace(row, origin="run") for row in twice)))
    questions = [pasted(step).goal for step in made.next_steps if step.endswith(" --exam")]
    assert questions == places
    # and with something written the exam is of that, but wordings are asked for of all
    asked = plans(0, 20)
    made = card(Fake({}), rows(asked), (*taught, *rows({"lie down": SIT, "rest": SIT})))
    lines = [pasted(step) for step in made.next_steps if "'<" in step]
    assert {line.goal for line in lines if line.exam} <= {"<in other words: lie down>",
                                                          "<in other words: rest>"}  # fmt: skip
    assert "<in other words: get up>" in {line.goal for line in lines if not line.exam}


def test_before_there_is_an_exam_what_is_said_in_one_way_only_is_to_be_said_otherwise_too(
    card: Callable[..., Scorecard],
) -> None:
    known = {"sit down": SIT, "take a seat": SIT, "stand up": STAND}
    told = card(Fake(known), (), rows(known)).next_steps
    places = [pasted(step).goal for step in told if "'<" in step and "--exam" not in step]
    assert places == ["<in other words: stand up>"]
    assert "# examples: taught in one wording alone: 1; teach others too" in told


def test_with_an_exam_what_a_run_alone_teaches_is_to_be_said_otherwise_too(
    card: Callable[..., Scorecard],
) -> None:
    # given a plan in one wording of a run, one in one wording that somebody wrote, and no miss
    written = rows({"sit down": SIT})
    runs = tuple(replace(row, origin="run") for row in rows({"get up": STAND}))
    exam = {f"down you go, {word}": SIT for word in ("boy", "dog", "lad", "old one", "robot")}
    told = card(Fake(exam), rows(exam), (*written, *runs)).next_steps
    places = [pasted(step).goal for step in told if "'<" in step and "--exam" not in step]
    assert places == ["<in other words: get up>"]


def test_a_signal_that_nothing_teaches_is_asked_for(card: Callable[..., Scorecard]) -> None:
    spec = mission("walk ahead 1 meters", signals=("signal_found",))
    known = {**plans(3), "walk ahead 1 meters": walk(1.0)}
    (line,) = commands(card(Fake(known), rows(plans(3)), spec=spec))
    assert pasted(line).goal == "signal found"
    assert parse_steps(pasted(line).steps, GO1) == (Step("signal_found", {}),)


def test_a_doubtful_goal_is_asked_for_and_a_clear_one_is_not(
    card: Callable[..., Scorecard],
) -> None:
    clear = {"report it": (Step("signal_found", {}),), **plans(3)}
    doubtful = Fake(clear, doubts=lambda goal: goal == "report it")
    spec, exam = signalling("report it"), rows(plans(3))
    (line,) = commands(card(doubtful, exam, spec=spec))
    assert pasted(line).goal == "report it"
    assert commands(card(Fake(clear), exam, spec=spec)) == []
    # and one that is taught is to be taught in other words
    made = card(doubtful, exam, rows({"Report it!": SIT}), spec=spec)
    assert any("say it otherwise" in step for step in made.next_steps)


def test_nothing_is_left_to_do_for_what_is_deployed(card: Callable[..., Scorecard]) -> None:
    made = card(Fake(plans(18)), rows(plans(18)), spec=mission("do the unknown"))
    assert (made.verdict, made.next_steps) == ("DEPLOY", ())


def test_next_steps_are_few(card: Callable[..., Scorecard]) -> None:
    taught = {f"{goal} xyz": plan for goal, plan in plans(50, 50).items()}
    made = card(Fake({}), rows(plans(50, 50)), rows(taught))
    assert 1 <= len(made.next_steps) <= 12
    assert all("\n" not in step for step in made.next_steps)


# -- shape -----------------------------------------------------------------------------------------


def test_the_json_has_exactly_this_shape(card: Callable[..., Scorecard]) -> None:
    wanted = plans(20, 4)
    made = card(Fake(some(wanted, 1)), rows(wanted), deployed=Fake(wanted), adapter="abc")
    shape = made.as_json()
    assert set(shape) == {
        "verdict", "held_out", "checks", "reasons", "next_steps", "notes", "exam", "per_goal"
    }  # fmt: skip
    for found in shape["checks"]:
        assert set(found) == {
            "axis", "value", "lower", "upper", "threshold", "n", "result", "gate", "detail"
        }  # fmt: skip
        assert AxisFact.of_shape(found).axis == found["axis"]
    names = [found["axis"] for found in shape["checks"]]
    assert sorted(names) == [
        "coverage", "fidelity", "mission", "regression", "safety", "stability", "training"
    ]  # fmt: skip
    for goal in shape["per_goal"]:
        assert set(goal) == {"goal", "expected", "got", "ok", "refused", "confidence"}
    assert [goal["ok"] for goal in shape["per_goal"]] == [False, True, True, True]
    (first, *_) = wanted.values()
    assert shape["per_goal"][0]["expected"] == [first[0].as_json()]
    assert shape["exam"] == {
        "adapter": "abc", "paper": made.look.paper, "number": 1, "level": pytest.approx(0.02625),
        "sealed": 20, "needed": None, "passed": False, "practice": 4, "practice_right": 3,
    }  # fmt: skip
    assert json.loads(json.dumps(shape, allow_nan=False)) == shape


def test_people_see_a_row_for_each_axis(card: Callable[..., Scorecard]) -> None:
    made = scorecard_rows(card(Fake(plans(14)), rows(plans(14))).as_json())
    assert {row[0] for row in made} == {
        "coverage", "fidelity", "mission", "regression", "safety", "stability", "training"
    }  # fmt: skip
    assert {len(row) for row in made} == {7}


def test_an_empty_project_is_scored_as_unknown(card: Callable[..., Scorecard]) -> None:
    made = card(Fake({}))
    assert made.verdict == "NEEDS_DATA"
    assert axis(made, "fidelity").value is None
    assert axis(made, "fidelity").result == "undecided"


@pytest.mark.parametrize("values", [{"fidelity": -0.1}, {"falls": 1.1}, {"speed": 1}])
def test_thresholds_are_shares(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        LoraSettings.model_validate(values)
