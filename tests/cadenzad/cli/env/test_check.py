"""`cadenza env check`: what was understood and what is wrong, before any run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from missions import Cli

from cadenzad.cli.base.parser import FAILED, OK
from store.errors import ProjectNotFound, SpecError


def change(project: Path, **phase: object) -> None:
    file = project / "env.json"
    mission = json.loads(file.read_text("utf-8"))
    mission["phases"][0].update(phase)
    file.write_text(json.dumps(mission), "utf-8")


def test_it_shows_what_was_understood_and_ends_well(cli: Cli, project: Path, capsys) -> None:
    assert cli("check", project) == OK
    first, driver, last = capsys.readouterr().out.splitlines()
    assert (first, last) == ("1. go: walk_forward distance_m=0.5", "nothing is wrong")
    assert driver.startswith("drives: scripted (")


def test_a_brain_that_is_no_python_and_a_library_that_nobody_reads_are_said(
    cli: Cli, project: Path, capsys
) -> None:
    (project / "main.py").write_text('SYSTEM_PROMPT = "x"\ndef decide(o, p)\n', "utf-8")
    (project / "actions.json").write_text('{"actions": {"beep": {}}}', "utf-8")
    assert cli("check", project) == OK
    out = capsys.readouterr().out
    assert "main.py:2: is not Python: expected ':'" in out
    assert "warning: actions.json: is not read: the actions of go1 are built in" in out


def test_a_robot_that_is_not_simulated_is_driven_by_nobody(cli: Cli, project: Path, capsys) -> None:
    file = project / "env.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), "robot": "g1"}), "utf-8")
    assert cli("check", project) == OK
    out = capsys.readouterr().out
    assert "warning: robot: 'g1' cannot be simulated" in out
    assert "drives: nobody: robot 'g1' cannot be simulated" in out


def test_a_mission_that_is_a_link_out_of_the_project_is_said(
    cli: Cli, project: Path, tmp_path: Path, capsys
) -> None:
    (project / "env.json").rename(tmp_path / "shared.json")
    (project / "env.json").symlink_to(tmp_path / "shared.json")
    assert cli("check", project) == OK
    assert "warning: env.json: leads to " in capsys.readouterr().out


def test_a_template_that_exports_will_not_use_is_said(cli: Cli, project: Path, capsys) -> None:
    file = project / "env.json"
    mission = json.loads(file.read_text("utf-8"))
    mission["vla_finetune"] = {"prompt_template": "[GOAL: {goal}]"}
    file.write_text(json.dumps(mission), "utf-8")
    assert cli("check", project) == OK
    out = capsys.readouterr().out
    assert "warning: vla_finetune.prompt_template: unknown key 'goal'; it may name" in out


def test_warnings_are_no_failure_and_errors_are(cli: Cli, project: Path, capsys) -> None:
    change(project, goal_prompt="wlak forward 0.5 m")
    assert cli("check", project) == OK
    assert "warning: phases[0].goal_prompt: 'wlak'" in capsys.readouterr().out
    change(project, success_when={"elapsed_ticks": 99})
    assert cli("check", project, "--json") == FAILED
    told = json.loads(capsys.readouterr().out)
    assert told["findings"][0]["place"] == "phases[0].success_when.elapsed_ticks"


def test_a_bad_project_is_the_error_that_it_is_elsewhere(
    cli: Cli, project: Path, tmp_path: Path
) -> None:
    (project / "env.json").write_text("{", "utf-8")
    with pytest.raises(SpecError):
        cli("check", project)
    with pytest.raises(ProjectNotFound):
        cli("check", tmp_path / "nowhere")
