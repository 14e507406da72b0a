"""`--steps` as steps, and rows added by hand: what is wrong is named, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.lora.data.authoring import add_example, parse_steps
from handlers.lora.data.dataset import UNSEEN, load_dataset
from handlers.project.formats.examples import Step
from handlers.project.library import library_for
from handlers.project.project import Project
from store.errors import CadenzaError, InputError, UnsafePathError

GO1 = library_for("go1", None, ["signal_found"])
SIT = (Step("sit", {}),)
MISSION: dict[str, Any] = {
    "name": "m",
    "phases": [{"name": "go", "goal_prompt": "find it", "success_when": {"elapsed_ticks": 3}}],
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "rescue"
    (folder / "lora").mkdir(parents=True)
    (folder / "env.json").write_text(json.dumps(MISSION))
    return folder


def patterns(project: Path) -> Path:
    return project / "lora" / "patterns.jsonl"


def row(goal: str, *actions: str, **more: object) -> str:
    steps = [{"action": action} for action in actions]
    return json.dumps({"goal": goal, "actions": steps, **more}) + "\n"


# -- steps -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sit", [Step("sit", {})]),
        ("walk_forward 1.5", [Step("walk_forward", {"distance_m": 1.5})]),
        ("turn_left 1.57", [Step("turn_left", {"rotation_rad": 1.57})]),
        ("stand 3", [Step("stand", {"duration_s": 3.0})]),
        ("signal_found", [Step("signal_found", {})]),
        ("jump repeat=3", [Step("jump", {"repeat": 3})]),
        ("walk_forward 2 speed=0.5", [Step("walk_forward", {"distance_m": 2.0, "speed": 0.5})]),
        (" sit ,, walk_forward  distance_m=1 ,",
         [Step("sit", {}), Step("walk_forward", {"distance_m": 1.0})]),
        ("walk_forward 0 duration_s=3",
         [Step("walk_forward", {"distance_m": 0.0, "duration_s": 3.0})]),
        ("walk_forward 1e0", [Step("walk_forward", {"distance_m": 1.0})]),
        ("turn_left 6.2832", [Step("turn_left", {"rotation_rad": 6.2832})]),
        ("walk_forward 20", [Step("walk_forward", {"distance_m": 20.0})]),
        ("walk_forward 1 m, turn_left 90°; walk_forward 80cm",
         [Step("walk_forward", {"distance_m": 1.0}), Step("turn_left", {"rotation_rad": 1.570796}),
          Step("walk_forward", {"distance_m": 0.8})]),
        ("walk_forward 1,5, turn_left 45 degrees speed=0.5",
         [Step("walk_forward", {"distance_m": 1.5}),
          Step("turn_left", {"rotation_rad": 0.785398, "speed": 0.5})]),
        ("walk_forward 2 s, jump 3 times",
         [Step("walk_forward", {"duration_s": 2.0}), Step("jump", {"repeat": 3})]),
    ],
)  # fmt: skip
def test_steps_are_read(text: str, expected: list[Step]) -> None:
    assert list(parse_steps(text, GO1)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("walk 1,5 m, then turn left 90 degrees",
         [Step("walk_forward", {"distance_m": 1.5}),
          Step("turn_left", {"rotation_rad": 1.570796})]),
        ("jump twice and sit for 2 seconds",
         [Step("jump", {"repeat": 2}), Step("sit", {"duration_s": 2.0})]),
    ],
)  # fmt: skip
def test_steps_are_read_in_words_as_goals_are(text: str, expected: list[Step]) -> None:
    assert list(parse_steps(text, GO1)) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("walk 10 to 15 meters", "--steps: '10 to 15 meters': a range"),
        ("do not sit", "--steps: 'do not sit'"),
        ("walk 1 m, turn left 45", "--steps: '45': taken as degrees"),
    ],
)
def test_steps_in_words_that_are_in_doubt_are_refused_with_the_words(text: str, says: str) -> None:
    with pytest.raises(InputError, match="steps") as caught:
        parse_steps(text, GO1)
    assert caught.value.message.startswith(says)


def test_a_signal_may_have_a_name_of_several_words() -> None:
    library = library_for("go1", None, ["call", "call home!", "a, b"])
    plan = parse_steps('call home!, call, "a, b", "sit"', library)
    assert [step.action for step in plan] == ["call home!", "call", "a, b", "sit"]


def test_a_turn_in_degrees_is_told_how_to_be_written() -> None:
    with pytest.raises(InputError, match="rotation_rad must be 0 to 6") as caught:
        parse_steps("turn_left 45", GO1)
    assert "'turn_left 45 deg' is 0.7854" in caught.value.hint


def test_a_count_is_a_whole_number() -> None:
    (step,) = parse_steps("jump repeat=3.0", GO1)
    assert json.dumps(step.as_json()) == '{"action": "jump", "repeat": 3}'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no steps"),
        (" , ,", "no steps"),
        ("sitt", "step 1: go1 has no action 'sitt'; did you mean 'sit'?"),
        ("sit, walk_forwrad 1", "step 2: go1 has no action 'walk_forwrad'; did you mean 'walk_for"),
        ("xyzzy", "step 1: go1 has no action 'xyzzy'"),
        ("walk_forward 20.1", "distance_m must be 0 to 20, not 20.1"),
        ("walk_forward -1", "distance_m must be 0 to 20"),
        ("turn_left 7", "rotation_rad must be 0 to 6.28"),
        ("stand 61", "duration_s must be 0 to 60"),
        ("walk_forward speed=3", "speed must be 0.1 to 2.5"),
        ("jump repeat=11", "repeat must be 1 to 10"),
        ("jump repeat=0", "repeat must be 1 to 10"),
        ("jump repeat=1.5", "repeat must be a whole number"),
        ("walk_forward nan", "must be a finite number"),
        ("walk_forward inf", "must be a finite number"),
        ("walk_forward repeat=inf", "must be a finite number"),
        ("walk_forward 1e999", "must be a finite number"),
        ("walk_forward far", "'far' is not a number"),
        ("walk_forward 10 to 15 m", "'10 to 15 m' is not a number"),
        ("walk_forward 1 m 2 m", "distance_m is given twice"),
        ("sit 2 m", "sit takes no such amount"),
        ("walk_forward distance_m=", "'' is not a number"),
        ("walk_forward distanse_m=1", "unknown parameter 'distanse_m'"),
        ("walk_forward action=1", "action"),
        ("walk_forward =1", "unknown parameter ''"),
        ("sit rotation_rad=1", "takes no rotation_rad"),
        ("walk_forward 1 2", "distance_m is given twice"),
        ("walk_forward 1 distance_m=2", "distance_m is given twice"),
        ("signal_found 1", "signal_found is a signal and takes no number"),
        ("signal_found speed=2", "takes no speed"),
        ("turn_left 0", "turn_left 0 does nothing"),
        ("walk_forward distance_m=0", "walk_forward 0 does nothing"),
        ("walk_forward 1_0", "'1_0' is not a number"),
        ("walk_forward 1e", "'1e' is not a number"),
    ],
)
def test_what_is_wrong_with_a_step_is_one_line(text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_steps(text, GO1)
    assert says in caught.value.message
    assert caught.value.message.startswith("--steps: ")
    assert "\n" not in caught.value.message


@settings(deadline=None)
@given(
    st.text()
    | st.lists(st.sampled_from(["sit", "turn_left", "1", "-1", "nan", "=", ",", "repeat=2", "1_0"]))
    .map(" ".join)
)  # fmt: skip
def test_steps_are_within_the_library_or_refused(text: str) -> None:
    try:
        steps = parse_steps(text, GO1)
    except InputError:
        return
    assert steps
    assert all(GO1.validate(step.as_json()) == [] for step in steps)


# -- rows ------------------------------------------------------------------------------------------


def test_a_row_is_added_and_can_be_trained_on(project: Path) -> None:
    steps = parse_steps("walk_forward 1.0, jump repeat=2", GO1)
    first = add_example(Project.open(project), "  über den Balken ", steps)
    second = add_example(Project.open(project), "sit down", SIT)
    assert first == ("lora/patterns.jsonl:1", True, ())
    assert second == ("lora/patterns.jsonl:2", True, ())
    rows = load_dataset(Project.open(project)).train
    assert [(row.goal, row.actions, row.origin, row.where) for row in rows] == [
        ("über den Balken", steps, "pattern", "lora/patterns.jsonl:1"),
        ("sit down", SIT, "pattern", "lora/patterns.jsonl:2"),
    ]
    assert "über" in patterns(project).read_text("utf-8")


def test_the_folder_is_made_when_it_is_missing(project: Path) -> None:
    (project / "lora").rmdir()
    assert add_example(Project.open(project), "sit down", SIT)[1]
    assert patterns(project).is_file()


@pytest.mark.parametrize("again", ["sit down", "Sit down!", "  SIT   down. "])
def test_the_same_again_is_there_already(again: str, project: Path) -> None:
    add_example(Project.open(project), "sit down", SIT)
    before = patterns(project).read_bytes()
    assert add_example(Project.open(project), again, SIT)[:2] == ("lora/patterns.jsonl:1", False)
    assert patterns(project).read_bytes() == before


@pytest.mark.parametrize(
    ("goal", "says"),
    [
        ("", "the goal is empty"),
        (" \t", "the goal is empty"),
        ("?!…", "has no word"),
        ("<in other words: sit>", "is a place for your own words"),
        ("sit\udcff", "is not UTF-8 text"),
        ("Sit, down", "'Sit, down' is in the exam (lora/eval.jsonl:2)"),
        ("please sit down now", "is in the exam (lora/eval.jsonl:2)"),
    ],
)
def test_a_goal_that_cannot_be_taught_changes_nothing(goal: str, says: str, project: Path) -> None:
    patterns(project).write_text(row("stand", "stand"))
    (project / "lora" / "eval.jsonl").write_text(row("rise", "stand_up") + row("sit down", "sit"))
    before = patterns(project).read_bytes()
    with pytest.raises(InputError) as caught:
        add_example(Project.open(project), goal, SIT)
    assert says in caught.value.message
    assert patterns(project).read_bytes() == before


def test_a_goal_with_other_steps_is_written_and_what_it_contradicts_is_named(
    project: Path,
) -> None:
    patterns(project).write_text(row("stand", "stand") + row("rise", "stand_up"))
    added = add_example(Project.open(project), "Stand, please", SIT)
    # then the newer row is the one that is taught
    assert added[:2] == ("lora/patterns.jsonl:3", True)
    (note,) = added.notes
    assert "lora/patterns.jsonl:1: " in note
    assert "lora/patterns.jsonl:3" in note
    data = load_dataset(Project.open(project))
    assert [row.where for row in data.train] == ["lora/patterns.jsonl:2", "lora/patterns.jsonl:3"]
    assert [(c.kept, c.dropped) for c in data.conflicts] == [
        ("lora/patterns.jsonl:3", "lora/patterns.jsonl:1")
    ]


def test_a_question_goes_to_the_exam_and_is_never_one_that_is_taught(project: Path) -> None:
    patterns(project).write_text(row("sit down", "sit"))
    asked = add_example(Project.open(project), "take a seat", SIT, exam=True)
    assert asked == ("lora/eval.jsonl:1", True, ())
    assert [row.goal for row in load_dataset(Project.open(project)).exam] == ["take a seat"]
    with pytest.raises(InputError, match=r"is taught \(lora/patterns.jsonl:1\)"):
        add_example(Project.open(project), "please sit down", SIT, exam=True)


@pytest.mark.parametrize("exam", [True, False])
def test_what_differs_in_its_numbers_alone_is_said_not_to_count(exam: bool, project: Path) -> None:
    other = project / "lora" / ("patterns.jsonl" if exam else "eval.jsonl")
    other.write_text(row("walk ahead 2 meters", "walk_forward"))
    added = add_example(Project.open(project), "please walk 3 m forward", SIT, exam=exam)
    assert added.new
    assert added.notes == ()
    added = add_example(Project.open(project), "walk ahead 3 m", SIT, exam=exam)
    assert "does not count in the exam" in added.notes[0]
    assert "lora/" in added.notes[0]


def test_more_steps_than_a_row_may_have_are_refused_at_once(project: Path) -> None:
    with pytest.raises(InputError, match="49 steps, more than 48"):
        add_example(Project.open(project), "sit down", SIT * 49)
    assert not patterns(project).exists()
    assert add_example(Project.open(project), "sit down", SIT * 48)[1]
    assert len(load_dataset(Project.open(project)).train) == 1


def test_goals_of_other_languages_are_told_apart(project: Path) -> None:
    assert add_example(Project.open(project), "садись", SIT)[1]
    assert add_example(Project.open(project), "встань", (Step("stand", {}),))[1]
    assert len(load_dataset(Project.open(project)).train) == 2


def test_a_mined_row_is_no_reason_to_refuse(project: Path) -> None:
    goal = "walk forward 1.5 meters"
    phases = [{**MISSION["phases"][0], "goal_prompt": goal}]
    (project / "env.json").write_text(json.dumps({**MISSION, "phases": phases}))
    assert add_example(Project.open(project), goal, SIT)[1]
    assert [row.origin for row in load_dataset(Project.open(project)).train] == ["pattern"]


def test_a_torn_last_line_stays_and_the_new_row_is_whole(project: Path) -> None:
    torn = row("stand", "stand") + '{"goal": "wal'
    patterns(project).write_text(torn)
    added = add_example(Project.open(project), "sit down", SIT)
    assert added[:2] == ("lora/patterns.jsonl:3", True)
    assert patterns(project).read_text().startswith(torn + "\n")
    data = load_dataset(Project.open(project))
    assert [(row.goal, row.where) for row in data.train] == [
        ("stand", "lora/patterns.jsonl:1"),
        ("sit down", "lora/patterns.jsonl:3"),
    ]
    assert [where for where, _ in data.problems] == ["lora/patterns.jsonl:2"]


def test_a_whole_last_line_without_a_newline_is_kept_too(project: Path) -> None:
    patterns(project).write_text(row("stand", "stand").rstrip("\n"))
    add_example(Project.open(project), "sit down", SIT)
    assert [row.goal for row in load_dataset(Project.open(project)).train] == ["stand", "sit down"]


# -- images ----------------------------------------------------------------------------------------


def test_an_image_goes_with_the_row(project: Path) -> None:
    (project / "a.png").write_bytes(b"x")
    (project / "b.png").write_bytes(b"y")
    assert add_example(Project.open(project), "do this", SIT, "a.png")[1]
    # the same goal under another image is another row, under the same image it is a conflict
    assert add_example(Project.open(project), "do this", (Step("stand", {}),), "b.png")[1]
    assert not add_example(Project.open(project), "do this", SIT, "a.png")[1]
    added = add_example(Project.open(project), "do this", (Step("stand", {}),), "a.png")
    assert "patterns.jsonl:1" in added.notes[0]
    # and what no encoder of text reads is said
    assert added.notes[1] == f"lora/patterns.jsonl:3 {UNSEEN}"
    kept = load_dataset(Project.open(project), pictures=True).train
    assert [row.image for row in kept] == ["b.png", "a.png"]


def test_an_image_is_kept_by_its_place_in_the_project_and_known_by_its_content(
    project: Path,
) -> None:
    (project / "a.png").write_bytes(b"x")
    (project / "same.png").write_bytes(b"x")
    assert add_example(Project.open(project), "do this", SIT, str(project / "a.png"))[1]
    assert json.loads(patterns(project).read_text())["image"] == "a.png"
    assert not add_example(Project.open(project), "do this", SIT, "same.png")[1]
    # and the exam may ask the same of another picture, not of this one
    (project / "b.png").write_bytes(b"y")
    exam = project / "lora" / "eval.jsonl"
    exam.write_text(row("do that", "sit", image="b.png"))
    with pytest.raises(InputError, match="is in the exam"):
        add_example(Project.open(project), "do that", SIT, "b.png")
    assert add_example(Project.open(project), "do that", SIT, "a.png")[1]


@pytest.mark.parametrize("image", ["../out.png", "/etc/passwd", "link.png"])
def test_an_image_outside_the_project_is_refused(image: str, project: Path) -> None:
    (project.parent / "out.png").write_bytes(b"x")
    (project / "link.png").symlink_to(project.parent / "out.png")
    with pytest.raises(UnsafePathError, match="leads out of the project"):
        add_example(Project.open(project), "do this", SIT, image)
    assert not patterns(project).exists()


@pytest.mark.parametrize("image", ["no.png", "lora", "", "."])
def test_an_image_that_is_none_is_refused(image: str, project: Path) -> None:
    with pytest.raises(InputError, match="no such image"):
        add_example(Project.open(project), "do this", SIT, image)


def test_a_file_that_leads_out_is_not_written_to(project: Path) -> None:
    outside = project.parent / "outside.jsonl"
    outside.touch()
    patterns(project).symlink_to(outside)
    with pytest.raises(CadenzaError, match="leads out of the project"):
        add_example(Project.open(project), "sit down", SIT)
    assert outside.read_bytes() == b""
