"""A project is opened once: its mission at once, its actions when they are needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from handlers.project.project import Project
from store.errors import ProjectError, ProjectNotFound, SpecError, UnsafePathError

SPEC = {"name": "demo", "robot": "go1", "phases": [{"name": "p0"}]}


def write(folder: Path, **changes: object) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "env.json").write_text(json.dumps({**SPEC, **changes}))


def test_a_project_is_what_it_was_when_it_was_opened(tmp_path: Path) -> None:
    # given a project that is reached through a symlink, with a signal of its own
    write(tmp_path / "real", control_panel={"actions": {"beep": "a beep"}})
    (tmp_path / "link").symlink_to("real")
    # when it is opened, and its env.json changes before its actions are asked for
    project = Project.open(tmp_path / "link")
    write(tmp_path / "real", name="other")
    # then it is the real folder, with the mission and the actions of then
    assert project.path == (tmp_path / "real").resolve()
    assert project.spec.name == "demo"
    assert "beep" in project.library
    assert project.library is project.library
    assert project.inside("log") == project.path / "log"
    with pytest.raises(UnsafePathError):
        project.inside("../elsewhere")


def test_what_is_wrong_with_a_project_is_told_when_it_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ProjectNotFound):
        Project.open(tmp_path)
    (tmp_path / "env.json").write_text("{}")
    with pytest.raises(SpecError):
        Project.open(tmp_path)


def test_an_unknown_robot_stops_only_what_needs_its_actions(tmp_path: Path) -> None:
    write(tmp_path, robot="spot")
    (tmp_path / "actions.json").write_text("{}")
    project = Project.open(tmp_path)
    with pytest.raises(ProjectError, match="actions"):
        project.library  # noqa: B018
    with pytest.raises(ProjectError, match="actions"):
        Project.open(tmp_path, actions=True)
