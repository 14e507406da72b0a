"""`cadenza env lora add`: one more example, or one line that says what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cadenzad.cli.programs import cadenza as main


@pytest.fixture
def add(home, run_cli):
    project = home.project()

    def add(*words):
        return run_cli(main, "env", "lora", "add", project, *words)

    add.patterns = project / "lora" / "patterns.jsonl"
    return add


def test_an_example_is_added_once(add) -> None:
    before = len(add.patterns.read_text().splitlines())
    code, out, err = add("squeeze under the beam", "--steps", "crawl_forward 1.0, sit")
    assert (code, err) == (0, "")
    shown = "  crawl_forward distance_m=1\n  sit\n"
    assert out == f"lora/patterns.jsonl:{before + 1}: added\n{shown}"
    code, out, _ = add("squeeze under the beam", "--steps", "crawl_forward 1.0, sit")
    assert (code, out) == (0, f"lora/patterns.jsonl:{before + 1}: is there already\n{shown}")
    assert json.loads(add.patterns.read_text().splitlines()[-1])["goal"] == "squeeze under the beam"


def test_json_has_the_steps_as_they_were_understood(add) -> None:
    code, out, _ = add("squeeze under the beam", "--steps", "crawl_forward 1.0", "--json")
    answer = json.loads(out)
    assert (code, answer["added"]) == (0, True)
    assert answer["actions"] == [{"action": "crawl_forward", "distance_m": 1.0}]


def test_an_image_is_named_from_where_one_stands_and_kept_from_the_project(
    add, one_error, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = add.patterns.parent / "seen.png"
    seen.write_bytes(b"\x89PNG\r\n\x1a\n")
    monkeypatch.chdir(seen.parent)
    assert add("sit by the door", "--steps", "sit", "--image", "seen.png")[0] == 0
    assert json.loads(add.patterns.read_text().splitlines()[-1])["image"] == "lora/seen.png"
    # and one that is not in the project is no image of it
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.png").write_bytes(seen.read_bytes())
    code, _, err = add("sit by the wall", "--steps", "sit", "--image", "other.png")
    assert (code, "copy it there" in err) == (1, True)
    assert "is not in" in one_error(err.splitlines()[0])


@pytest.mark.parametrize(
    ("words", "expected", "exit_code"),
    [
        (("", "--steps", "sit"), "must not be empty", 2),
        ((" ", "--steps", "sit"), "the goal is empty", 1),
        (("x", "--steps", "sitt"), "did you mean 'sit'", 2),
        (("x", "--steps", "walk_forward 99"), "distance_m must be 0 to 20", 2),
        (("x", "--steps", ", ".join(["sit"] * 49)), "49 steps, more than 48", 1),
        (("x", "--steps", "sit", "--image", "no.png"), "no such image", 1),
        (("x", "--steps", "sit", "--image", __file__), "is not a picture", 1),
        (("x\udcff", "--steps", "sit"), "is not UTF-8 text", 1),
    ],
)
def test_bad_input_is_one_clear_line(add, one_error, words, expected, exit_code) -> None:
    before = add.patterns.read_bytes()
    code, out, err = add(*words)
    assert (code, out) == (exit_code, "")
    assert expected in one_error(err)
    assert add.patterns.read_bytes() == before


def test_what_the_exam_asks_is_not_taught(add, one_error) -> None:
    exam = {"goal": "please sit down now", "actions": [{"action": "sit"}]}
    add.patterns.with_name("eval.jsonl").write_text(json.dumps(exam) + "\n")
    before = add.patterns.read_bytes()
    for goal in ("please sit down now", "sit down"):
        code, _, err = add(goal, "--steps", "sit")
        assert code == 1
        assert "is in the exam (lora/eval.jsonl:1)" in one_error(err)
    assert add.patterns.read_bytes() == before


def test_a_row_that_is_contradicted_is_named_and_the_new_one_counts(add) -> None:
    sit = {"goal": "sit down", "actions": [{"action": "sit"}]}
    add.patterns.write_text(json.dumps(sit) + "\n")
    code, out, _ = add("sit down", "--steps", "stand")
    assert code == 0
    assert out.startswith("lora/patterns.jsonl:2: added\n")
    assert "lora/patterns.jsonl:1: lora/patterns.jsonl:2 gives 'sit down' other steps" in out
    answer = json.loads(add("sit down", "--steps", "lie_down", "--json")[1])
    assert len(answer["notes"]) == 1


def test_steps_against_their_own_words_are_added_and_named_then_and_later(add, run_cli) -> None:
    code, out, _ = add("turn left 30 degrees, gently", "--steps", "turn_right 30 deg")
    why = "say turn_left, and the steps turn_right"
    assert (code, why in out) == (0, True)
    assert why in run_cli(main, "env", "lora", "data", add.patterns.parent.parent)[1]


def test_a_question_is_added_to_the_exam(add, one_error) -> None:
    exam = add.patterns.with_name("eval.jsonl")
    before = len(exam.read_text().splitlines())
    code, out, _ = add("squeeze under the beam", "--steps", "crawl_forward 1.0", "--exam")
    assert (code, out.splitlines()[0]) == (0, f"lora/eval.jsonl:{before + 1}: added")
    code, _, err = add("squeeze under the beam", "--steps", "crawl_forward 1.0")
    assert code == 1
    assert "is in the exam" in one_error(err)


def test_without_steps_it_is_a_usage_error(add, one_error) -> None:
    code, _, err = add("x")
    assert code == 2
    assert "--steps" in one_error(err)


def test_an_unknown_project_is_code_four(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "env", "lora", "add", "nobody", "x", "--steps", "sit")
    assert code == 4
    assert one_error(err) == "no project 'nobody'"
