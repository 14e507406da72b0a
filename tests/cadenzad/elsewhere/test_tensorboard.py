"""Missions as event files, read again by TensorBoard itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cadenzad.cli.programs import cadenza


@pytest.fixture
def project(home) -> Path:
    made = home.project()
    home.log(made, "won", ticks=3, success=True)
    home.log(made, "a\x1b[2J lost", ticks=2, success=False)
    home.once()
    return made


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = reading.EventAccumulator(str(folder)).Reload()
    return {
        tag: [(item.step, round(item.value, 4)) for item in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }


def test_each_run_is_a_curve_and_all_are_one(project, run_cli, tmp_path) -> None:
    pytest.importorskip("tensorboard", reason="the extra `tensorboard` is not installed")
    folder = tmp_path / "events"
    code, out, err = run_cli(cadenza, "env", "runs", "rescue", "--tensorboard", folder)
    assert (code, err) == (0, "")
    assert out.startswith("3 event files in ")
    assert {place.name for place in folder.iterdir()} == {"all runs", "won", "a__2J lost"}
    by_run = scalars(folder / "all runs")
    assert sorted(value for _, value in by_run["succeeded"]) == [0.0, 1.0]
    assert [step for step, _ in by_run["ticks"]] == [1, 2]
    by_tick = scalars(folder / "won")
    assert [step for step, _ in by_tick["reward_so_far"]] == [1, 2, 3]

    # when it is asked for again, then no run is told twice
    code, out, _ = run_cli(cadenza, "env", "runs", "rescue", "--tensorboard", folder)
    assert out.startswith("1 event file in ")
    assert scalars(folder / "all runs") == by_run
    assert scalars(folder / "won") == by_tick


def test_a_folder_in_nothing_and_a_missing_package_are_one_line(
    project, run_cli, one_error, monkeypatch, tmp_path
) -> None:
    code, _, err = run_cli(cadenza, "env", "runs", "rescue", "--tensorboard", tmp_path / "a" / "b")
    assert code == 2
    assert "no such folder above it" in one_error(err)
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.event_file_writer", None)
    code, _, err = run_cli(cadenza, "env", "runs", "rescue", "--tensorboard", tmp_path / "a")
    assert code == 1
    assert "pip install 'cadenzad[tensorboard]'" in err
