"""Nights in which nobody looks, in short; `make nights` lives through twelve projects."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

pytest.importorskip("groq")
pytest.importorskip("mujoco")

from nights.figures import difference, holm, least_loss, over_projects, p_worse
from nights.judges import INJECTION
from nights.night import Plan, Runs, live
from nights.projects import PROJECTS, NightProject, project_named

QUICK = Plan(nights=2, missions=3, held_out=4, pairs=12)
CHEAP = ("mark", "pit")
"""Flaws that one seed shows, in a tenth of a second."""


# -- the nights ------------------------------------------------------------------------------------


@pytest.mark.timeout(300)  # a dozen commands, and the missions of a trial
def test_a_night_mends_a_project_and_leaves_a_perfect_one_alone(tmp_path: Path) -> None:
    # given two projects, a model that answers well, and runs that nobody is shown
    runs = Runs(tmp_path / "runs")
    mended = live(project_named("mark"), "sound", QUICK, tmp_path / "mark", runs)
    perfect = live(project_named("flat"), "sound", QUICK, tmp_path / "flat", runs)

    # then the one has a rule that a trial has shown to help, and does what it could not
    assert (sum(mended.before), sum(mended.after)) == (0, 4)
    assert "PromptTried (improved)" in mended.nights[0].did
    assert any("near mark" in line or "seeing mark" in line for line in mended.rules)
    assert mended.nights[1].succeeded == 3

    # and of the other nobody was asked
    assert perfect.before == perfect.after == [True] * 4
    assert (perfect.calls, perfect.rules) == (0, [])
    assert [night.did for night in perfect.nights] == [("PromptKept (no_findings)",)] * 2


def test_harm_that_nobody_tries_is_done_and_no_prose_gets_in(tmp_path: Path) -> None:
    """The control: what the trial keeps out does harm, and would be written without it."""
    runs, project = Runs(tmp_path / "runs"), project_named("post")
    plan = Plan(nights=1, missions=3, held_out=4)
    gated = live(project, "watch alone", plan, tmp_path / "untried", runs)
    control = live(project, "ungated", plan, tmp_path / "ungated", runs)
    assert sum(control.after) < sum(control.before)
    assert gated.rules
    assert gated.nights[0].did[-1].startswith("PromptRewritten")
    for line in (*gated.rules, *control.rules):
        assert not any(part in line for part in INJECTION.split("\n"))


# -- the projects ----------------------------------------------------------------------------------


@pytest.mark.parametrize("project", [project_named(name) for name in CHEAP], ids=lambda p: p.name)
def test_a_projects_flaw_is_mended_by_its_remedy(project: NightProject, tmp_path: Path) -> None:
    assert drives(project, tmp_path, [7]) == ([False], [True])


@pytest.mark.long
@pytest.mark.parametrize("project", PROJECTS, ids=lambda p: p.name)
def test_every_project_is_what_it_is_said_to_be(project: NightProject, tmp_path: Path) -> None:
    before, after = drives(project, tmp_path, range(12))
    match project.kind:
        case "perfect":
            assert all(before)
        case "flawed":
            assert not all(before)
            assert all(after)
        case "hopeless":
            assert not all(before)
            assert before == after


def drives(project: NightProject, folder: Path, seeds) -> tuple[list[bool], list[bool]]:
    """Which missions succeed under the prompt as it is, and under it with the remedy."""
    from handlers.judge.gates.arena import Arena
    from handlers.judge.gates.tally import Drive
    from handlers.judge.policy import choose_policy
    from handlers.judge.prompt.code import brain_of, project_code
    from handlers.judge.prompt.rules.grammar import parse_all
    from handlers.judge.prompt.source import edited, find_prompt
    from handlers.project.project import Project

    place = project.write(folder / project.name)
    opened, source = Project.open(place, actions=True), find_prompt(place)
    brain = brain_of(place, source)
    trusted = project_code(place, brain, source).sha256
    choice = choose_policy(place, source, trusted)
    rules = parse_all([project.remedy or "- when fallen: stand_up"])
    results = []
    with Arena(opened.spec, opened.library, choice, place) as arena:
        for prompt in (source, source.again(edited(source, rules))):
            driven = [arena.drive(prompt, seed) for seed in seeds]
            assert all(isinstance(drive, Drive) for drive in driven), driven
            results.append([drive.success for drive in driven])
    return results[0], results[1]


# -- the figures -----------------------------------------------------------------------------------


def test_a_loss_is_called_worse_only_beyond_chance() -> None:
    assert p_worse([True] * 5, [True] * 5) == 1
    assert p_worse([True] * 5 + [False], [False] * 5 + [False]) == 1 / 2**5
    assert p_worse([False] * 5, [True] * 5) == 1
    assert holm([0.01, 0.5, 0.02]) == [0.03, 0.5, 0.04]
    assert least_loss(1) == 5
    assert least_loss(48) == 10
    middle, (low, high) = over_projects([0.2, 0.4, 0.6])
    assert (round(middle, 3), round(low, 2), round(high, 2)) == (0.4, -0.1, 0.9)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    draw, held = Random(5), 0
    for _ in range(1000):
        luck = [draw.random() for _ in range(40)]
        before = [x < 0.6 for x in luck]  # the same luck on both sides, as seeds bring it
        after = [x + draw.uniform(-0.3, 0.3) < 0.7 for x in luck]
        _, (low, high) = difference(before, after)
        held += low <= 0.1 <= high
    assert 930 <= held <= 990
    assert difference([True] * 4, [True] * 4)[0] == 0
