"""What is trained on: each source, each row once, the exam kept apart, bad lines named."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import runlogs
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.lora.data.dataset import UNSEEN, ExamOverlap, load_dataset
from handlers.lora.data.mined import LONGEST
from handlers.lora.model.rows import MAX_ACTIONS, Row
from handlers.lora.model.text import read
from handlers.project.formats.examples import Step
from handlers.project.project import Project
from store.errors import InputError, ProjectError

GOAL = "find the red box"


def write_mission(project: Path, *goals: str) -> None:
    phases = [
        {"name": f"p{at}", "goal_prompt": goal, "success_when": {"elapsed_ticks": 3}}
        for at, goal in enumerate(goals or (GOAL,))
    ]
    (project / "env.json").write_text(json.dumps({"name": "m", "phases": phases}))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "rescue"
    for name in ("lora", ".cadenza-env/examples"):
        (folder / name).mkdir(parents=True)
    write_mission(folder)
    return folder


def row(goal: str, *actions: str, **more: object) -> str:
    steps = [{"action": action} for action in actions]
    return json.dumps({"goal": goal, "actions": steps, **more}) + "\n"


def put(project: Path, where: str, *lines: str) -> Path:
    path = project / where
    path.write_text("".join(lines))
    return path


def tick(number: int, action: str = "walk_forward", **changes: Any) -> dict[str, Any]:
    parameters = {"speed": 1.0, "extension": 1.0, "repeat": 1, "distance_m": 0.5}
    what = {"phase": "p0", "goal_prompt": GOAL, "action": action, "action_params": parameters}
    return runlogs.record(number, **{**what, **changes})


def log(project: Path, *records: dict[str, Any], name: str = "one") -> Path:
    text = "".join(json.dumps(record) + "\n" for record in records)
    return put(project, f".cadenza-env/{name}.log.jsonl", text)


def mined(project: Path) -> list[Row]:
    return [row for row in load_dataset(Project.open(project)).train if row.origin == "run"]


def names(steps: tuple[Step, ...]) -> list[str]:
    return [step.action for step in steps]


# -- sources ---------------------------------------------------------------------------------------


def test_every_source_gives_rows_and_says_where_they_are_from(project: Path) -> None:
    # given a row from each place
    write_mission(project, GOAL, "walk forward 1.5 meters, then turn left 90 degrees")
    put(project, "lora/patterns.jsonl", "\n", row("a", "sit"))
    put(project, ".cadenza-env/x.examples.jsonl", row("b", "sit"))
    put(project, ".cadenza-env/examples/y.jsonl", row("c", "sit"))
    put(project, "lora/eval.jsonl", row("d", "sit"))
    put(project, ".cadenza-env/x.exam.jsonl", row("e", "sit"))
    put(project, ".cadenza-env/examples/y.exam.jsonl", row("f", "sit"))
    log(project, tick(1, phase_done=True))

    # when they are loaded
    data = load_dataset(Project.open(project))

    # then each is there with its origin and its place, and the exam apart
    assert [(row.goal, row.origin, row.where) for row in data.train] == [
        ("a", "pattern", "lora/patterns.jsonl:2"),
        ("b", "pattern", ".cadenza-env/x.examples.jsonl:1"),
        ("c", "pattern", ".cadenza-env/examples/y.jsonl:1"),
        ("walk forward 1.5 meters, then turn left 90 degrees", "env", "env.json: phases[1]"),
        (GOAL, "run", "one.log.jsonl:1"),
    ]
    assert sorted(row.goal for row in data.exam) == ["d", "e", "f"]
    assert data.sources == {"pattern": 3, "env": 1, "run": 1}
    assert (data.problems, dict(data.left_out)) == ((), {})


def test_a_file_whose_name_says_nothing_is_taken_by_what_is_in_it(project: Path) -> None:
    # as intake counts it among the examples too
    put(project, ".cadenza-env/mine.jsonl", row("a", "sit"))
    put(project, ".cadenza-env/other.jsonl", '{"event": "x", "ts": 1}\n')
    put(project, ".cadenza-env/records.jsonl", '{"prompt": "x", "goal": "y", "actions": []}\n')
    put(project, "in_the_root.jsonl", row("b", "sit"))
    data = load_dataset(Project.open(project))
    assert [row.goal for row in data.train] == ["a"]
    assert data.problems == ()


def test_nothing_but_a_mission_gives_no_rows(project: Path) -> None:
    (project / "lora").rmdir()
    data = load_dataset(Project.open(project))
    assert (data.train, data.exam) == ((), ())


def test_without_a_mission_there_is_no_project(project: Path) -> None:
    (project / "env.json").write_text("{")
    with pytest.raises(ProjectError, match=r"env\.json"):
        load_dataset(Project.open(project))


def test_phase_goals_are_rows_only_when_they_give_every_amount(project: Path) -> None:
    write_mission(
        project, "walk forward 1 meter", "walk forward 1 meter, then turn left", "look around",
        "rotate right 0.5 radians",
    )  # fmt: skip
    assert [(row.goal, row.actions) for row in load_dataset(Project.open(project)).train] == [
        ("walk forward 1 meter", (Step("walk_forward", {"distance_m": 1.0}),)),
        ("rotate right 0.5 radians", (Step("turn_right", {"rotation_rad": 0.5}),)),
    ]


# -- merging ---------------------------------------------------------------------------------------


def test_the_same_row_twice_is_kept_where_it_came_first(project: Path) -> None:
    put(project, "lora/patterns.jsonl", row("Sit down!", "sit"), row("sit  down", "sit"))
    put(project, ".cadenza-env/x.examples.jsonl", row("SIT DOWN", "sit", pinned=True))
    data = load_dataset(Project.open(project))
    assert [(row.goal, row.where) for row in data.train] == [("Sit down!", "lora/patterns.jsonl:1")]
    assert data.train[0].pinned
    assert data.left_out == {"the same row twice": 2}


def test_of_one_goal_with_two_plans_the_newer_row_counts_and_both_are_named(project: Path) -> None:
    put(project, "lora/patterns.jsonl", row("rest", "sit"), row("please rest now", "lie_down"))
    data = load_dataset(Project.open(project))
    assert [names(row.actions) for row in data.train] == [["lie_down"]]
    (conflict,) = data.conflicts
    assert (conflict.dropped, conflict.kept) == ("lora/patterns.jsonl:1", "lora/patterns.jsonl:2")
    assert "'rest'" in str(conflict)


def test_between_files_the_one_written_later_counts_whatever_it_is_called(project: Path) -> None:
    first = put(project, "lora/patterns.jsonl", row("rest", "sit"))
    second = put(project, ".cadenza-env/a.examples.jsonl", row("rest", "lie_down"))
    os.utime(first, ns=(2_000, 2_000))
    os.utime(second, ns=(1_000, 1_000))
    data = load_dataset(Project.open(project))
    assert [row.where for row in data.train] == ["lora/patterns.jsonl:1"]
    os.utime(second, ns=(3_000, 3_000))
    data = load_dataset(Project.open(project))
    assert [row.where for row in data.train] == [".cadenza-env/a.examples.jsonl:1"]


def test_the_exams_own_contradictions_are_named_too(project: Path) -> None:
    put(project, "lora/eval.jsonl", row("rest", "sit"), row("rest", "lie_down"))
    data = load_dataset(Project.open(project))
    assert [row.where for row in data.exam] == ["lora/eval.jsonl:2"]
    assert [conflict.dropped for conflict in data.conflicts] == ["lora/eval.jsonl:1"]


def test_a_picture_is_known_by_what_is_in_it_whatever_its_name(project: Path) -> None:
    for name, content in (("a.png", b"1"), ("b.png", b"2"), ("copy_of_a.png", b"1")):
        (project / name).write_bytes(content)
    (project / "lora_encoder.py").write_text("")
    put(project, "lora/patterns.jsonl", row("this", "sit", image="a.png"),
        row("this", "sit", image="b.png"), row("this", "sit", image="copy_of_a.png"),
        row("that", "sit", image="a.png"), row("that", "stand", image="copy_of_a.png"))  # fmt: skip
    data = load_dataset(Project.open(project))
    assert [(row.goal, names(row.actions), row.image) for row in data.train] == [
        ("this", ["sit"], "a.png"),
        ("this", ["sit"], "b.png"),
        ("that", ["stand"], "copy_of_a.png"),
    ]
    assert data.left_out["the same row twice"] == 1
    assert [conflict.goal for conflict in data.conflicts] == ["that"]


def test_a_question_asked_twice_in_the_exam_counts_once(project: Path) -> None:
    put(project, "lora/eval.jsonl", row("sit", "sit"), row("Sit.", "sit", pinned=True))
    data = load_dataset(Project.open(project))
    assert [(row.where, row.pinned) for row in data.exam] == [("lora/eval.jsonl:1", True)]
    assert data.left_out == {"the same exam row twice": 1}


@pytest.mark.parametrize(
    "copy",
    [
        ".cadenza-env/x.exam (1).jsonl",
        ".cadenza-env/x.exam.sync-conflict-20260101-1.jsonl",
        ".cadenza-env/x.exam copy.jsonl",
        ".cadenza-env/x (conflicted copy).exam.jsonl",
        ".cadenza-env/X.EXAM.JSONL",
        ".cadenza-env/x.exam.ndjson",
        ".cadenza-env/eval.jsonl",
        ".cadenza-env/examples/eval.jsonl",
        ".cadenza-env/examples/x.exam (1).jsonl",
        "lora/eval (1).jsonl",
    ],
)
def test_a_copy_of_an_exam_is_never_trained_on(project: Path, copy: str) -> None:
    put(project, "lora/patterns.jsonl", row("sit down", "sit"))
    put(project, copy, row("walk on", "walk_forward"))
    data = load_dataset(Project.open(project))
    assert [row.goal for row in data.train if row.origin == "pattern"] == ["sit down"]
    assert [row.goal for row in data.exam] == ["walk on"]


def test_a_compressed_exam_is_not_trained_on_either(project: Path) -> None:
    put(project, ".cadenza-env/x.exam.jsonl.gz", row("walk on", "walk_forward"))
    data = load_dataset(Project.open(project))
    assert not data.exam
    assert not [row for row in data.train if row.origin == "pattern"]


def test_a_mined_row_gives_way_to_a_written_one_and_to_the_exam(project: Path) -> None:
    phase = "walk forward 1 meter"
    write_mission(project, phase)
    log(project, tick(1, goal_prompt=phase, phase_done=True))
    # given nobody else, the mission's own row comes first
    data = load_dataset(Project.open(project))
    assert ([row.origin for row in data.train], data.left_out) == (["env"], {"mined twice": 1})
    # given a written one, that
    written = put(project, "lora/patterns.jsonl", row("Walk forward 1 meter.", "trot_forward"))
    data = load_dataset(Project.open(project))
    assert [row.origin for row in data.train] == ["pattern"]
    assert data.left_out == {"mined, and written by hand": 2}
    # given the exam, none
    written.rename(project / "lora" / "eval.jsonl")
    data = load_dataset(Project.open(project))
    assert (data.train, data.left_out) == ((), {"mined, and in the exam": 2})


def test_an_exam_goal_in_the_examples_is_an_error_that_names_both_rows(project: Path) -> None:
    put(project, "lora/patterns.jsonl", row("stand", "stand"), row("Sit down", "sit"))
    put(project, "lora/eval.jsonl", row("sit, down!", "sit"))
    with pytest.raises(ExamOverlap) as caught:
        load_dataset(Project.open(project))
    assert "lora/patterns.jsonl:2 and lora/eval.jsonl:1" in caught.value.message
    assert caught.value.message.startswith("1 goals")


def test_goals_of_other_languages_are_not_all_the_same(project: Path) -> None:
    put(project, "lora/patterns.jsonl", row("坐下", "sit"), row("встань", "stand"))
    put(project, "lora/eval.jsonl", row("转身", "turn_left"))
    assert len(load_dataset(Project.open(project)).train) == 2
    put(project, "lora/eval.jsonl", row("「坐下」", "sit"))
    with pytest.raises(ExamOverlap):
        load_dataset(Project.open(project))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Walk 1.5 m", "walk 1.5 M.", True),
        ("turn-left", "turn left", True),
        ("walk 2 metres", "Walk two meters!", True),
        ("turn 90°", "turn ninety degrees", True),
        ("wait 90 seconds", "wait 1.5 minutes", True),
        ("walk up, then sit", "walk up then sit", True),
        ("walk 2 metres", "walk 2 feet", False),
        ("turn left", "turn right", False),
        ("turn_left", "turn left", True),
        ("walk 1.5 m", "walk 15 m", False),
        ("walk 1.5 m", "walk 1 5 m", False),
        ("élan", "lan", False),
    ],
)
def test_goals_that_read_the_same_are_the_same(one: str, other: str, same: bool) -> None:
    keys = [Row(goal, (), "pattern", "").key for goal in (one, other)]
    assert (keys[0] == keys[1]) is same


@settings(deadline=None)
@given(st.text())
def test_a_goal_that_reads_as_nothing_has_no_key(goal: str) -> None:
    assert bool(Row(goal, (), "pattern", "").key) is bool(read(goal).words)


# -- bad lines -------------------------------------------------------------------------------------


def test_bad_lines_are_named_and_the_others_used(project: Path) -> None:
    put(project, "lora/patterns.jsonl", row("a", "sit"), "{\n", row("", "sit"), row("b", "sitt"),
        row("c", *["sit"] * (MAX_ACTIONS + 1)), row("d", *["sit"] * MAX_ACTIONS),
        '{"goal": "e", "actions": [{"action": "walk_forward", "distance_m": NaN}]}\n',
        row("...", "sit"), row("🚶", "sit"), '{"goal": "torn')  # fmt: skip
    data = load_dataset(Project.open(project))
    assert [row.goal for row in data.train] == ["a", "d"]
    assert [where for where, _ in data.problems] == [
        f"lora/patterns.jsonl:{line}" for line in (2, 3, 4, 7, 5, 8, 9)
    ]
    reasons = dict(data.problems)
    assert "did you mean 'sit'" in reasons["lora/patterns.jsonl:4"]
    assert f"{MAX_ACTIONS + 1} actions" in reasons["lora/patterns.jsonl:5"]


@pytest.mark.parametrize("kind", ["folder", "pipe", "leads out", "dangling"])
def test_a_file_that_cannot_be_read_is_a_problem(kind: str, project: Path) -> None:
    path = project / ".cadenza-env" / "x.examples.jsonl"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "leads out":
            path.symlink_to(put(project.parent, "outside", row("a", "sit")))
        case "dangling":
            path.symlink_to("nowhere")
    data = load_dataset(Project.open(project))
    assert data.train == ()
    ((where, _),) = data.problems
    assert where == ".cadenza-env/x.examples.jsonl"


# -- the hash --------------------------------------------------------------------------------------


def test_the_hash_is_of_what_is_learned_and_not_of_where_it_stands(project: Path) -> None:
    # given
    file = put(project, "lora/patterns.jsonl", row("a", "sit"), row("b", "stand"))
    before = load_dataset(Project.open(project)).sha256
    assert load_dataset(Project.open(project)).sha256 == before

    # when only the place, the notes or unusable lines change, it is the same
    file.rename(project / ".cadenza-env" / "x.examples.jsonl")
    file = put(project, ".cadenza-env/x.examples.jsonl", "\n{\n", row("a", "sit", notes="x"),
               row("b", "stand"))  # fmt: skip
    assert load_dataset(Project.open(project)).sha256 == before

    # when goals, steps, order or the exam change, it is another
    others = {before}
    for lines in (
        [row("a", "sit"), row("c", "stand")],
        [row("a", "sit"), row("b", "sit")],
        [row("b", "stand"), row("a", "sit")],
        [row("a", "sit", image="a.png"), row("b", "stand")],
    ):
        file.write_text("".join(lines))
        others.add(load_dataset(Project.open(project)).sha256)
    put(project, "lora/eval.jsonl", row("z", "sit"))
    others.add(load_dataset(Project.open(project)).sha256)
    assert len(others) == 6


# -- mined -----------------------------------------------------------------------------------------


def test_an_example_with_an_image_keeps_nothing_else_from_teaching(project: Path) -> None:
    (project / "a.png").write_bytes(b"x")
    put(project, "lora/patterns.jsonl", row("this", "sit", image="a.png"))
    log(project, tick(0, "stand"), tick(1, phase_done=True))
    # given an encoder of text: it is named, and the rest is learned
    data = load_dataset(Project.open(project))
    assert data.problems == (("lora/patterns.jsonl:1", UNSEEN),)
    assert data.sources == {"run": 1}
    # given one that may see: both are learned
    (project / "lora_encoder.py").write_text("")
    data = load_dataset(Project.open(project))
    assert data.sources == {"pattern": 1, "run": 1}
    assert not data.problems
    assert not data.left_out


def test_what_was_done_in_a_phase_that_was_completed(project: Path) -> None:
    log(project, tick(0, "stand"), tick(1), tick(2, "turn_left", action_params={"speed": 1.5}),
        tick(3, phase_done=True), tick(4, "sit", phase="p1", phase_idx=1))  # fmt: skip
    (row,) = mined(project)
    assert row.actions == (
        Step("walk_forward", {"distance_m": 0.5}),
        Step("turn_left", {"speed": 1.5}),
        Step("walk_forward", {"distance_m": 0.5}),
    )
    assert not row.corrected


@pytest.mark.parametrize(
    "changes",
    [
        {"phase_done": False},
        {"phase_done": "true"},
        {"phase_failed": True},
        {"step_ok": False},
        {"goal_prompt": "  "},
        {"goal_prompt": 7},
        {"action": "fly"},
        {"action": None},
        {"action_params": {"distance_m": 99.0}},
    ],
)
def test_what_went_wrong_is_not_learned_from(changes: dict[str, Any], project: Path) -> None:
    log(project, tick(1), tick(2, **{"phase_done": True, **changes}))
    assert mined(project) == []


def test_a_search_is_no_plan(project: Path) -> None:
    log(project, *(tick(n) for n in range(1, LONGEST)), tick(LONGEST, phase_done=True))
    log(project, *(tick(n, goal_prompt="x") for n in range(1, LONGEST + 1)),
        tick(LONGEST + 1, goal_prompt="x", phase_done=True), name="two")  # fmt: skip
    (row,) = mined(project)
    assert (row.goal, len(row.actions)) == (GOAL, LONGEST)


def test_only_what_changes_nothing_is_left_out(project: Path) -> None:
    params = {"speed": 1, "extension": 1.0, "repeat": 1, "distance_m": 1.0, "duration_s": 1.0}
    log(project, tick(1, action_params=params), tick(2, "sit", action_params={"duration_s": 0}),
        tick(3, "turn_left", action_params={"rotation_rad": 1.57, "speed": True, "x": 3}),
        tick(4, action_params=None, phase_done=True))  # fmt: skip
    (row,) = mined(project)
    assert [step.as_json() for step in row.actions] == [
        {"action": "walk_forward", "distance_m": 1.0, "duration_s": 1.0},
        {"action": "sit"},
        {"action": "turn_left", "rotation_rad": 1.57},
        {"action": "walk_forward"},
    ]


JUDGED = {
    "match": False,
    "severity": 0.9,
    "canonical_action": "crawl_forward",
    "canonical_params": {"distance_m": 0.4},
    "canonical_confidence": 0.9,
}


@pytest.mark.parametrize(
    ("changes", "action", "corrected"),
    [
        ({}, "crawl_forward", True),
        ({"match": True}, "walk_forward", False),
        ({"severity": 0.6}, "walk_forward", False),
        ({"severity": None}, "walk_forward", False),
        ({"canonical_confidence": 0.7}, "walk_forward", False),
    ],
)
def test_a_canonical_action_stands_for_one_that_was_clearly_wrong(
    changes: dict[str, Any], action: str, corrected: bool, project: Path
) -> None:
    log(project, tick(1, judgment={**JUDGED, **changes}), tick(2, "sit", action_params={},
                                                              phase_done=True))  # fmt: skip
    (row,) = mined(project)
    assert (names(row.actions), row.corrected) == ([action, "sit"], corrected)


def test_a_correction_that_the_robot_cannot_do_spoils_the_row(project: Path) -> None:
    log(project, tick(1, judgment={**JUDGED, "canonical_action": "fly"}, phase_done=True))
    assert mined(project) == []


@pytest.mark.parametrize("end", ["phase_failed", "terminated", "truncated", "cut short"])
def test_a_second_run_in_the_same_file_begins_anew(end: str, project: Path) -> None:
    # given a run that ended in the first phase, and one after it that completed the phase
    log(project, tick(1, "jump"), tick(2, "jump", **{end: True}), tick(1), tick(2, phase_done=True))
    (row,) = mined(project)
    assert names(row.actions) == ["walk_forward", "walk_forward"]
    assert row.where == "one.log.jsonl:3"


def test_unreadable_lines_of_a_log_are_passed_over(project: Path) -> None:
    path = log(project, tick(1))
    with path.open("ab") as stream:
        stream.write(b'\xff\n[1]\nnull\n\n{"tick": 2, "phase": "p0"\n')
        stream.write(json.dumps(tick(2, phase_done=True)).encode() + b"\n{")
    (row,) = mined(project)
    assert len(row.actions) == 2


def test_a_log_given_by_hand_is_learned_from_too(project: Path, tmp_path: Path) -> None:
    put(tmp_path, "elsewhere.jsonl", json.dumps(tick(1, phase_done=True)) + "\n")
    data = load_dataset(Project.open(project), finetune=tmp_path / "elsewhere.jsonl")
    assert [(row.origin, row.where) for row in data.train] == [("finetune", "elsewhere.jsonl:1")]
    # and one that teaches nothing says so
    put(tmp_path, "records.jsonl", '{"prompt": "x", "action": "sit", "phase": "p0", "tick": 1}\n')
    data = load_dataset(Project.open(project), finetune=tmp_path / "records.jsonl")
    assert data.train == ()
    assert [where for where, _ in data.problems] == ["records.jsonl:1", "records.jsonl"]
    with pytest.raises(InputError, match="no such file"):
        load_dataset(Project.open(project), finetune=tmp_path / "nowhere.jsonl")
    with pytest.raises(InputError, match="is a folder"):
        load_dataset(Project.open(project), finetune=tmp_path)


@pytest.mark.parametrize("content", ["", "garbage\n", "\xff\xfe", '{"goal": "x"}\n', "[1]\n"])
def test_a_file_given_by_hand_that_holds_neither_is_an_error(
    content: str, project: Path, tmp_path: Path
) -> None:
    path = put(tmp_path, "x.jsonl", content)
    with pytest.raises(InputError, match="neither a run log nor a file of training records"):
        load_dataset(Project.open(project), finetune=path)


def test_a_phase_of_a_mission_that_failed_later_is_learned_from(project: Path) -> None:
    later = {"phase": "p1", "phase_idx": 1, "goal_prompt": "x", "mission_success": False}
    failed = {"phase_failed": True, "terminated": True}
    log(project, tick(1, phase_done=True, mission_success=False), tick(2, **later, **failed))
    assert [row.goal for row in mined(project)] == [GOAL]
    # but not one in whose last tick the mission failed
    log(project, tick(1, phase_done=True, terminated=True, mission_success=False))
    assert mined(project) == []
    log(project, tick(1, phase_done=True, terminated=True, mission_success=True))
    assert len(mined(project)) == 1


def test_getting_up_is_no_part_of_what_a_goal_means(project: Path) -> None:
    judged = {**JUDGED, "canonical_action": "stand_up", "canonical_params": {}}
    log(project, tick(1, judgment=judged, phase_done=True))
    (row,) = mined(project)
    assert (names(row.actions), row.corrected) == (["walk_forward"], False)
