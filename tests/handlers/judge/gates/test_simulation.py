"""G3: only pairs of simulated missions say "improved", and nothing that is not shown passes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from handlers.judge.gates.arena import Arena, Broken
from handlers.judge.gates.budget import SEEDS, next_budget
from handlers.judge.gates.simulation import Limits, Trial, retirement, trials
from handlers.judge.gates.tally import Drive
from handlers.judge.policy import Choice, choose_policy
from handlers.judge.prompt.code import project_code
from handlers.judge.prompt.rules.grammar import parse_all
from handlers.judge.prompt.source import PromptSource, edited, parse_prompt
from handlers.project.library import library_for
from handlers.project.spec import ProjectSpec, parse_spec
from store.errors import MissingExtraError
from store.reads.improvements import TrialsRow

LIBRARY = library_for("go1", None)
SOURCE = parse_prompt(
    b'SYSTEM_PROMPT = """Be good.\n- when always: walk_forward distance_m=0.3\n"""\n',
    Path("/robots/short/main.py"),
)
BUILT_IN = Choice("built-in")
FIRST = next_budget(TrialsRow(), 0, "a log and two prompts")
"""Of a project that has not tried anything."""

simulated = pytest.mark.skipif(find_spec("mujoco") is None, reason="mujoco is not installed")


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


def tried(
    spec: ProjectSpec,
    *candidates: PromptSource,
    choice: Choice = BUILT_IN,
    source: PromptSource = SOURCE,
    pairs: int = 60,
    **more: Any,
) -> Trial:
    arena = Arena(spec, LIBRARY, choice)
    return trials(arena, source, candidates or [source], FIRST, Limits(pairs), **more)


@pytest.mark.parametrize(
    ("choice", "pairs", "says"),
    [
        (Choice("none", "why"), 60, "why"),
        (BUILT_IN, 0, "judge.seeds is 0"),
        (BUILT_IN, 7, "judge.seeds = 7 pairs cannot show anything at level 0.025, the share of"
         " trial 1; it takes 8 at least"),
    ],
)  # fmt: skip
def test_without_a_brain_or_enough_seeds_nothing_is_verified(
    choice: Choice, pairs: int, says: str
) -> None:
    trial = tried(mission(1), choice=choice, pairs=pairs)
    assert (trial.gate.result, trial.gate.detail) == ("skipped", f"unverified: {says}")
    assert (trial.verdict, trial.fact) == ("unverified", None)


def test_a_robot_without_a_model_is_not_simulated_as_another() -> None:
    trial = tried(mission(1).model_copy(update={"robot": "g1"}))
    assert (trial.gate.result, trial.verdict) == ("skipped", "unverified")
    assert "robot 'g1' cannot be simulated" in trial.gate.detail


# -- scripted missions -----------------------------------------------------------------------------


class Course(Arena):
    """An arena whose missions are scripted: phases done, by the prompt and the seed's number."""

    def __init__(self, **scripts: Any) -> None:
        super().__init__(mission(1), LIBRARY, BUILT_IN)
        self.scripts = scripts
        self.driven: list[tuple[str, int]] = []

    def __enter__(self) -> Course:
        return self

    def drive(self, source: PromptSource, seed: int) -> Drive | Broken:
        name = source.path.stem
        self.driven.append((name, seed))
        result = self.scripts[name](len(self.driven))
        return result if isinstance(result, Broken) else Drive(seed, False, ("go",) * result, 0)


def named(name: str) -> PromptSource:
    return replace(SOURCE, path=Path(f"/{name}.py"))


def course_of(old: Any, **new: Any) -> tuple[Course, PromptSource, list[PromptSource]]:
    return Course(old=old, **new), named("old"), [named(name) for name in new]


def test_the_best_candidate_is_confirmed_on_seeds_of_its_own() -> None:
    course, old, new = course_of(
        lambda _n: 1, same=lambda _n: 1, best=lambda _n: 3, worse=lambda _n: 0
    )
    trial = trials(course, old, new, FIRST, Limits(60, search=24))
    assert (trial.verdict, trial.chosen) == ("improved", 1)
    assert trial.fact is not None
    count = trial.fact.searched
    assert f"chosen from 3 in {count} missions before" in trial.gate.detail
    assert (count, trial.fact.decision) == (trial.missions, 1)
    assert trial.standings[1].gain == 1.0

    # then no seed of the choice decides, and both prompts drive each seed that does
    searched = {seed for _, seed in course.driven[:count]}
    decided = {seed for _, seed in course.driven[count:]}
    assert not searched & decided
    assert decided == {*range(FIRST.first_seed, FIRST.first_seed + trial.fact.pairs)}
    assert searched <= {*range(FIRST.search_seed, FIRST.search_seed + SEEDS)}
    for name in ("old", "best"):
        assert {seed for who, seed in course.driven[count:] if who == name} == decided


