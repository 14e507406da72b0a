"""G3: only pairs of simulated missions say "improved", and seldom when nothing is better."""

from __future__ import annotations

import json
from collections.abc import Iterable
from fractions import Fraction
from importlib.resources import files
from importlib.util import find_spec
from itertools import product
from math import comb
from pathlib import Path
from random import Random
from typing import Any

import pytest

from handlers.judge.gates import simulation as trials_module
from handlers.judge.gates.simulation import (
    ENOUGH,
    NAME,
    Drive,
    Tally,
    Verdict,
    enough,
    judge,
    trials,
)
from handlers.judge.policy import Choice, choose_policy
from handlers.judge.prompt.code import project_code
from handlers.judge.prompt.rules import parse_all
from handlers.judge.prompt.source import PromptSource, edited, parse_prompt
from handlers.project.library import library_for
from handlers.project.spec import ProjectSpec, parse_spec
from store.errors import InputError, MissingExtraError

LIBRARY = library_for("go1", None)
SOURCE = parse_prompt(
    b'SYSTEM_PROMPT = """Be good.\n- when always: walk_forward distance_m=0.3\n"""\n',
    Path("/robots/short/main.py"),
)

simulated = pytest.mark.skipif(find_spec("mujoco") is None, reason="mujoco is not installed")


def drive(seed: int, *phases: str, success: bool = False, falls: int = 0) -> Drive:
    return Drive(seed, success, phases, falls)


def tally(pairs: Iterable[int]) -> Tally:
    """A tally of pairs: 1 won, -1 lost, 0 tied, all of one phase."""
    made = Tally()
    for seed, result in enumerate(pairs):
        made.add(drive(seed, *["go"] * (result <= 0)), drive(seed, *["go"] * (result >= 0)))
    return made


# -- the exact sign test ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wins", "pairs", "is_enough"),
    [
        (5, 5, True),
        (4, 5, False),
        (8, 8, True),
        (7, 8, True),
        (6, 8, False),
        (12, 12, True),
        (11, 12, True),
        (10, 12, True),
        (9, 12, False),
        (6, 12, False),
        # no looks between: those would be more chances for a coin
        (3, 3, False),
        (4, 4, False),
        (6, 6, False),
        (7, 7, False),
        (9, 9, False),
        (10, 10, False),
        (11, 11, False),
        (13, 13, False),
        (0, 0, False),
    ],
)
def test_how_many_wins_are_enough(wins: int, pairs: int, is_enough: bool) -> None:
    assert enough(wins, pairs) is is_enough


def test_each_look_is_a_one_sided_sign_test_at_five_percent() -> None:
    for least, size in ENOUGH:

        def tail(wins: int, size: int = size) -> Fraction:
            return Fraction(sum(comb(size, k) for k in range(wins, size + 1)), 2**size)

        assert tail(least) <= Fraction(1, 20) < tail(least - 1)


def test_the_false_alarm_rate_is_that_of_every_sequence_of_coins() -> None:
    """All 4,096 sequences of twelve decided pairs, each looked at as it would be."""
    alarms = sum(
        any(enough(sum(coins[:size]), size) for _, size in ENOUGH)
        for coins in product((0, 1), repeat=12)
    )
    assert round(alarms / 2**12, 3) == 0.057


def test_a_prompt_that_makes_no_difference_is_seldom_called_improved() -> None:
    # given many trials of twelve seeds of two equally good prompts, with ties between them
    draw, trials_made, improved = Random(5), 4000, 0
    for _ in range(trials_made):
        made = Tally()
        for seed in range(12):
            sides = [drive(seed, *["go"] * draw.randrange(3)) for _ in range(2)]
            made.add(*sides)
            if made.decided:
                break
        improved += judge(made)[1] == "improved"
    # then the promised rate holds (three standard errors above it would be 6.8%)
    assert improved / trials_made <= 0.057


@pytest.mark.parametrize(
    ("pairs", "verdict", "result"),
    [
        ([1] * 5, "improved", "pass"),
        ([1, 0, 1, 0, 1, 0, 1, 0, 1], "improved", "pass"),  # ties decide nothing
        ([1] * 4, "unverified", "pass"),
        ([0] * 12, "unverified", "pass"),
        ([], "unverified", "pass"),
        ([-1] * 5, "worse", "fail"),
        ([-1] * 7 + [1], "worse", "fail"),
    ],
)
def test_what_the_pairs_say(pairs: list[int], verdict: Verdict, result: str) -> None:
    gate, said = judge(tally(pairs))
    assert (said, gate.result) == (verdict, result)
    assert gate.name == NAME
    assert ("improved" in gate.detail) is (verdict == "improved")
    assert gate.numbers["pairs"] == len(pairs)
    assert gate.numbers["won"] == pairs.count(1)
    assert gate.numbers["lost"] == pairs.count(-1)
    assert gate.numbers["tied"] == pairs.count(0)


