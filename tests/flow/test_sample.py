"""The sample project as it is given out: four lines, typed as they stand, drive the mission."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from courses import Says

from handlers.goals.normal import template
from handlers.lora.data.dataset import load_dataset
from handlers.lora.exam.paper import set_paper
from handlers.lora.rollout import course
from handlers.lora.rollout.course import Course
from handlers.lora.rollout.driving import phase_plans
from handlers.lora.scorecard.statistics import rows_needed
from handlers.project.project import Project
from handlers.project.scaffold import init_project

ADDED = ("enter the debris field", "--steps", "walk_forward 1.0, crawl_forward 0.5")


@pytest.fixture
def sample(tmp_path: Path) -> Project:
    init_project(tmp_path / "rescue-dog")
    return Project.open(tmp_path / "rescue-dog", actions=True)


def test_every_row_of_the_exam_counts_and_all_that_is_taught_is_asked_for(sample: Project) -> None:
    data = load_dataset(sample)
    paper = set_paper(data, shown=[phase.goal_prompt for phase in sample.spec.phases])
    assert (data.problems, data.left_out, data.conflicts) == ((), {}, ())
    assert (paper.left_out, paper.unexamined) == ((), ())
    # enough are sealed for an adapter that is right nine times in ten
    needed = rows_needed(0.9, 0.8)
    assert needed is not None
    assert len(paper.sealed) >= needed


def test_nothing_is_asked_twice_nor_with_another_plan(sample: Project) -> None:
    data = load_dataset(sample)
    templates = Counter(template(row.goal) for row in data.exam)
    assert max(templates.values()) == 1
    assert not set(templates) & {template(row.goal) for row in data.train}
    actions = {step.action for row in data.train for step in row.actions}
    assert {step.action for row in data.exam for step in row.actions} <= actions


def test_the_plans_that_are_taught_of_the_phases_drive_the_mission(
    sample: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mujoco")
    monkeypatch.setattr(course, "MOST_WORKERS", 1)
    taught = {row.goal: row.actions for row in load_dataset(sample).train}
    plans = phase_plans(Says(taught), sample.spec)
    assert all(plans.values())
    for run in Course(sample).drives(plans, 3):
        assert (run.end, run.forbidden, run.person, run.scraped) == ("success", None, None, [])


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_four_lines_of_the_readme_deploy_and_drive(house, tmp_path: Path) -> None:
    for module in ("torch", "peft", "mujoco", "transformers"):
        pytest.importorskip(module)
    house.run("cadenza", "env", "init", tmp_path / "rescue-dog")
    lora = ("cadenza", "env", "lora")
    project = tmp_path / "rescue-dog"

    house.run(*lora, "add", project, *ADDED)
    words = ("--epochs", "5", "--rank", "8", "--gate", "--json")
    card = json.loads(house.run(*lora, "finetune", project, *words, timeout=600).stdout)
    assert (card["verdict"], card["deployed"]) == ("DEPLOY", True), card["reasons"]

    line = house.run(*lora, "decode", project, "search for the victim", "--json").stdout
    turns = [action["action"] for action in json.loads(line)["actions"]]
    assert turns == ["turn_left", "turn_right", "turn_left"]

    drive = ("cadenza", "env", "run", project, "--headless", "--policy", "lora", "--json")
    done = house.run(*drive, "--episodes", "20", check=False, timeout=600)
    runs = json.loads(done.stdout)["episodes"]
    assert sum(run["success"] for run in runs) >= 18
    assert {run["policy"] for run in runs} == {"lora"}
