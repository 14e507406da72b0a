"""The scorecard: what each axis says, the verdict that follows, and lines that can be pasted."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cadenzad.cli.cadenza import CADENZA_ENV
from handlers.lora.authoring import parse_steps
from handlers.lora.check import Check, Result
from handlers.lora.dataset import Dataset, Row
from handlers.lora.decoder import Decoded
from handlers.lora.scorecard import (
    Scorecard,
    Thresholds,
    decide,
    same_plan,
    score,
)
from handlers.lora.table import scorecard_rows
from handlers.project.examples import Step
from handlers.project.library import library_for
from handlers.project.spec import ProjectSpec, parse_spec
from store.adapterevents import AxisFact

GO1 = library_for("go1", None, ["signal_found"])
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

    def decode(self, goal: str) -> Decoded:
        plan = self.plans.get(self.letters(goal), ())
        return Decoded(goal, plan, not plan, self.doubts(goal), (), 0.9, 0.9)


class Whisperer(Fake):
    """Understands no capitals."""

    def decode(self, goal: str) -> Decoded:
        return super().decode("?" if goal.isupper() else goal)


def walk(meters: float) -> tuple[Step, ...]:
    return (Step("walk_forward", {"distance_m": meters}),)


def plans(n: int) -> dict[str, tuple[Step, ...]]:
    """Goals with a plan each, all different."""
    return {f"walk ahead {at} meters": walk(float(at)) for at in range(1, n + 1)}


def rows(wanted: Plans, pinned: str = "") -> tuple[Row, ...]:
    return tuple(
        Row(goal, plan, "pattern", "x:1", pinned=goal == pinned) for goal, plan in wanted.items()
    )


def mission(*goals: str) -> ProjectSpec:
    phases = [
        {"name": f"p{at}", "goal_prompt": goal, "success_when": {"elapsed_ticks": 3}}
        for at, goal in enumerate(goals or ("walk ahead 1 meters",))
    ]
    return parse_spec(json.dumps({"name": "m", "phases": phases}).encode(), "env.json")


def check(axis: str, result: Result, gate: str = "block") -> Check:
    return Check(axis, 0.5, 0.4, 0.6, 0.5, 9, result, gate, f"{axis} is {result}")


@pytest.fixture
def safe(monkeypatch: pytest.MonkeyPatch) -> Callable[[Result], None]:
    """`safe(result)`: what the simulation is going to say; it passes unless told otherwise."""

    def says(result: Result) -> None:
        monkeypatch.setattr(
            "handlers.lora.scorecard.simulate", lambda *_, **__: check("safety", result)
        )

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


def test_fourteen_different_plans_without_a_miss_are_deployed(
    card: Callable[..., Scorecard],
) -> None:
    made = card(Fake(plans(14)), rows(plans(14)))
    assert (made.verdict, made.held_out, made.reasons) == ("DEPLOY", True, ("every axis passes",))
    assert {check.result for check in made.checks} == {"pass"}
    assert card(Fake(plans(13)), rows(plans(13))).verdict == "NEEDS_DATA"


def test_without_an_exam_nothing_is_ever_deployed(card: Callable[..., Scorecard]) -> None:
    made = card(Fake(plans(60)), train=rows(plans(60)))
    assert (made.verdict, made.held_out) == ("NEEDS_DATA", False)
    assert made.reasons[0].startswith("in-sample")
    assert "in-sample" in axis(made, "fidelity").detail
    assert any("lora/eval.jsonl" in step for step in made.next_steps)


def test_what_is_surely_below_is_blocked(card: Callable[..., Scorecard]) -> None:
    made = card(Fake({}), rows(plans(14)))
    assert made.verdict == "BLOCK"
    assert axis(made, "fidelity").result == "fail"


def test_what_falls_is_blocked(
    card: Callable[..., Scorecard], safe: Callable[[Result], None]
) -> None:
    safe("fail")
    assert card(Fake(plans(14)), rows(plans(14))).verdict == "BLOCK"
    safe("undecided")
    assert card(Fake(plans(14)), rows(plans(14))).verdict == "NEEDS_DATA"


# -- fidelity --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "wrong", "result"),
    [(14, 0, "pass"), (13, 0, "undecided"), (21, 1, "pass"), (20, 1, "undecided"),
     (1, 5, "fail"), (0, 1, "undecided"), (0, 2, "fail")],
)  # fmt: skip
def test_fidelity_goes_by_its_bounds(
    right: int, wrong: int, result: str, card: Callable[..., Scorecard]
) -> None:
    wanted = plans(right + wrong)
    known = dict(list(wanted.items())[:right])
    found = axis(card(Fake(known), rows(wanted)), "fidelity")
    assert (found.n, found.result) == (right + wrong, result)
    assert found.value == pytest.approx(right / (right + wrong))
    assert found.threshold == 0.8


def test_an_undecided_axis_says_how_many_rows_would_decide(card: Callable[..., Scorecard]) -> None:
    # given 9 of 10 right: a share of .9 takes 94 rows
    wanted = plans(10)
    known = dict(list(wanted.items())[:9])
    detail = axis(card(Fake(known), rows(wanted)), "fidelity").detail
    assert "9 of 10" in detail
    assert "about 84 more" in detail


def test_phrasings_of_one_plan_count_as_one(card: Callable[..., Scorecard]) -> None:
    phrasings = {f"sit down number {at}": SIT for at in range(30)}
    found = axis(card(Fake(phrasings), rows(phrasings)), "fidelity")
    assert (found.n, found.result) == (1, "undecided")
    # and one of them wrong makes the plan wrong
    found = axis(card(Fake(dict(list(phrasings.items())[1:])), rows(phrasings)), "fidelity")
    assert (found.n, found.value) == (1, 0.0)


def test_a_goal_without_a_plan_is_refused_and_wrong(card: Callable[..., Scorecard]) -> None:
    (result,) = card(Fake({}), rows({"sit": SIT})).per_goal
    assert (result.expected, result.got, result.ok, result.refused) == (SIT, (), False, True)


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


# -- coverage and stability ------------------------------------------------------------------------


def test_coverage_counts_the_missions_goals_too(card: Callable[..., Scorecard]) -> None:
    spec = mission("do the unknown", "and another")
    found = axis(card(Fake(plans(14)), rows(plans(14)), spec=spec), "coverage")
    assert (found.n, found.result, found.gate) == (16, "pass", "data")
    assert found.value == pytest.approx(14 / 16)
    found = axis(card(Fake(plans(2)), rows(plans(2)), spec=spec), "coverage")
    assert (found.value, found.result) == (0.5, "fail")


def test_what_is_decoded_differently_in_capitals_needs_data(card: Callable[..., Scorecard]) -> None:
    wanted = {"turn about": SIT, **plans(14)}
    made = card(Whisperer(wanted), rows(wanted))
    found = axis(made, "stability")
    assert found.value == pytest.approx(2 / 3)
    assert (found.result, made.verdict) == ("fail", "NEEDS_DATA")


def test_what_is_decoded_differently_after_a_reload_is_blocked(
    card: Callable[..., Scorecard],
) -> None:
    made = card(Fake(plans(14)), rows(plans(14)), reload=lambda: Fake(plans(13)))
    assert "'walk ahead 14 meters' decodes differently" in axis(made, "stability").detail
    assert made.verdict == "BLOCK"


# -- regression ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lost", "result"), [(0, "pass"), (4, "pass"), (5, "fail")])
def test_goals_lost_against_the_deployed_adapter(
    lost: int, result: str, card: Callable[..., Scorecard]
) -> None:
    wanted = plans(40)
    now = Fake(dict(list(wanted.items())[lost:]))
    made = card(now, rows(wanted), deployed=Fake(wanted))
    assert axis(made, "regression").result == result
    assert (made.verdict == "BLOCK") is (result == "fail")


def test_losses_are_weighed_against_what_was_won(card: Callable[..., Scorecard]) -> None:
    wanted = list(plans(40).items())
    made = card(Fake(dict(wanted[5:])), rows(plans(40)), deployed=Fake(dict(wanted[:35])))
    assert axis(made, "regression").result == "pass"
    assert "5 goals lost and 5 won" in axis(made, "regression").detail


def test_a_lost_pinned_goal_blocks_by_itself(card: Callable[..., Scorecard]) -> None:
    wanted = plans(40)
    goal = "walk ahead 1 meters"
    now = Fake(dict(list(wanted.items())[1:]))
    made = card(now, rows(wanted, pinned=goal), deployed=Fake(wanted))
    assert made.verdict == "BLOCK"
    assert f"the pinned goal {goal!r} is lost" in axis(made, "regression").detail
    # but not one that the deployed adapter does not know either
    made = card(now, rows(wanted, pinned=goal), deployed=now)
    assert axis(made, "regression").result == "pass"


def test_against_nothing_there_is_nothing_to_lose(card: Callable[..., Scorecard]) -> None:
    assert axis(card(Fake({}), rows(plans(3))), "regression").result == "pass"


# -- next steps ------------------------------------------------------------------------------------

ODD = ["don't \"panic\" $(rm -rf /) `x`", "walk; then | sit & go > there", "geh über\tdie Brücke",
       "a  b\\ c", "*", "it's 50% of #1"]  # fmt: skip


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
    made = card(Fake(plans(14)), rows(plans(14)), spec=mission(goal), project=project)
    (line,) = [step for step in made.next_steps if step.startswith("cadenza")]
    arguments = pasted(line)
    assert (arguments.project, arguments.goal) == (str(project), goal)
    assert parse_steps(arguments.steps, GO1)


def test_the_steps_a_goal_spells_out_are_filled_in(card: Callable[..., Scorecard]) -> None:
    spec = mission("walk forward 1.5 meters, then turn right 90 degrees")
    (line,) = [s for s in card(Fake({}), rows({}), spec=spec).next_steps if "lora add" in s]
    one, two = parse_steps(pasted(line).steps, GO1)
    assert one == Step("walk_forward", {"distance_m": 1.5})
    assert two.action == "turn_right"
    assert dict(two.parameters) == {"rotation_rad": pytest.approx(1.5708, abs=1e-4)}


def test_an_exam_goal_is_never_asked_for_as_an_example(
    card: Callable[..., Scorecard], tmp_path: Path
) -> None:
    # given an exam goal that is decoded wrong, with every sort of parameter
    plan = (
        Step("walk_forward", {"distance_m": 1.0, "speed": 0.5}),
        Step("turn_left", {"rotation_rad": 1.5708, "repeat": 3}),
        Step("signal_found", {}),
    )
    made = card(Fake(plans(1)), rows({'stroll about, it\'s "nice"': plan}))
    (line,) = [step for step in made.next_steps if "lora add" in step]
    arguments = pasted(line)
    # then its words are to be one's own, and its steps are the exam's
    assert arguments.goal.startswith("<in other words")
    assert arguments.goal.endswith(">")
    assert same_plan(parse_steps(arguments.steps, GO1), plan)


def test_a_doubtful_goal_is_asked_for_and_a_clear_one_is_not(
    card: Callable[..., Scorecard],
) -> None:
    doubtful = Fake(plans(14), doubts=lambda goal: goal == "walk ahead 1 meters")
    assert len(card(doubtful, rows(plans(14))).next_steps) == 1
    assert card(Fake(plans(14)), rows(plans(14))).next_steps == ()


def test_next_steps_are_few(card: Callable[..., Scorecard]) -> None:
    made = card(Fake({}), rows(plans(100)))
    assert 1 <= len(made.next_steps) <= 8
    assert all("\n" not in step for step in made.next_steps)


# -- shape -----------------------------------------------------------------------------------------


def test_the_json_has_exactly_this_shape(card: Callable[..., Scorecard]) -> None:
    shape = card(Fake(plans(3)), rows(plans(4)), deployed=Fake(plans(4))).as_json()
    assert set(shape) == {
        "verdict", "held_out", "checks", "reasons", "next_steps", "per_goal"
    }  # fmt: skip
    for found in shape["checks"]:
        assert set(found) == {
            "axis", "value", "lower", "upper", "threshold", "n", "result", "gate", "detail"
        }  # fmt: skip
        assert AxisFact.model_validate(found).axis == found["axis"]
    names = [found["axis"] for found in shape["checks"]]
    assert sorted(names) == ["coverage", "fidelity", "regression", "safety", "stability"]
    for goal in shape["per_goal"]:
        assert set(goal) == {"goal", "expected", "got", "ok", "refused", "confidence"}
    assert [goal["ok"] for goal in shape["per_goal"]] == [True, True, True, False]
    assert shape["per_goal"][0]["expected"] == [{"action": "walk_forward", "distance_m": 1.0}]
    assert json.loads(json.dumps(shape, allow_nan=False)) == shape


def test_people_see_a_row_for_each_axis(card: Callable[..., Scorecard]) -> None:
    made = scorecard_rows(card(Fake(plans(14)), rows(plans(14))).as_json())
    assert {row[0] for row in made} == {
        "coverage", "fidelity", "regression", "safety", "stability"
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
        Thresholds.model_validate(values)
