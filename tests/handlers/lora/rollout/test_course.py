"""A mission driven under plans: what is watched, what is remembered, and by what it is driven."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from courses import ACROSS, AROUND, STRAIGHT, Says, lava_hall, project_of, step

from handlers.lora.rollout import course, drive
from handlers.lora.rollout.course import Course
from handlers.lora.rollout.drive import Drive, drive_once
from handlers.lora.rollout.driving import phase_plans, plan_of, policy_of
from handlers.lora.rollout.memory import simulation_sources

pytest.importorskip("mujoco")


def driven(folder: Path, mission: dict[str, Any], *plan: Any, seed: int = 0) -> Drive:
    project = project_of(folder, mission)
    there = Course(project)
    return drive_once(project.spec, project.library, there.scene, {ACROSS: plan}, seed)


def test_a_zone_that_is_only_passed_through_was_entered(tmp_path: Path) -> None:
    # given a walk that begins before the lava and ends behind it, in one action
    through = driven(tmp_path, lava_hall(), *STRAIGHT)
    # then it ends in success as missions count, and went where it must not
    assert through.success
    assert str(through.forbidden) == "entered 'lava' in tick 1, phase 'across'"
    around = driven(tmp_path, lava_hall(), *AROUND)
    assert (around.success, around.forbidden, around.ticks) == (True, None, 2)
    assert around.periods == pytest.approx(around.seconds * 50, abs=30)


def test_a_corner_counts_as_the_zone_does(tmp_path: Path) -> None:
    clips = (step("side_step_left", distance_m=0.42), step("walk_forward", distance_m=2.2))
    assert driven(tmp_path, lava_hall(), *clips).forbidden is not None


def test_a_zone_that_must_not_be_left_is_watched_too(tmp_path: Path) -> None:
    mission = lava_hall(fail_when={"exit_zone": "lava"}, success_when={"elapsed_ticks": 1})
    left = driven(tmp_path, mission, *STRAIGHT)
    assert str(left.forbidden) == "left 'lava' in tick 1, phase 'across'"
    stays = driven(tmp_path, mission, step("walk_forward", distance_m=1.1))
    assert (stays.success, stays.forbidden) == (True, None)


def test_a_person_that_is_touched_and_a_wall_that_is_scraped_are_told(tmp_path: Path) -> None:
    box = {"type": "box", "position": [-0.6, 0.0, 0.3], "size": [0.1, 0.4, 0.3]}
    mission = lava_hall(fail_when={}, max_ticks=1)
    mission["scene"]["objects"] = [{**box, "tag": "worker", "person": True}]
    told = driven(tmp_path, mission, *STRAIGHT)
    assert str(told.person) == "touched a person in tick 1, phase 'across'"
    mission["scene"]["objects"] = [{**box, "tag": "wall"}]
    told = driven(tmp_path, mission, *STRAIGHT)
    assert (told.person, told.success, told.scraped) == (None, False, ["wall"])


def test_a_run_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "MOST_RUN_S", 5.0)
    told = driven(tmp_path, lava_hall(), step("stand", duration_s=60.0, repeat=10))
    assert (told.success, told.end) == (False, drive.TOO_LONG)
    assert told.seconds < 6.0


def test_the_next_phase_begins_where_the_last_one_ended(tmp_path: Path) -> None:
    mission = lava_hall(success_when={"elapsed_ticks": 1})
    back = {"name": "back", "goal_prompt": "and back", "success_when": {"enter_zone": "far"}}
    mission["phases"].append({**back, "fail_when": {"enter_zone": "lava"}, "max_ticks": 2})
    plans = {ACROSS: (step("side_step_left", distance_m=0.9),), "and back": STRAIGHT}
    project = project_of(tmp_path, mission)
    scene = Course(project).scene
    told = drive_once(project.spec, project.library, scene, plans, 0)
    assert (told.success, told.phase, told.forbidden) == (True, "back", None)


def test_runs_are_remembered_by_plan_scene_and_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans, hall = {ACROSS: AROUND}, project_of(tmp_path, lava_hall())
    monkeypatch.setattr(course, "MOST_WORKERS", 1)
    first = Course(hall, folder=tmp_path / "m").drives(plans, 2)

    # given the same again, then it is told from memory, and more seeds are added to it
    (kept,) = (tmp_path / "m").glob("*.json")
    shape = json.loads(kept.read_bytes())
    kept.write_text(json.dumps([{**shape[0], "end": "remembered"}, *shape[1:]]))
    again = Course(hall, folder=tmp_path / "m").drives(plans, 3)
    assert [run.end for run in again] == ["remembered", first[1].end, "success"]
    assert [run.seed for run in again] == [0, 1, 2]

    # and nothing of it is told of another scene, other sources, or a file that is damaged
    other = project_of(tmp_path, lava_hall(max_ticks=7))
    assert Course(other, folder=tmp_path / "m").drives(plans, 1)[0].end == "success"
    kept.write_text("[{}]")
    assert Course(hall, folder=tmp_path / "m").drives(plans, 2) == first
    monkeypatch.setattr("handlers.lora.rollout.memory.simulation_sha256", lambda: "other")
    assert Course(hall, folder=tmp_path / "m").memory.recall("x") is None


def test_workers_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hall, plans = project_of(tmp_path, lava_hall()), {ACROSS: AROUND}
    monkeypatch.setattr(course, "AT_ONCE", 1)
    spread = Course(hall).drives(plans, 2)
    monkeypatch.setattr(course, "MOST_WORKERS", 1)
    assert Course(hall).drives(plans, 2) == spread


def test_the_time_that_runs_may_take_together_is_kept_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Course(project_of(tmp_path, lava_hall()))
    monkeypatch.setattr(
        there, "_driven", lambda _plans, seeds: (Drive(s, seconds=200.0) for s in seeds)
    )
    assert len(there.drives({ACROSS: AROUND}, 500)) == 96  # of 6,400 s each 32, 20,000 s in all
    monkeypatch.setattr(course, "MOST_ROBOT_S", 1.0)
    assert len(there.drives({ACROSS: STRAIGHT}, 500)) == course.FEWEST


def test_what_is_judged_is_what_drives(tmp_path: Path) -> None:
    says = Says({ACROSS: AROUND})
    spec = project_of(tmp_path, lava_hall()).spec
    policy = policy_of(says)
    assert policy.decode(ACROSS) == [one.as_json() for one in phase_plans(says, spec)[ACROSS]]
    # a goal without words has no plan, under either
    assert plan_of(says, " ?! ") == ()
    assert policy.decode(" ?! ") == []


def test_all_that_an_outcome_depends_on_is_looked_at() -> None:
    names = {path.name for path in simulation_sources()}
    assert names >= {
        "gait.py", "sim.py", "rollout.py", "model.py", "terrain.py", "go1.xml", "scene.py",
        "lora.py", "lookout.py", "drive.py",
    }  # fmt: skip