def test_a_pair_is_won_by_phases_then_success_then_fewer_falls() -> None:
    better_and_worse = [
        (drive(1, "a", "b", falls=3), drive(1, "a", success=True)),
        (drive(1, "a", success=True, falls=3), drive(1, "a")),
        (drive(1, "a", falls=1), drive(1, "a", falls=2)),
    ]
    for better, worse in better_and_worse:
        made = Tally()
        made.add(worse, better)
        assert (made.won, made.lost, made.tied) == (1, 0, 0)
        made.add(better, worse)
        made.add(better, better)
        assert (made.won, made.lost, made.tied) == (1, 1, 1)


def test_no_phase_may_be_done_less_often() -> None:
    # given five pairs won, in which another phase was lost
    made = Tally()
    for seed in range(5):
        made.add(drive(seed, "rest"), drive(seed, "go", "on"))
    assert made.decided == "improved"
    gate, verdict = judge(made)
    assert (gate.result, verdict) == ("fail", "worse")
    assert gate.detail.startswith("phase rest is done less often: 5 pairs won")


def test_a_single_phase_lost_is_enough_when_nothing_is_decided() -> None:
    gate, verdict = judge(tally([0, 0, -1]))
    assert (gate.result, verdict) == ("fail", "worse")
    assert "phase go is done less often" in gate.detail


def test_falls_may_not_go_up() -> None:
    # given five pairs won, with one fall more
    made = Tally()
    for seed in range(5):
        made.add(drive(seed, "a", falls=1), drive(seed, "a", "b", falls=1 + (seed == 4)))
    gate, verdict = judge(made)
    assert (gate.result, verdict) == ("fail", "worse")
    assert gate.detail.startswith("more falls: ")
    assert gate.numbers["falls_before"] == 5
    assert gate.numbers["falls_after"] == 6


# -- what is run -----------------------------------------------------------------------------------


def with_rules(*lines: str, source: PromptSource = SOURCE) -> PromptSource:
    rules = parse_all(lines)
    assert len(rules) == len(lines)
    return parse_prompt(edited(source, rules), source.path)


def mission(near_m: float, max_ticks: int = 3) -> ProjectSpec:
    """Straight ahead into a zone that begins `near_m` away."""
    zone = {"name": "ahead", "aabb": [[-4.0, -1.0, 0.0], [-near_m, 1.0, 1.0]]}
    phase = {"name": "go", "success_when": {"enter_zone": "ahead"}, "max_ticks": max_ticks}
    made = {"name": "short", "scene": {"objects": [], "zones": [zone]}, "phases": [phase]}
    return parse_spec(json.dumps(made).encode(), "env.json")


def test_without_a_brain_or_seeds_nothing_is_verified() -> None:
    gate, verdict = trials(mission(1), LIBRARY, Choice("none", "why"), SOURCE, SOURCE, seeds=12)
    assert (gate.result, gate.detail, verdict) == ("skipped", "unverified: why", "unverified")
    gate, verdict = trials(mission(1), LIBRARY, Choice("built-in"), SOURCE, SOURCE, seeds=0)
    assert (gate.result, verdict) == ("skipped", "unverified")
    assert "judge.seeds is 0" in gate.detail


def test_a_robot_without_a_model_is_not_simulated_as_another() -> None:
    spec = mission(1).model_copy(update={"robot": "g1"})
    gate, verdict = trials(spec, LIBRARY, Choice("built-in"), SOURCE, SOURCE, seeds=3)
    assert (gate.result, verdict) == ("skipped", "unverified")
    assert "robot 'g1' cannot be simulated" in gate.detail


def test_without_the_simulator_it_is_skipped_and_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(*_: object) -> Tally:
        raise MissingExtraError("mujoco is not installed", hint="pip install cadenzad[sim]")

    monkeypatch.setattr(trials_module, "_run", missing)
    gate, verdict = trials(mission(1), LIBRARY, Choice("built-in"), SOURCE, SOURCE, seeds=3)
    assert (gate.result, verdict) == ("skipped", "unverified")
    assert gate.detail == ("unverified: mujoco is not installed; pip install cadenzad[sim]")


