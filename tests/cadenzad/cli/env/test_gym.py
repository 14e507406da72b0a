"""`cadenza env gym`: the environment shown, checked, tried; and what is said where it cannot be."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from missions import Cli

from store.errors import MissingExtraError, ProjectNotFound

pytest.importorskip("gymnasium")


def test_it_shows_the_spaces_checks_them_and_drives_an_episode(
    cli: Cli, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli("gym", project) == 0
    out = capsys.readouterr().out
    assert out.startswith("cadenzad/Mission-v0\n")
    assert "body_height, roll_deg" in out
    assert "0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0" in out
    assert "Gymnasium's checks pass" in out
    assert "random episode, seed 0: " in out


def test_json_says_the_same_and_a_seed_repeats(
    cli: Cli, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for seed in (3, 3, 4):
        assert cli("gym", project, "--seed", seed, "--json") == 0
        said.append(json.loads(capsys.readouterr().out))
    assert said[0] == said[1]
    assert said[0]["episode"] != said[2]["episode"]
    assert said[0]["problems"] == []
    assert said[0]["action"]["space"] == "MultiDiscrete([21  8  3])"
    assert len(said[0]["action"]["indices"]["action"]) == 21
    assert set(said[0]["observation"]) == {"body", "yaw", "goal", "phase", "phase_tick"}


def test_what_gymnasium_complains_of_is_said_and_is_exit_code_one(
    cli: Cli, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(env: object, **_: object) -> None:
        raise AssertionError("The observation is not within the observation space.")

    monkeypatch.setattr("handlers.mission.gym.trial.check_env", never)
    assert cli("gym", project) == 1
    assert "Gymnasium: The observation is not within" in capsys.readouterr().out


def test_without_gymnasium_the_extra_is_named(
    cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cadenzad.gym", "gymnasium"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(MissingExtraError, match="needs gymnasium") as missing:
        cli("gym", project)
    assert missing.value.hint == "pip install 'cadenzad[gym]'"


def test_a_missing_project_is_exit_code_four_and_a_bad_seed_is_usage(
    cli: Cli, tmp_path: Path, project: Path
) -> None:
    with pytest.raises(ProjectNotFound):
        cli("gym", tmp_path / "nowhere")
    with pytest.raises(SystemExit) as usage:
        cli("gym", project, "--seed", -1)
    assert usage.value.code == 2
