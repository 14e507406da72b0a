"""What the rules in force have done: how often each was the one that was followed."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import runlogs

from handlers.judge.evidence.mining import mine
from handlers.judge.evidence.ticks import RunLog
from handlers.judge.prompt.rules.grammar import read
from handlers.judge.remedies.inforce import usage
from handlers.project.library import library_for
from handlers.project.spec import parse_spec

SAMPLE = files("handlers.project") / "sample" / "mission"
SPEC = parse_spec((SAMPLE / "env.json").read_bytes(), "env.json")
LIBRARY = library_for(SPEC.robot, None, SPEC.signals)
STUCK = "- when in enter_debris and stuck for 2 ticks: walk_backward distance_m=0.4"
FALLEN = "- when fallen: stand_up"
AGAIN = "- when in enter_debris and stuck: sit"


def test_a_rule_counts_where_it_was_the_first_that_held(tmp_path: Path) -> None:
    # given a run that is stuck in all of its five ticks
    log = tmp_path / "r1.log.jsonl"
    lines = [
        runlogs.tick(
            number,
            phase="enter_debris",
            motion={"label": "stuck"},
            terminated=number == 5,
            truncated=number == 5,
        )
        for number in range(1, 6)
    ]
    log.write_bytes(b"".join(lines))
    assert json.loads(lines[0])["phase"] == "enter_debris"
    episodes = mine([RunLog("r1", log)], SPEC, LIBRARY).episodes

    # then each action is judged by what was known before it, and the first rule takes it
    used = usage([read(FALLEN), read(STUCK), read(AGAIN)], episodes)
    assert used[FALLEN] == {"followed": 0, "in_runs": 0, "succeeded": 0}
    assert used[STUCK] == {"followed": 3, "in_runs": 1, "succeeded": 0}
    assert used[AGAIN] == {"followed": 1, "in_runs": 1, "succeeded": 0}