def test_what_is_not_ahead_in_the_search_is_not_tried() -> None:
    course, old, new = course_of(lambda _n: 1, new=lambda _n: 1)
    trial = trials(course, old, new, FIRST, Limits(60))
    assert (trial.gate.result, trial.verdict) == ("fail", "not_improved")
    assert (trial.chosen, trial.fact) == (None, None)
    assert trial.gate.detail == "the candidate did no better in 32 missions: no trial"


def test_what_changes_nothing_is_given_up_and_not_written() -> None:
    course, old, new = course_of(lambda _n: 1, new=lambda n: 3 if n == 2 else 1)
    trial = trials(course, old, new, FIRST, Limits(60))
    assert (trial.gate.result, trial.verdict) == ("fail", "not_improved")
    assert trial.gate.detail.startswith(
        "not improved (it changes nothing in 16 pairs in a row): 0 pairs won, 0 lost, 16 tied"
    )
    assert trial.fact is not None
    assert (trial.fact.verdict, trial.fact.pairs) == ("not_improved", 16)


def test_when_its_time_is_over_it_is_not_improved() -> None:
    course, old, new = course_of(lambda _n: 1, new=lambda n: 3 if n == 2 else 1 + (n % 4 == 0))
    clock = iter(range(1000))
    trial = trials(course, old, new, FIRST, Limits(60, seconds=12), now=lambda: float(next(clock)))
    assert trial.verdict == "not_improved"
    assert "stopped after judge.trial_s = 12 s" in trial.gate.detail
    assert 1 < trial.gate.numbers["pairs"] < 12


def test_a_rule_that_is_worth_nothing_is_shown_to_be_so_and_one_that_helps_is_not() -> None:
    # given a prompt without a rule that does nothing: as many pairs as the margin asks for
    course, old, (new,) = course_of(lambda _n: 1, new=lambda _n: 1)
    idle = retirement(course, old, new, FIRST, Limits(100))
    assert (idle.gate.result, idle.verdict, idle.is_proven) == ("pass", "no_worse", True)
    assert idle.gate.detail.startswith("no worse by 10 points or more: 0 pairs won, 0 lost, 62")
    assert idle.fact is not None
    assert (idle.fact.verdict, idle.fact.pairs) == ("no_worse", 62)

    # and without one that a phase is done by, every third time
    course, old, (new,) = course_of(lambda n: 2 if n % 6 == 1 else 1, new=lambda _n: 1)
    needed = retirement(course, old, new, FIRST, Limits(100))
    assert (needed.gate.result, needed.is_proven) == ("fail", False)
    assert "that it loses nothing is refuted" in needed.gate.detail


def test_the_level_and_what_is_odd_about_it_are_said() -> None:
    course, old, new = course_of(lambda _n: 1, new=lambda _n: 3)
    trial = trials(course, old, new, next_budget(TrialsRow(), 2, "x"), Limits(60))
    assert trial.verdict == "improved"
    assert "needed in trial 3 (level 0.0042 of 0.05 in all)" in trial.gate.detail
    assert "the event log knows 0 earlier trials, the versions on disk 2" in trial.gate.detail


def test_a_brain_that_breaks_is_not_runnable_and_no_decision() -> None:
    broken = Broken("main.py: decide gave no answer", "run it by hand", ({}, ()))
    course, old, new = course_of(lambda n: broken if n > 6 else 1, new=lambda _n: 3)
    trial = trials(course, old, new, FIRST, Limits(60))
    assert (trial.gate.result, trial.verdict, trial.fact) == ("skipped", "unverified", None)
    assert trial.gate.detail == (
        "unverified: not runnable: main.py: decide gave no answer; run it by hand"
    )


def test_without_the_simulator_it_is_skipped_and_says_how_to_get_it() -> None:
    @contextmanager
    def missing() -> Iterator[Any]:
        raise MissingExtraError("mujoco is not installed", hint="pip install cadenzad[sim]")
        yield

    class Without(Arena):
        def __enter__(self) -> Arena:
            return missing().__enter__()

    trial = trials(Without(mission(1), LIBRARY, BUILT_IN), SOURCE, [SOURCE], FIRST, Limits(60))
    assert (trial.gate.result, trial.verdict) == ("skipped", "unverified")
    assert trial.gate.detail == "unverified: mujoco is not installed; pip install cadenzad[sim]"


# -- real ones -------------------------------------------------------------------------------------


@simulated
def test_a_prompt_that_really_helps_is_called_improved_as_soon_as_that_is_sure() -> None:
    # given a goal that short steps do not reach in time, and a rule for long ones
    told: list[Any] = []
    trial = tried(
        mission(1.15),
        with_rules("- when in go: walk_forward distance_m=1"),
        report=told.append,
    )

    # then eight pairs are enough
    assert (trial.gate.result, trial.verdict) == ("pass", "improved")
    assert trial.gate.detail == (
        "improved: 8 pairs won, 0 lost, 0 tied; phases done 0 -> 8, falls per phase reached"
        " 0.00 -> 0.00; evidence 56.7 of 40 needed in trial 1 (level 0.025 of 0.05 in all);"
        " chosen from 1 in 2 missions before"
    )
    assert [item["done"] for item in told if item["step"] == "choosing"] == [0, 1]
    tried_of = [item for item in told if item["step"] == "simulating"]
    assert [item["done"] for item in tried_of] == [*range(8)]
    assert tried_of[-1].pop("eta_s") > 0
    assert tried_of[-1] == {"step": "simulating", "done": 7, "total": 60, "won": 7, "lost": 0}


