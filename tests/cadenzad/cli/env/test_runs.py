"""`cadenza env runs`, `compare` and `show --run`: what the event log and the logs say of runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import runlogs

from cadenzad.cli.programs import cadenza, cadenzactl
from store.events.prompt import FindingFact, RunsJudged


@pytest.fixture
def told(home) -> Path:
    """A project with a run that succeeded, one that failed, and two in one log."""
    project = home.project()
    home.log(project, "good", ticks=4, stamp={"policy": "scripted", "seed": 5})
    folder = project / ".cadenza-env"
    more = {"stamp": {"policy": "prompt"}, "phase_failed": True}
    bad = runlogs.run(6, success=False, action="turn_left", reward=-0.5, **more)
    (folder / "bad.log.jsonl").write_bytes(bad)
    (folder / "both.log.jsonl").write_bytes(runlogs.run(2) + runlogs.run(2, success=False))
    home.once()
    return project


def test_runs_are_listed_the_newest_last(told, run_cli) -> None:
    code, out, _ = run_cli(cadenza, "env", "runs", told)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split()[:2] == ["RUN", "RECORDED"]
    assert {line.split()[0] for line in lines[1:]} == {"good", "bad", "both", "both#2"}
    good = next(line for line in lines if line.startswith("good"))
    assert "succeeded" in good
    assert "scripted" in good
    _, out, _ = run_cli(cadenza, "env", "runs", "rescue", "--last", "1", "--json")
    (run,) = json.loads(out)["runs"]
    assert run["run"] in ("both#2", "good", "bad")
    assert set(run) >= {"policy", "prompt_version", "adapter_version", "reward", "outcome"}


def test_runs_as_of_a_past_position_are_those_of_then(told, run_cli) -> None:
    code, out, _ = run_cli(cadenza, "env", "runs", told, "--at", "2", "--json")
    assert code == 0
    assert len(json.loads(out)["runs"]) <= 2
    assert run_cli(cadenza, "env", "runs", told, "--at", "soon")[0] == 2
    assert run_cli(cadenza, "env", "runs", told, "--last", "0")[0] == 2
    assert run_cli(cadenza, "env", "runs", "nobody")[0] == 4


def test_two_runs_are_compared_tick_by_tick(told, append, run_cli) -> None:
    finding = FindingFact(id="stuck@approach", kind="stuck", phase="approach", count=1, ticks=2,
                          runs=1, first_seen="bad", last_seen="bad",
                          citations=("bad:2-3", "good:1-1"))  # fmt: skip
    append(told, RunsJudged(runs=2, ticks=9, findings=(finding,), evidence_sha256="e"))
    code, out, _ = run_cli(cadenza, "env", "compare", "rescue", "bad", "goo")
    assert code == 0
    rows = {line.split("  ")[0]: line for line in out.splitlines()}
    assert "failed" in rows["outcome"]
    assert "-3.00" in rows["reward"]
    assert "+2.00" in rows["reward"]
    assert "▁" in rows["so far"]
    assert "█" in rows["so far"]
    assert "ticks 1-6" in rows["in approach"]
    assert "stuck@approach at 2-3" in rows["cited for"]
    assert "they part at tick 1" in out
    answer = json.loads(run_cli(cadenza, "env", "compare", told, "bad", "good", "--json")[1])
    assert answer["apart_at"] == 1
    assert answer["a"]["cited_for"] == {"stuck@approach": ["2-3"]}
    assert answer["b"]["reward_so_far"] == [0.5, 1.0, 1.5, 2.0]


def test_a_run_that_nobody_knows_or_that_is_two_is_named(told, run_cli, one_error) -> None:
    code, _, err = run_cli(cadenza, "env", "compare", told, "none", "good")
    assert code == 4
    assert "no such run" in one_error(err)
    code, _, err = run_cli(cadenza, "env", "compare", told, "b", "good")
    assert code == 4
    assert "3 runs are called so" in one_error(err)
    assert run_cli(cadenza, "env", "compare", told, "both", "both#2")[0] == 0


def test_a_log_that_is_gone_leaves_what_is_recorded(told, run_cli) -> None:
    (told / ".cadenza-env" / "bad.log.jsonl").unlink()
    code, out, _ = run_cli(cadenza, "env", "compare", told, "bad", "good")
    assert code == 0
    assert "bad.log.jsonl: No such file or directory" in out


def test_show_tells_of_a_run_what_the_log_knows(told, run_cli, monkeypatch, tmp_path) -> None:
    code, out, _ = run_cli(cadenza, "env", "show", told, "--run", "good")
    assert code == 0
    assert re.search(r"^driven by +scripted$", out, re.MULTILINE)
    assert "ticks 1-4" in out
    answer = json.loads(run_cli(cadenza, "env", "show", told, "--run", "good", "--json")[1])
    assert answer["run"]["seed"] == 5
    monkeypatch.setenv("CADENZAD_STATE", str(tmp_path / "none"))
    code, out, err = run_cli(cadenza, "env", "show", told, "--run", "good")
    assert code == 0
    assert "tells nothing of this run" in err
    assert run_cli(cadenzactl, "status")[0] == 3
