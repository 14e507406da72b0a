"""`cadenza env stats`: what all runs say together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from missions import Cli


def test_stats_count_runs_and_phases(
    cli: Cli, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli("run", project, "--headless", "--episodes", 3)
    capsys.readouterr()
    assert cli("stats", project, "--json") == 0
    stats = json.loads(capsys.readouterr().out)
    assert (stats["runs"], stats["succeeded"]) == (3, 3)
    assert stats["phases"]["go"]["done"] == 3
    assert sum(stats["motion"].values()) == 3
    assert cli("stats", project) == 0
    assert "3 of 3 runs succeeded (100%)" in capsys.readouterr().out


def test_stats_without_runs(cli: Cli, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli("stats", project) == 0
    assert "no runs yet" in capsys.readouterr().out