def test_a_brain_that_breaks_is_not_runnable_and_no_fault_of_the_prompt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> Tally:
        raise InputError("main.py: decide gave no answer", hint="run it by hand")

    monkeypatch.setattr(trials_module, "_run", broken)
    gate, verdict = trials(mission(1), LIBRARY, Choice("decide"), SOURCE, SOURCE, seeds=3)
    assert (gate.result, verdict) == ("skipped", "unverified")
    assert gate.detail == (
        "unverified: not runnable: main.py: decide gave no answer; run it by hand"
    )


@simulated
def test_a_prompt_that_really_helps_is_called_improved_as_soon_as_that_is_sure() -> None:
    # given a goal that short steps do not reach in time, and a rule for long ones
    told: list[Any] = []
    gate, verdict = trials(
        mission(1.15),
        LIBRARY,
        Choice("built-in"),
        SOURCE,
        with_rules("- when in go: walk_forward distance_m=1"),
        seeds=12,
        report=told.append,
    )

    # then five pairs are enough
    assert (gate.result, verdict) == ("pass", "improved")
    assert gate.detail == (
        "improved: 5 pairs won, 0 lost, 0 tied; phases done 0 -> 5, falls 0 -> 0"
    )
    assert [item["done"] for item in told] == [0, 1, 2, 3, 4]
    assert told[-1] == {"step": "simulating", "done": 4, "total": 12, "won": 4, "lost": 0}


@simulated
@pytest.mark.parametrize(
    "rule", ["- when in go: walk_forward distance_m=0.3", "- when fallen: stand_up"]
)
def test_a_prompt_that_is_no_better_is_unverified(rule: str) -> None:
    gate, verdict = trials(
        mission(1.15), LIBRARY, Choice("built-in"), SOURCE, with_rules(rule), seeds=6
    )
    assert (gate.result, verdict) == ("pass", "unverified")
    assert "improved" not in gate.detail
    assert gate.numbers["tied"] == 6


@simulated
def test_a_prompt_that_is_worse_fails() -> None:
    gate, verdict = trials(
        mission(0.4), LIBRARY, Choice("built-in"), SOURCE, with_rules("- when in go: sit"), seeds=12
    )
    assert (gate.result, verdict) == ("fail", "worse")
    assert gate.detail.startswith("worse: 0 pairs won, 5 lost")


@simulated
def test_the_sample_project_is_driven_by_its_own_decide() -> None:
    """Without trust: its code is ours. By its author's rules alone it turns away and is lost."""
    folder = files("handlers.project") / "sample" / "mission"
    source = parse_prompt((folder / "main.py").read_bytes(), Path("/robots/rescue/main.py"))
    choice = choose_policy(source.path.parent, source, None)
    assert choice == Choice("built-in")
    spec = parse_spec((folder / "env.json").read_bytes(), "env.json")
    library = library_for(spec.robot, None, spec.signals)
    # past the first heap, and no further: turning between the heaps, it falls over them
    further = with_rules(
        "- when in enter_debris and blocked: side_step_left distance_m=0.6",
        "- when in find_victim and blocked: stand",
        source=source,
    )
    gate, verdict = trials(spec, library, choice, source, further, seeds=12)
    assert (gate.result, verdict) == ("pass", "improved")
    assert (gate.numbers["won"], gate.numbers["lost"], gate.numbers["tied"]) == (5, 0, 0)
    assert (gate.numbers["phases_before"], gate.numbers["phases_after"]) == (5, 10)
    assert gate.numbers["falls_after"] <= gate.numbers["falls_before"]


# -- somebody's own policy -------------------------------------------------------------------------

BRAIN = '''SYSTEM_PROMPT = """Be good.
"""


def decide(observation, system_prompt):
    return {}
'''


def own(folder: Path, returns: str) -> PromptSource:
    path = folder / "main.py"
    path.write_text(BRAIN.format(returns))
    return parse_prompt(path.read_bytes(), path)


def driven(source: PromptSource, spec: ProjectSpec, seeds: int, *lines: str) -> tuple[Any, Verdict]:
    trusted = project_code(source.path.parent, source.path).sha256
    choice = choose_policy(source.path.parent, source, trusted)
    assert choice.kind == "decide"
    return trials(spec, LIBRARY, choice, source, with_rules(*lines, source=source), seeds=seeds)


