"""Which files of a project are run logs, and in which order the runs were."""

from __future__ import annotations

import json
import os
from pathlib import Path

from handlers.intake.observe import observe
from handlers.project.formats.runs import run_logs

TICK = {"tick": 1, "phase": "approach", "action": "stand", "obs": {}}
STEP = {"ts": 1_795_378_827.7, "event": "session_start", "robot": "go1"}


def put(project: Path, name: str, *records: object, mtime: float = 2e9) -> None:
    path = project / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    os.utime(path, (mtime, mtime))


def test_they_are_the_files_that_are_recorded(tmp_path: Path) -> None:
    # given logs by name, logs by content, and what is none
    put(tmp_path, ".cadenza-env/a.log.jsonl", TICK)
    put(tmp_path, ".cadenza-env/b.log.jsonl", STEP)
    put(tmp_path, ".cadenza-env/plain.jsonl", TICK)
    put(tmp_path, ".cadenza-env/steps.jsonl", STEP)
    put(tmp_path, ".cadenza-env/goals.jsonl", {"goal": "go", "actions": []})
    put(tmp_path, ".cadenza-env/odd.jsonl", {"x": 1})
    put(tmp_path, ".cadenza-env/made.jsonl", {"prompt": "x", "tick": 1, "action": "stand"})
    put(tmp_path, ".cadenza-env/.hidden.log.jsonl", TICK)
    put(tmp_path, "cot_err.jsonl", STEP)
    put(tmp_path, "notes.jsonl", TICK)
    put(tmp_path, "c.orchestrator.jsonl", STEP)
    os.mkfifo(tmp_path / ".cadenza-env" / "pipe.log.jsonl")
    (tmp_path / ".cadenza-env" / "dir.log.jsonl").mkdir()

    # when
    logs = run_logs(tmp_path)

    # then
    assert {(log.path.name, log.format) for log in logs} == {
        ("a.log.jsonl", "mission"),
        ("b.log.jsonl", "orchestrator"),
        ("plain.jsonl", "mission"),
        ("steps.jsonl", "orchestrator"),
        ("cot_err.jsonl", "orchestrator"),
        ("c.orchestrator.jsonl", "orchestrator"),
    }
    for log in logs:
        seen = observe(tmp_path, log.path.relative_to(tmp_path).as_posix(), None)
        assert seen is not None
        assert seen.kind == ("run" if log.format == "mission" else "orchestrator")


def test_the_order_is_that_of_the_runs_and_not_of_their_copies(tmp_path: Path) -> None:
    # given runs that tell their time, and files that were all written later, in another order
    folder = ".cadenza-env"
    put(tmp_path, f"{folder}/run_2026-02-14T10-11-12.log.jsonl", TICK, mtime=2e9)
    put(tmp_path, f"{folder}/run_20260213_235959.log.jsonl", TICK, mtime=2.1e9)
    put(tmp_path, f"{folder}/late.orchestrator.jsonl", STEP, mtime=1.9e9)
    put(tmp_path, f"{folder}/b.log.jsonl", TICK, mtime=1.5e9)
    put(tmp_path, f"{folder}/a.log.jsonl", TICK, mtime=1.5e9)
    put(tmp_path, f"{folder}/run_2026-99-99T10-11-12.log.jsonl", TICK, mtime=1.6e9)
    put(tmp_path, f"{folder}/clock.orchestrator.jsonl", STEP | {"ts": 12.5}, mtime=1.4e9)

    # when / then
    assert [log.run_id for log in run_logs(tmp_path)] == [
        "clock",
        "a",
        "b",
        "run_2026-99-99T10-11-12",
        "run_20260213_235959",
        "run_2026-02-14T10-11-12",
        "late",
    ]
