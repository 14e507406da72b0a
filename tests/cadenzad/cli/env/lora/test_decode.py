"""`cadenza env lora decode`: goals from the command line, from files, from stdin."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from cadenzad.cli.programs import cadenza as main
from handlers.lora import serving
from handlers.lora.model.interface import Decoded
from handlers.project.formats.examples import Step
from store.errors import InputError


class Sitting:
    """A decoder that knows how to sit."""

    def decode(self, goal: str, image: Path | None = None) -> Decoded:
        """Refuses what has no `sit` in it; an empty goal is no input."""
        if goal == "empty":
            raise InputError("the goal is empty")
        known = "sit" in goal
        steps = (Step("sit", {"repeat": 2.0}),) if known else ()
        return Decoded(goal, steps, not known, False, ("sit down",), 0.5, 1.0)


SAT = Decoded("sit", (Step("sit", {}),), False, False, (), 0.5, 1.0)


@pytest.fixture
def project(home, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose adapter is that decoder; it is version 3 and not deployed."""
    monkeypatch.setattr(serving, "version_to_try", lambda _project: (3, False))
    monkeypatch.setattr(serving, "project_decoder", lambda *_arguments: Sitting())
    made: Path = home.project()
    return made


def test_a_goal_becomes_actions(project, run_cli) -> None:
    code, out, err = run_cli(main, "env", "lora", "decode", project, "sit down")
    assert (code, err) == (0, "no adapter is deployed: this is version 3\n")
    assert out == "sit down\n  sit repeat=2\n  confidence 0.50\n"


def test_what_is_not_known_is_refused_with_what_is_nearest(project, run_cli) -> None:
    code, out, _ = run_cli(main, "env", "lora", "decode", project, "order a pizza")
    assert code == 7
    assert out == "order a pizza\n  refused: nothing taught is like it. Nearest: sit down\n"


def test_json_is_one_object_a_goal(project, run_cli) -> None:
    words = ("sit", "--version", 1, "--json")
    code, out, err = run_cli(main, "env", "lora", "decode", project, *words)
    assert (code, err) == (0, "")
    assert json.loads(out) == Sitting().decode("sit").as_json()


def test_goals_of_a_file_are_answered_and_bad_lines_named(project, tmp_path, run_cli) -> None:
    goals = tmp_path / "goals.jsonl"
    goals.write_bytes(b'\xef\xbb\xbf{"goal": "sit"}\n\nempty\n{"goal": 7}\nsit still\n')
    words = ("--file", goals, "--json")
    code, out, err = run_cli(main, "env", "lora", "decode", project, *words)
    assert code == 1
    assert [json.loads(line)["goal"] for line in out.splitlines()] == ["sit", "sit still"]
    assert err.splitlines()[1:] == [
        f"{goals}:3: the goal is empty",
        f"{goals}:4: goal and image must be text",
    ]


def test_stdin_is_a_file_too(project, run_cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("sit\n"))
    code, out, _ = run_cli(main, "env", "lora", "decode", project, "--file", "-")
    assert (code, out.splitlines()[0]) == (0, "sit")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--file", "nowhere"), "No such file"),
        (("sit", "--image", "no.png"), "no such image"),
        (("sit", "--image", "env.json"), "env.json: is not a picture"),
    ],
)
def test_what_cannot_be_meant_is_one_error(
    project, run_cli, words, expected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    code, out, err = run_cli(main, "env", "lora", "decode", project, *words)
    assert (code, out) == (1, "")
    assert expected in err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "give one goal, or --file"),
        (("sit", "--file", "x"), "give one goal, or --file"),
        (("",), "must not be empty"),
        (("sit", "--version", "0"), "'0' is not a version"),
    ],
)
def test_words_that_do_not_go_together_are_a_usage_error(
    project, run_cli, one_error, words, expected
) -> None:
    code, out, err = run_cli(main, "env", "lora", "decode", project, *words)
    assert (code, out) == (2, "")
    assert expected in one_error(err)


def test_an_image_is_named_from_where_one_stands(
    project, run_cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "seen.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    monkeypatch.chdir(here)
    asked: list[Path | None] = []
    monkeypatch.setattr(Sitting, "decode", lambda _, goal, image: asked.append(image) or SAT)
    for words in (("sit",), ("--file", "goals.txt")):
        (here / "goals.txt").write_text("sit\n")
        code, _, _ = run_cli(main, "env", "lora", "decode", project, *words, "--image", "seen.png")
        assert code == 0
    assert asked == [(here / "seen.png").resolve()] * 2


def test_it_computes_where_the_configuration_says(
    project, tmp_path, run_cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    where: list[object] = []

    def opened(*arguments: object) -> Sitting:
        where.append(arguments[-1])
        return Sitting()

    monkeypatch.setattr(serving, "project_decoder", opened)
    monkeypatch.setenv("CONFIGURATION_DIRECTORY", str(tmp_path))
    (tmp_path / "cadenzad.toml").write_text('[lora]\ndevice = "cpu"\n')
    assert run_cli(main, "env", "lora", "decode", project, "sit down")[0] == 0
    assert where == ["cpu"]


def test_without_an_adapter_it_says_how_to_train_one(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "env", "lora", "decode", home.project(), "sit")
    assert code == 1
    assert "there is no adapter yet" in one_error(err)


def test_an_unknown_project_is_code_four(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "env", "lora", "decode", "nobody", "sit")
    assert code == 4
    assert one_error(err) == "no project 'nobody'"


def test_a_version_that_is_none_is_a_usage_error(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "env", "lora", "decode", "x", "sit", "--version", "new")
    assert code == 2
    assert "--version" in one_error(err)
