"""`cadenza env lora add`: one more example, or one line that says what is wrong with it."""

from __future__ import annotations

import json

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


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("", "--steps", "sit"), "the goal is empty"),
        (("x", "--steps", "sitt"), "did you mean 'sit'"),
        (("x", "--steps", "walk_forward 99"), "distance_m must be 0 to 20"),
        (("x", "--steps", "sit", "--image", "no.png"), "no such image"),
        (("x", "--steps", ", ".join(["sit"] * 49)), "49 steps, more than 48"),
        (("x\udcff", "--steps", "sit"), "is not UTF-8 text"),
    ],
)
def test_bad_input_is_one_clear_line(add, one_error, words, expected) -> None:
    before = add.patterns.read_bytes()
    code, out, err = add(*words)
    assert (code, out) == (1, "")
    assert expected in one_error(err)
    assert add.patterns.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("please sit down now", "--steps", "sit"), "is in the exam"),
        (("sit down", "--steps", "stand"), "with other steps"),
    ],
)
def test_what_contradicts_the_files_is_one_clear_line(add, one_error, words, expected) -> None:
    sit = {"goal": "sit down", "actions": [{"action": "sit"}]}
    add.patterns.write_text(json.dumps(sit) + "\n")
    exam = sit | {"goal": "please sit down now"}
    add.patterns.with_name("eval.jsonl").write_text(json.dumps(exam) + "\n")
    code, _, err = add(*words)
    assert code == 1
    assert expected in one_error(err)
    assert add.patterns.read_text() == json.dumps(sit) + "\n"


def test_without_steps_it_is_a_usage_error(add, one_error) -> None:
    code, _, err = add("x")
    assert code == 2
    assert "--steps" in one_error(err)


def test_an_unknown_project_is_code_four(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "env", "lora", "add", "nobody", "x", "--steps", "sit")
    assert code == 4
    assert one_error(err) == "no project 'nobody'"
