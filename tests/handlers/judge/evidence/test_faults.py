"""Faults in the real simulator: the cause is named, whole logs and poorer ones alike.

tests/benchmarks/bench_causes.py measures all of them with more seeds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mujoco")

import faults

from handlers.judge.evidence.mining import mine
from handlers.judge.evidence.ticks import RunLog


@pytest.fixture(scope="module")
def settings() -> dict[str, faults.Setting]:
    return {setting.name: setting for setting in faults.settings()}


def kinds(folder: Path, setting: faults.Setting, records: list[dict[str, Any]]) -> set[str]:
    path = folder / "run.log.jsonl"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), "utf-8")
    report = mine([RunLog("run", path)], setting.spec, setting.library)
    return {str(finding.kind) for finding in report.findings}


@pytest.mark.parametrize(
    ("name", "mission"),
    [
        ("stuck", "post"),
        ("wrong_way", "yard"),
        ("wrong_way, turning", "yard"),
        ("oscillating, late", "yard"),
        ("false_signal, afar", "sample"),
        ("oscillating LLRR", "search"),
        ("over_rotation", "yard"),
        ("dwell_reset", "post"),
    ],
)
def test_a_faults_cause_is_named(
    name: str, mission: str, settings: dict[str, faults.Setting], tmp_path: Path
) -> None:
    case = faults.CASES[name]
    records = faults.drive(settings[mission], case, 11)
    for log in (records, faults.poorer(records, case)):
        found = kinds(tmp_path, settings[mission], log)
        assert case.true[0] in found
        assert found <= set(case.true)


def test_a_clean_run_shows_nothing(settings: dict[str, faults.Setting], tmp_path: Path) -> None:
    records = faults.drive(settings["yard"], None, 11)
    assert records[-1]["mission_success"]
    assert kinds(tmp_path, settings["yard"], records) == set()


def test_where_a_log_stops_early_is_not_where_the_robot_went(
    settings: dict[str, faults.Setting], tmp_path: Path
) -> None:
    records = faults.drive(settings["yard"], faults.CASES["wrong_way"], 11)
    first = next(at for at, record in enumerate(records) if record["tick"] and at > 0)
    assert kinds(tmp_path, settings["yard"], records[: first + 3]) <= {"timeout", "phase_failed"}
    assert "wrong_way" in kinds(tmp_path, settings["yard"], records[: first + 10])
