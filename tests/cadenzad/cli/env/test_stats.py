"""`cadenza env stats`: what all runs say together."""

from __future__ import annotations

import json
import os
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
    shown = capsys.readouterr().out
    assert "3 of 3 runs succeeded (100%)" in shown
    assert "falls 0, persons touched 0" in shown


def test_what_no_log_says_is_unknown_not_nought(
    cli: Cli, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # given one log of another recorder, and then one of ours with a touch in it
    folder = project / ".cadenza-env"
    folder.mkdir()
    tick: dict[str, object] = {"tick": 1, "phase": "go", "action": "stand", "reward": 0.0}
    (folder / "old.log.jsonl").write_text(json.dumps(tick) + "\n")
    assert cli("stats", project) == 0
    assert "falls unknown, persons touched unknown" in capsys.readouterr().out
    ours = tick | {"outcome": "fell", "touched_person": 12}
    (folder / "new.log.jsonl").write_text(json.dumps(ours) + "\n")
    assert cli("stats", project, "--json") == 0
    stats = json.loads(capsys.readouterr().out)
    assert (stats["falls"], stats["touched_person"]) == (1, 1)


def test_stats_without_runs(cli: Cli, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli("stats", project) == 0
    assert "no runs yet" in capsys.readouterr().out


def test_a_run_counts_once_however_it_is_kept(
    cli: Cli, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # given two runs appended to one log, and a copy of that log
    folder = project / ".cadenza-env"
    folder.mkdir()
    tick: dict[str, object] = {"tick": 1, "phase": "go", "phase_idx": 0, "action": "stand"}
    won = tick | {"terminated": True, "mission_success": True}
    lost = tick | {"terminated": True, "mission_success": False}
    text = "".join(json.dumps(record) + "\n" for record in (won, lost))
    (folder / "both.log.jsonl").write_text(text)
    (folder / "copy.log.jsonl").write_text(text)

    # when stats are asked for, then there are two runs, and the copy is named as left out
    assert cli("stats", project, "--json") == 0
    out, err = capsys.readouterr()
    stats = json.loads(out)
    assert (stats["runs"], stats["succeeded"]) == (2, 1)
    assert "left out, with the bytes of another log: 1" in err


def test_stats_and_show_bear_what_lies_beside_the_logs(
    cli: Cli, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # given a run, and beside it what no log ever should be
    cli("run", project, "--headless")
    (log,) = (project / ".cadenza-env").glob("*.log.jsonl")
    folder = log.parent
    (folder / "folder.log.jsonl").mkdir()
    os.mkfifo(folder / "pipe.log.jsonl")
    (folder / "nowhere.log.jsonl").symlink_to("gone")
    (folder / "loop.log.jsonl").symlink_to("loop.log.jsonl")
    (folder / os.fsdecode(b"\xff.log.jsonl")).write_bytes(log.read_bytes())
    (folder / "deep.log.jsonl").write_bytes(b"[" * 100_000 + b"\n")
    numbers = {"tick": 2**64, "reward": 10**400, "phase": "go", "obs": {"pos_x": 10**400}}
    (folder / "huge.log.jsonl").write_text(json.dumps(numbers) + "\n")
    (folder / "bytes.log.jsonl").write_bytes(b"\xff\xfe\0\n")
    capsys.readouterr()

    # when stats are asked for, then the run counts, and what cannot be read is named
    assert cli("stats", project, "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["succeeded"] == 1
    named = [line.partition(": ")[0] for line in err.splitlines()]
    names = ("folder", "loop", "nowhere", "\\xff")
    assert sorted(named) == sorted(f".cadenza-env/{name}.log.jsonl" for name in names)
    for name in ("deep", "huge", "bytes"):
        assert cli("show", project, "--run", name) == 0
