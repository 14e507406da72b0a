"""`cadenza env show`: the map, in the terminal and in files."""

from __future__ import annotations

from pathlib import Path

import pytest
from missions import Cli
from missions import logs_of as logs

from store.errors import ConfigError, ProjectNotFound


def test_the_map_shows_zones_objects_phases_and_a_run(
    cli: Cli, project: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cli("run", project, "--headless")
    run_id = logs(project)[0].name.removesuffix(".log.jsonl")
    capsys.readouterr()
    assert cli("show", project, "--run", run_id[:19]) == 0
    shown = capsys.readouterr().out
    assert "a ahead" in shown
    assert "1. go: enter_zone ahead" in shown
    rows = [row.partition("|")[2] for row in shown.splitlines()[1:-4]]
    assert any("." in row for row in rows)
    # the robot starts at the bottom, looking up to the zone
    assert min(i for i, r in enumerate(rows) if "a" in r) < min(
        i for i, r in enumerate(rows) if "@" in r
    )
    assert cli("show", project, "-o", tmp_path / "map.svg", "--run", run_id) == 0
    svg = (tmp_path / "map.svg").read_text()
    assert ">ahead</text>" in svg
    assert "<polyline" in svg


def test_a_map_as_png(cli: Cli, project: Path, tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    cli("show", project, "-o", tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_a_map_of_another_format_is_refused(cli: Cli, project: Path) -> None:
    with pytest.raises(ConfigError, match=r"not \.svg or \.png"):
        cli("show", project, "-o", "map.bmp")


def test_an_unknown_run_is_named(cli: Cli, project: Path) -> None:
    with pytest.raises(ProjectNotFound, match="2020"):
        cli("show", project, "--run", "2020")