@simulated
def test_several_processes_say_what_one_says() -> None:
    rules = with_rules("- when in go: walk_forward distance_m=1")
    arena = Arena(mission(1.15), LIBRARY, BUILT_IN, workers=2)
    assert trials(arena, SOURCE, [rules], FIRST, Limits(60)) == tried(mission(1.15), rules)


@simulated
def test_a_prompt_that_is_worse_fails_without_a_trial() -> None:
    trial = tried(mission(0.4), with_rules("- when in go: sit"))
    assert (trial.gate.result, trial.verdict) == ("fail", "not_improved")
    assert trial.gate.detail == "the candidate did no better in 2 missions: no trial"


@simulated
@pytest.mark.long
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
    trial = trials(Arena(spec, library, choice), source, [further], FIRST, Limits(60))
    assert (trial.gate.result, trial.verdict) == ("pass", "improved")
    numbers = trial.gate.numbers
    assert (numbers["won"], numbers["lost"], numbers["tied"]) == (13, 0, 0)
    assert (numbers["phases_before"], numbers["phases_after"]) == (13, 26)
    assert numbers["fall_rate_after"] <= numbers["fall_rate_before"]


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


def driven(source: PromptSource, *lines: str, workers: int = 1) -> Trial:
    trusted = project_code(source.path.parent, source.path).sha256
    choice = choose_policy(source.path.parent, source, trusted)
    assert choice.kind == "decide"
    arena = Arena(mission(1.15), LIBRARY, choice, workers=workers)
    return trials(arena, source, [with_rules(*lines, source=source)], FIRST, Limits(60))


@simulated
def test_a_trusted_brain_drives_under_both_prompts(tmp_path: Path) -> None:
    source = own(
        tmp_path,
        '{"action": "walk_forward", "distance_m": 1.0 if "fallen" in system_prompt else 0.3}',
    )
    trial = driven(source, "- when fallen: stand_up")
    assert (trial.gate.result, trial.verdict) == ("pass", "improved")


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
    trial = driven(source, "- when fallen: stand_up")
    assert (trial.gate.result, trial.verdict) == ("skipped", "unverified")
    assert says in trial.gate.detail
    assert trial.gate.detail.startswith(f"unverified: not runnable: {source.path}: decide")
    assert "\n" not in trial.gate.detail


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
    trial = driven(source, "- when fallen: stand_up")
    assert (trial.gate.result, trial.verdict) == ("skipped", "unverified")
    assert "not runnable: " in trial.gate.detail
    assert "raised ZeroDivisionError" in trial.gate.detail


@simulated
def test_a_brain_that_cannot_read_the_new_prompt_alone_fails_the_gate(tmp_path: Path) -> None:
    source = own(tmp_path, '{"action": "sit", "x": 1 / 0} if "fallen" in system_prompt else "sit"')
    trial = driven(source, "- when fallen: stand_up")
    assert (trial.gate.result, trial.verdict) == ("fail", "worse")
    assert trial.gate.detail == (
        f"under the new prompt alone: {source.path}: decide raised ZeroDivisionError:"
        " division by zero (main.py:6)"
    )


@simulated
def test_a_brain_that_broke_by_chance_is_not_counted_against_the_prompt(tmp_path: Path) -> None:
    # given one that breaks once, under the new prompt, which is better
    mark = str(tmp_path / "broke")
    walk = '{"action": "walk_forward", "distance_m": 1.0 if "fallen" in system_prompt else 0.3}'
    source = own(
        tmp_path,
        f'{walk} if "fallen" not in system_prompt or __import__("os").path.exists({mark!r})'
        f' else open({mark!r}, "x").undefined',
    )
    assert driven(source, "- when fallen: stand_up").verdict == "improved"


@simulated
def test_code_that_changes_on_the_way_is_not_run_in_any_process(tmp_path: Path) -> None:
    source = own(tmp_path, '"sit"')
    trusted = project_code(source.path.parent, source.path).sha256
    choice = choose_policy(source.path.parent, source, trusted)
    ran = tmp_path / "ran"
    source.path.write_text(source.path.read_text() + f"\nopen({str(ran)!r}, 'w')\n")
    for workers in (1, 2):
        arena = Arena(mission(1.15), LIBRARY, choice, workers=workers)
        trial = trials(arena, source, [source], FIRST, Limits(60))
        assert (trial.gate.result, trial.verdict) == ("skipped", "unverified")
        assert not ran.exists()


@simulated
def test_both_prompts_are_driven_with_the_authors_rules() -> None:
    """A rule that takes away what the author's rules do loses."""
    trial = tried(mission(0.4, max_ticks=2), with_rules("- when always: sit"))
    assert (trial.gate.result, trial.verdict) == ("fail", "not_improved")
    assert trial.standings[0].gain == -1.0
