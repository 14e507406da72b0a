"""A new project is complete, and nothing of the user's is lost for it."""

from __future__ import annotations

import ast
import importlib.util
import json
import math
import sys
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from handlers.mission.episode.judgment import MATCH
from handlers.project.formats.examples import iter_examples
from handlers.project.formats.runlog import read_run_log
from handlers.project.library import ActionLibrary, library_for
from handlers.project.scaffold import init_project, recorded_run
from handlers.project.scene import Box
from handlers.project.spec import ProjectSpec, load_spec
from store.errors import ProjectError

FILES = {
    "env.json",
    "main.py",
    "README.md",
    ".gitignore",
    "lora/patterns.jsonl",
    "lora/eval.jsonl",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    target = tmp_path / "robots" / "rescue"
    init_project(target)
    return target


@pytest.fixture
def spec(project: Path) -> ProjectSpec:
    return load_spec(project)


@pytest.fixture
def library(project: Path, spec: ProjectSpec) -> ActionLibrary:
    return library_for(spec.robot, project, spec.signals)


def goals(path: Path, library: ActionLibrary) -> set[str]:
    """The goals of a file in which every row must be usable."""

    def rejected(line: int, reason: str) -> None:
        raise AssertionError(f"{path.name}:{line}: {reason}")

    with path.open("rb") as stream:
        return {example.goal for example in iter_examples(stream, library, rejected=rejected)}


def files_in(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_a_project_is_written_whole_and_without_a_run(tmp_path: Path) -> None:
    # given a folder that does not exist
    target = tmp_path / "a" / "b"

    # when a project is made there
    written = init_project(target)

    # then it has these files and no other, env.json last, and a folder for logs
    assert files_in(target) == FILES == {p.relative_to(target).as_posix() for p in written}
    assert written[-1].name == "env.json"
    assert list((target / ".cadenza-env").iterdir()) == []
    assert ".cadenza-env/" in (target / ".gitignore").read_text().splitlines()


def test_a_folder_with_other_files_can_become_a_project(tmp_path: Path) -> None:
    # given a folder with something in it
    (tmp_path / "notes.txt").write_text("mine")

    # when a project is made there, then that stays
    init_project(tmp_path)
    assert files_in(tmp_path) == FILES | {"notes.txt"}


@pytest.mark.parametrize("taken", sorted(FILES))
def test_nothing_is_ever_overwritten(tmp_path: Path, taken: str) -> None:
    # given a folder that already has one of the files, as a link to nowhere
    (tmp_path / taken).parent.mkdir(exist_ok=True)
    (tmp_path / taken).symlink_to("nowhere")

    # when a project is made there, then it is refused in one line, before anything is written
    with pytest.raises(ProjectError, match="exists already, nothing was written") as caught:
        init_project(tmp_path)
    assert str(tmp_path / taken) in str(caught.value)
    assert files_in(tmp_path) == set()
    assert not (tmp_path / ".cadenza-env").exists()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    # given a file where the folder should be, when a project is made there, then the line says so
    (tmp_path / "file").write_text("")
    for target in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ProjectError, match="cannot be written"):
            init_project(target)


def test_the_mission_is_valid_and_whole(spec: ProjectSpec) -> None:
    assert spec.warnings == ()
    assert spec.phase_names == ("approach", "enter_debris", "find_victim", "exit", "patrol")
    assert spec.signals == ("signal_victim_found",)
    for box in spec.scene.tagged("rubble"):
        assert box.type == "box"
        assert 0.12 <= round(2 * box.size[2], 3) <= 0.20


def test_the_way_through_is_there_but_not_straight(spec: ProjectSpec) -> None:
    # given the floor, with 32 cm kept clear around every heap for the robot's body
    boxes = [item for item in spec.scene.objects if item.type == "box"]

    def is_free(x: float, y: float) -> bool:
        return all(
            math.hypot(
                max(abs(x - box.position[0]) - box.size[0], 0),
                max(abs(y - box.position[1]) - box.size[1], 0),
            )
            >= 0.32
            for box in boxes
        )

    # when everything reachable from the start is walked, 5 cm at a time, inside the hall
    start = (0, 0)
    seen, front = {start}, [start]
    while front:
        i, j = front.pop()
        for step in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
            x, y = step[0] * 0.05, step[1] * 0.05
            if step not in seen and -6.4 <= x <= 0.5 and abs(y) <= 1.2 and is_free(x, y):
                seen.add(step)
                front.append(step)

    # then every zone and the victim can be reached, but not by walking straight at any height of y
    for zone in spec.scene.zones:
        assert any(zone.contains((i * 0.05, j * 0.05, 0.3)) for i, j in seen), zone.name
    (victim,) = spec.scene.tagged("victim")
    assert isinstance(victim, Box)
    assert victim.person
    assert any(math.dist((i * 0.05, j * 0.05), victim.position[:2]) < 0.6 for i, j in seen)
    for j in range(-24, 25):
        assert not all(is_free(-i * 0.05, j * 0.05) for i in range(100))


def test_examples_and_exam_are_usable_and_apart(project: Path, library: ActionLibrary) -> None:
    # given the sample's goals, when they are read
    patterns = goals(project / "lora" / "patterns.jsonl", library)
    exam = goals(project / "lora" / "eval.jsonl", library)

    # then there are enough, and none is in both
    assert len(patterns) >= 24
    assert len(exam) >= 12
    assert patterns & exam == set()


# -- the brain -------------------------------------------------------------------------------------


@pytest.fixture
def brain(project: Path) -> ModuleType:
    found = importlib.util.spec_from_file_location("sample_brain", project / "main.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_brain_has_one_plain_prompt_and_imports_nothing_foreign(project: Path) -> None:
    # given the brain's source, when it is looked at
    tree = ast.parse((project / "main.py").read_text())
    prompts = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign)
        and [getattr(target, "id", "") for target in node.targets] == ["SYSTEM_PROMPT"]
    ]

    # then the prompt is one string literal, and only the standard library is imported
    assert len(prompts) == 1
    assert isinstance(prompts[0].value, ast.Constant)
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    assert imported - {"__future__"} <= sys.stdlib_module_names | {"collections.abc"}


