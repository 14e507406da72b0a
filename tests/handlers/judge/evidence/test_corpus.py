"""What is found in logs drawn at random stays what it is, to the last citation.

corpus.json was written by the miner as its definitions were measured by (docs/causes.md). It is for
changes that should change no finding; one that is meant to writes it anew:

    PYTHONPATH=tests/support:. python tests/handlers/judge/evidence/test_corpus.py
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anylogs
import pytest

from handlers.judge.evidence.findings import MEANINGS
from handlers.judge.evidence.mining import mine
from handlers.judge.evidence.ticks import RunLog
from handlers.project.library import library_for
from handlers.project.spec import parse_spec

CORPUS = Path(__file__).with_name("corpus.json")
CASES, LOGS = 24, 6
Case = dict[str, str | dict[str, str]]


def mission() -> bytes:
    """The sample's, with a phase for each predicate that it does without."""
    sample = files("handlers.project") / "sample" / "mission" / "env.json"
    made = json.loads(sample.read_bytes())
    more: dict[str, dict[str, Any]] = {
        "look": {"success_when": {"see_object": {"tag": "victim", "for_ticks": 4}}},
        "stay": {"success_when": {"near_object": {"tag": "rubble", "max_distance_m": 0.9,
                                                  "for_ticks": 3}}},
        "wait": {"success_when": {"elapsed_ticks": 30}},
        "out": {"success_when": {"exit_zone": "doorway"},
                "fail_when": {"enter_zone": "rubble_edge"}},
        "keep": {"success_when": {"near_object": {"tag": "rubble", "max_distance_m": 0.3}},
                 "fail_when": {"exit_zone": "doorway"}},
    }  # fmt: skip
    for name, phase in more.items():
        made["phases"].append(
            {"name": name, "goal_prompt": name, "reward": {"step_cost": -0.1}, "max_ticks": 40}
            | phase
        )
    return json.dumps(made).encode()


SPEC = parse_spec(mission(), "env.json")
LIBRARY = library_for(SPEC.robot, None, SPEC.signals)


def mined(number: int, folder: Path) -> Case:
    """A case: its findings with all citations, and a hash of everything that is said of them."""
    logs = []
    for at in range(LOGS):
        path = folder / f"run-{at}.log.jsonl"
        path.write_bytes(anylogs.log(number * LOGS + at, SPEC, LIBRARY))
        logs.append(RunLog(f"run-{at}", path))
    report = mine(logs, SPEC, LIBRARY)
    return {
        "digest": report.digest(),
        "findings": {f.id: " ".join(map(str, f.citations)) for f in report.findings},
    }


@pytest.mark.parametrize("number", range(CASES))
def test_the_same_is_found_in_the_same_ticks(number: int, tmp_path: Path) -> None:
    assert mined(number, tmp_path) == json.loads(CORPUS.read_text())[number]


def test_the_corpus_shows_every_kind() -> None:
    shown = {found.partition("@")[0] for case in json.loads(CORPUS.read_text())
             for found in case["findings"]}  # fmt: skip
    assert shown == set(MEANINGS)


if __name__ == "__main__":
    with TemporaryDirectory() as made:
        cases = [json.dumps(mined(number, Path(made))) for number in range(CASES)]
    CORPUS.write_text("[\n" + ",\n".join(cases) + "\n]\n")