@simulated
def test_a_trusted_brain_drives_under_both_prompts(tmp_path: Path) -> None:
    source = own(
        tmp_path,
        '{"action": "walk_forward", "distance_m": 1.0 if "fallen" in system_prompt else 0.3}',
    )
    gate, verdict = driven(source, mission(1.15), 5, "- when fallen: stand_up")
    assert (gate.result, verdict) == ("pass", "improved")


@simulated
@pytest.mark.parametrize(
    ("returns", "says"),
    [
        ('{"action": "moonwalk"}', "go1 has no action 'moonwalk'"),
        ('"moonwalk"', "go1 has no action 'moonwalk'"),
        ('{"action": ""}', "an action without a name"),
        ('{"action": "sit", "mood": 1}', "unknown parameter 'mood'"),
        ('{"action": "walk_forward", "distance_m": "far"}', "distance_m must be a number"),
        ('{"action": "walk_forward", "distance_m": None}', "distance_m must be a number"),
        ('{"action": "walk_forward", "distance_m": float("nan")}', "must be a finite number"),
        ('{"action": "walk_forward", "distance_m": 1e6}', "distance_m must be 0 to 20"),
        ('{"action": "walk_forward", "repeat": 10**9}', "repeat must be"),
        ("None", "decide gave no action"),
        ("undefined", "decide raised NameError: name 'undefined' is not defined (main.py:6)"),
    ],
)
def test_a_brain_that_answers_nonsense_is_one_line_and_not_counted_against_the_prompt(
    returns: str, says: str, tmp_path: Path
) -> None:
    source = own(tmp_path, returns)
    gate, verdict = driven(source, mission(1.15), 1, "- when fallen: stand_up")
    assert (gate.result, verdict) == ("skipped", "unverified")
    assert says in gate.detail
    assert gate.detail.startswith(f"unverified: not runnable: {source.path}: decide")
    assert "\n" not in gate.detail


@simulated
def test_a_brain_that_breaks_on_what_only_the_better_prompt_gets_to_see_is_not_runnable(
    tmp_path: Path,
) -> None:
    """The old prompt would break there, too."""
    source = own(
        tmp_path,
        '{"action": "walk_forward", "distance_m": (1.0 if "fallen" in system_prompt else 0.3)'
        ' + 0 / max(0, 0.95 + observation["obs"]["pos_x"])}',
    )
    gate, verdict = driven(source, mission(1.15), 3, "- when fallen: stand_up")
    assert (gate.result, verdict) == ("skipped", "unverified")
    assert "not runnable: " in gate.detail
    assert "raised ZeroDivisionError" in gate.detail


@simulated
def test_a_brain_that_cannot_read_the_new_prompt_alone_fails_the_gate(tmp_path: Path) -> None:
    source = own(tmp_path, '{"action": "sit", "x": 1 / 0} if "fallen" in system_prompt else "sit"')
    gate, verdict = driven(source, mission(1.15), 3, "- when fallen: stand_up")
    assert (gate.result, verdict) == ("fail", "worse")
    assert gate.detail == (
        f"under the new prompt alone: {source.path}: decide raised ZeroDivisionError:"
        " division by zero (main.py:6)"
    )


@simulated
def test_a_brain_that_broke_by_chance_is_not_counted_against_the_prompt(tmp_path: Path) -> None:
    # given one that breaks once, under the new prompt
    mark = str(tmp_path / "broke")
    source = own(
        tmp_path,
        f'"sit" if "fallen" not in system_prompt or __import__("os").path.exists({mark!r})'
        f' else open({mark!r}, "x").undefined',
    )
    gate, verdict = driven(source, mission(1.15), 3, "- when fallen: stand_up")
    assert (gate.result, verdict) == ("skipped", "unverified")


@simulated
def test_both_prompts_are_driven_with_the_authors_rules() -> None:
    """A rule that takes away what the author's rules do loses."""
    gate, verdict = trials(
        mission(0.4, max_ticks=2),
        LIBRARY,
        Choice("built-in"),
        SOURCE,
        with_rules("- when always: sit"),
        seeds=5,
    )
    assert gate.numbers["phases_before"] == 5
    assert (gate.result, verdict) == ("fail", "worse")