@pytest.mark.parametrize(
    ("observation", "action"),
    [
        ({"phase": "approach"}, {"action": "walk_forward", "distance_m": 0.5}),
        ({"phase": "patrol"}, {"action": "trot_forward", "distance_m": 1.0}),
        ({"phase": "exit"}, {"action": "walk_forward", "distance_m": 0.3}),
        ({"obs": {"roll_deg": -80.0}}, {"action": "stand_up"}),
        ({"obs": {"nearest_m": 0.2}}, {"action": "turn_left", "rotation_rad": 0.7}),
        ({"obs": {"nearest_m": -1.0}}, {"action": "walk_forward", "distance_m": 0.3}),
        ({"obs": {"nearest_m": None}}, {"action": "walk_forward", "distance_m": 0.3}),
        ({"motion": {"label": "stuck"}}, {"action": "walk_backward", "distance_m": 0.3}),
        ({"visible_tags": {"victim": 0.4}}, {"action": "signal_victim_found"}),
        ({"visible_tags": {"victim": 2.0}}, {"action": "walk_forward", "distance_m": 0.3}),
        ({}, {"action": "walk_forward", "distance_m": 0.3}),
    ],
)
def test_the_brain_follows_its_prompt(
    brain: ModuleType, library: ActionLibrary, observation: dict[str, Any], action: dict[str, Any]
) -> None:
    # given an observation, when the brain decides, then the first rule that holds is followed
    assert brain.decide(observation, brain.SYSTEM_PROMPT) == action
    assert library.validate(action) == []


def test_another_prompt_is_another_behaviour(brain: ModuleType) -> None:
    assert brain.decide({}, "- when always: sit duration_s=2") == {"action": "sit", "duration_s": 2}
    assert brain.decide({}, "Be kind.") == {"action": "stand"}


# -- the recorded run ------------------------------------------------------------------------------


def test_the_recorded_run_is_one_of_this_mission(
    project: Path, spec: ProjectSpec, library: ActionLibrary
) -> None:
    # given the recorded run, when it is read
    with recorded_run().open("rb") as stream:
        summary = read_run_log(stream)
    rows = [json.loads(line) for line in recorded_run().read_bytes().splitlines()]

    # then it is complete, of the sample's own env.json, and ends with a timeout in the second phase
    (episode,) = summary.episodes
    assert (summary.counts.valid, summary.counts.rejected) == (len(rows), 0)
    assert 25 <= episode.ticks <= 40
    assert (episode.outcome, episode.reason, episode.phases_done) == ("failed", "timeout", 1)

    # and every tick agrees with the mission and with itself
    phases = {phase.name: phase for phase in spec.phases}
    first, *ticks = rows
    assert first["stamp"]["env_sha256"] == sha256((project / "env.json").read_bytes()).hexdigest()
    assert (first["stamp"]["policy"], first["action"]) == ("prompt", None)
    for number, row in enumerate(ticks, 1):
        assert row["tick"] == number
        assert row["phase"] == spec.phases[row["phase_idx"]].name
        assert row["goal_prompt"] == phases[row["phase"]].goal_prompt
        assert library.validate({"action": row["action"], **row["action_params"]}) == []
        assert row["is_signal"] == (row["signal_event"] != "none")
        motion, judgment = row["motion"], row["judgment"]
        assert motion["displacement_m"] <= motion["path_length_m"] + 1e-4
        assert judgment["match"] == (judgment["severity"] <= MATCH)
        zone_name = phases[row["phase"]].success_when.enter_zone
        if zone_name is not None:
            obs = row["obs"]
            point = (obs["pos_x"], obs["pos_y"], obs["body_height"])
            assert spec.scene.zone(zone_name).contains(point) == row["phase_done"]
    last = [row for row in ticks if row["phase"] == "enter_debris"]
    assert len(last) == phases["enter_debris"].max_ticks
    assert last[-1]["terminated"]
    assert last[-1]["truncated"]
