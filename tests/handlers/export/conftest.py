"""A tick as logs hold it, and a short way from lines to what an export makes of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
import runlogs

from handlers.export.export import ExportReport, export_run
from handlers.export.manifest import Manifest
from handlers.export.records import Recipe
from handlers.project.spec import DEFAULT_PROMPT_TEMPLATE


@dataclass
class Outcome:
    """What came of an export: the records as parsed JSON, the report, the manifest."""

    records: list[Any]
    report: ExportReport
    manifest: Manifest


@pytest.fixture
def make_recipe() -> Callable[..., Recipe]:
    """The default recipe of a two-phase mission, with changes."""

    def make(**changes: Any) -> Recipe:
        given: dict[str, Any] = {"mission": "demo", "n_phases": 2}
        return Recipe(**{**given, "template": DEFAULT_PROMPT_TEMPLATE, **changes})

    return make


@pytest.fixture
def make_tick() -> Callable[..., dict[str, Any]]:
    """A complete tick with changes; `...` as a value leaves the key out."""

    def make(**changes: Any) -> dict[str, Any]:
        values: dict[str, Any] = {
            "goal_prompt": "walk to the edge",
            "action_params": {"speed": 1.0, "repeat": 1},
            "obs": {
                "body_height": 0.2802628942414237,
                "roll_deg": -0.092,
                "pitch_deg": 0.5014,
                "feet_grounded": 4,
                "nearest_m": -1.0,
                "pos_x": -0.9516,
                "pos_y": 0.0454,
            },
            "reward": 2.517010114651292,
            "phase_done": True,
            "motion": {"label": "moving", "goal_xyz": None},
            "judgment": {"match": True, "rationale": "fine \u2014 roll=-0\u00b0", "severity": 0.0},
            "visible_tags": {"rubble": 0.427},
            "is_signal": False,
            "signal_event": "none",
            "signal_phrase": None,
        }
        return runlogs.record(**{"number": 3, **values, **changes})

    return make


@pytest.fixture
def export(tmp_path: Path, make_recipe: Callable[..., Recipe]) -> Callable[..., Outcome]:
    """Export lines (objects, or bytes taken as they are) as one log."""

    def run(*lines: Any, end: bytes = b"\n", **changes: Any) -> Outcome:
        log, output = tmp_path / "r.log.jsonl", tmp_path / "r.finetune.jsonl"
        manifest = tmp_path / "r.finetune.manifest.json"
        texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        log.write_bytes(b"\n".join(texts) + end)
        report = export_run(log, output, make_recipe(**changes), manifest=manifest)
        records = [json.loads(line) for line in output.read_bytes().splitlines()]
        return Outcome(records, report, msgspec.json.decode(manifest.read_bytes(), type=Manifest))

    return run
