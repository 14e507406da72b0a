"""Prompts that fail their missions, driven by the sample's own brain: what remedies are looked for.

The missions are those of faults.py; the prompts lack what the mission takes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from faults import Setting, settings

from handlers.judge.evidence.mining import mine
from handlers.judge.evidence.report import MiningReport
from handlers.judge.evidence.ticks import RunLog
from handlers.judge.policy import Choice, open_policy
from handlers.judge.prompt.source import PromptSource, parse_prompt
from handlers.mission.episode.environment import Mission
from handlers.mission.episode.episode import run_episode
from handlers.mission.policies.prompted import Prompted

SAMPLE = (files("handlers.project") / "sample" / "mission" / "main.py").read_bytes()
BUILT_IN = Choice("built-in")

PROMPTS: Mapping[str, str] = {
    # straight on, wherever the second field is
    "yard": "- when fallen: stand_up\n- when always: walk_forward distance_m=0.4\n",
    # against the wall, and past the post
    "post": "- when fallen: stand_up\n- when always: walk_forward distance_m=0.3\n",
    # round and round
    "search": "- when fallen: stand_up\n- when always: turn_right rotation_rad=0.6\n",
}


def flawed() -> list[tuple[Setting, PromptSource]]:
    """Each mission with a prompt that fails it; the sample's own prompt does."""
    made = []
    for setting in settings():
        code = SAMPLE
        if setting.name in PROMPTS:
            start = code.index(b"- when fallen")
            code = code[:start] + PROMPTS[setting.name].encode() + code[code.index(b"\nNever ") :]
        made.append((setting, parse_prompt(code, Path("/robots/flawed/main.py"))))
    return made


def driven(setting: Setting, source: PromptSource, seed: int) -> list[dict[str, Any]]:
    """The records of a run under a prompt."""
    prompted = Prompted(open_policy(BUILT_IN, source, source.value).decide)
    mission = Mission(
        setting.spec, setting.library, setting.scene, seed=seed, policy="prompt", max_ticks=150
    )
    records: list[dict[str, Any]] = []

    def sink(record: dict[str, Any]) -> None:
        records.append(record)
        prompted.note(record)

    run_episode(mission, prompted, sink)
    return records


def mined(setting: Setting, source: PromptSource, folder: Path, seeds: range) -> MiningReport:
    """What the runs under a prompt show."""
    logs = []
    for seed in seeds:
        path = folder / f"{setting.name}-{seed}.log.jsonl"
        records = driven(setting, source, seed)
        path.write_text("".join(f"{json.dumps(record)}\n" for record in records), "utf-8")
        logs.append(RunLog(f"{setting.name}-{seed}", path))
    return mine(logs, setting.spec, setting.library)
