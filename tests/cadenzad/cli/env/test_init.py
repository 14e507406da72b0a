"""`cadenza env init`: a sample project, in an empty folder and nowhere else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cadenzad.cli.programs import cadenza as main
from handlers.project.spec import load_spec


def test_it_makes_a_project_that_is_valid(tmp_path: Path, run_cli) -> None:
    target = tmp_path / "robots" / "my rescue ✓"
    code, out, err = run_cli(main, "env", "init", target)
    assert (code, err) == (0, "")
    assert load_spec(target).phases
    assert {"  env.json", "  main.py", "  lora/patterns.jsonl"} <= set(out.splitlines())
    assert out.splitlines()[-1] == f"next: cadenzad --workspace {target.parent}"


def test_json_names_the_files(tmp_path: Path, run_cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = run_cli(main, "env", "init", "here", "--json")
    answer = json.loads(out)
    assert (code, answer["project"]) == (0, "here")
    assert answer["path"] == str(tmp_path / "here")
    assert all((tmp_path / "here" / file).is_file() for file in answer["files"])


def test_home_is_expanded(tmp_path: Path, run_cli) -> None:
    assert run_cli(main, "env", "init", "~/rescue")[0] == 0
    assert (tmp_path / "home" / "rescue" / "env.json").is_file()


def test_nothing_is_overwritten(tmp_path: Path, run_cli, one_error) -> None:
    (tmp_path / "main.py").write_text("mine")
    code, out, err = run_cli(main, "env", "init", tmp_path)
    assert (code, out) == (1, "")
    assert "exists already" in one_error(err)
    assert [path.name for path in tmp_path.iterdir()] == ["main.py"]


@pytest.mark.parametrize(
    ("target", "code", "reason"),
    [
        ("", 2, "must not be empty"),
        ("file", 1, "cannot be written: Not a directory"),
        ("file/below", 1, "cannot be written: Not a directory"),
        ("x" * 300, 1, "File name too long"),
        ("~nobody-of-that-name/x", 2, "home folder"),
    ],
)
def test_a_target_that_cannot_be_is_one_line(
    tmp_path: Path, run_cli, one_error, monkeypatch: pytest.MonkeyPatch, target, code, reason
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    done, out, err = run_cli(main, "env", "init", target)
    assert (done, out) == (code, "")
    assert reason in one_error(err)


def test_a_read_only_folder_is_one_line(
    tmp_path: Path, run_cli, one_error, without_privilege
) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with without_privilege():
        code, _, err = run_cli(main, "env", "init", tmp_path / "closed" / "x")
    assert code == 1
    assert "Permission denied" in one_error(err)


def test_a_full_disk_is_one_line_and_leaves_no_project(
    tmp_path: Path, run_cli, one_error, full_disk
) -> None:
    with full_disk(64):
        code, _, err = run_cli(main, "env", "init", tmp_path / "x")
    assert code == 1
    assert "cannot be written" in one_error(err)
    assert not (tmp_path / "x" / "env.json").exists()


def test_a_name_that_is_not_utf8_is_made_and_shown(tmp_path: Path, run_cli) -> None:
    target = os.fsdecode(bytes(tmp_path) + b"/\xff\n")
    code, out, err = run_cli(main, "env", "init", target)
    assert (code, err) == (0, "")
    assert os.path.isfile(os.path.join(target, "env.json"))
    assert out.splitlines()[0] == f"made {tmp_path}/\\udcff\\n:"


@pytest.mark.parametrize("words", [[], ["env"], ["init", "x"], ["env", "inti"], ["other"]])
def test_a_command_that_is_none_is_a_usage_error(tmp_path: Path, run_cli, one_error, words) -> None:
    code, out, err = run_cli(main, *words)
    assert (code, out) == (2, "")
    assert one_error(err)
