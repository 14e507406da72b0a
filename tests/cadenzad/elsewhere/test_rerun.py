"""A run as a recording for Rerun, read again by its own tool."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cadenzad.cli.programs import cadenza
from handlers.project.scaffold import recorded_run

RUN = recorded_run().read_bytes()


@pytest.fixture
def project(home) -> Path:
    made = home.project()
    (made / ".cadenza-env").mkdir(exist_ok=True)
    (made / ".cadenza-env" / "first.log.jsonl").write_bytes(RUN)
    return made


def test_a_recording_of_no_run_or_of_no_such_kind_is_refused(
    project, run_cli, one_error, tmp_path
) -> None:
    for words, said in (
        (["--rrd", "x.rrd"], "about one run"),
        (["--run", "first", "--rrd", "x.mp4"], "ends with .rrd"),
        (["--run", "first", "--rrd", tmp_path / "no" / "x.rrd"], "there is no folder"),
    ):
        code, _, err = run_cli(cadenza, "env", "show", project, *words)
        assert code == 2
        assert said in one_error(err)


def test_without_the_viewer_s_package_it_is_one_line_with_the_fix(
    project, run_cli, one_error, monkeypatch, tmp_path
) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    file = tmp_path / "x.rrd"
    code, _, err = run_cli(cadenza, "env", "show", project, "--run", "first", "--rrd", file)
    assert code == 1
    assert "a recording needs rerun" in one_error(err)
    assert "pip install 'cadenzad[rerun]'" in err
    assert not file.exists()


@pytest.mark.long
def test_a_run_is_there_with_its_scene_its_way_and_its_words(project, run_cli, tmp_path) -> None:
    pytest.importorskip("rerun", reason="the extra `rerun` is not installed")
    file = tmp_path / "x.rrd"
    code, out, err = run_cli(cadenza, "env", "show", project, "--run", "first", "--rrd", file)
    assert (code, err) == (0, "")
    assert "33 ticks" in out
    told = subprocess.run(
        [sys.executable, "-m", "rerun", "rrd", "print", "-vv", file],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for entity in ("/world/robot", "/world/way", "/world/zones/0", "/curves/reward_so_far"):
        assert entity in told
    assert "tick" in told
    assert "sim_time" in told
    assert "/words" in told
