"""What panels make of events and logs, without a server."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
import runlogs

from cadenzad.dashboard.charts import interval_marks, success_lines
from cadenzad.dashboard.moment import KEPT, Moments
from cadenzad.dashboard.panels.adapters import Axis, Point
from cadenzad.dashboard.panels.outcomes import POINTS, outcomes
from cadenzad.dashboard.panels.prompts import diff_lines
from cadenzad.dashboard.panels.replay import LONGEST, frames_of
from cadenzad.dashboard.panels.runs import Run, contrasting, runs
from store.errors import ConfigError, InputError
from store.events.adapter import AxisFact
from store.schema import connect_reader
from store.views.replay import view_as_of, view_hash

HOUR_US = 3_600_000_000


def run(number: int, outcome: str = "failed", **changes: object) -> Run:
    facts: dict[str, object] = {
        "name": f"r{number}", "path": f"r{number}.log.jsonl", "index": 0, "outcome": outcome,
        "reason": "", "ticks": 3, "reward": float(number), "phases_done": 0, "last_phase": None,
        "position": number, "told_us": number * HOUR_US, "present": True, "stamp": {},
        "prompt": None,
    }  # fmt: skip
    return Run(**(facts | changes))  # type: ignore[arg-type]


# -- outcomes --------------------------------------------------------------------------------------


def test_runs_are_counted_by_condition_and_by_time() -> None:
    prompted = {"stamp": {"policy": "prompt"}, "prompt": 1}
    found = outcomes(
        [
            run(1, "succeeded"), run(2), run(3, "succeeded", **prompted),
            run(4, "succeeded", **prompted), run(5, "interrupted", **prompted),
        ]
    )  # fmt: skip
    assert (found.runs, found.succeeded, found.failed, found.other) == (5, 3, 1, 1)
    assert sum(item.runs for item in found.bins) == 5
    by_name = {item.name: item for item in found.conditions}
    assert by_name["prompt (version 1)"].rate == 1.0
    assert by_name["prompt (version 1)"].low == pytest.approx(0.1581, abs=1e-4)  # exact, 2 of 2
    assert by_name["unknown policy"].rate == 0.5
    assert [one["label"] for one in success_lines(found)["series"]] == found.lines


def test_many_runs_are_few_bars_and_few_points() -> None:
    found = outcomes([run(n) for n in range(1, 5001)])
    assert len(found.bins) <= 61
    assert len(found.trend.values) <= POINTS
    assert found.trend.change == pytest.approx(2500.0)
    assert sum(item.failed for item in found.bins) == 5000


def test_no_runs_are_no_figures() -> None:
    found = outcomes([])
    assert (found.bins, found.conditions, found.trend.change) == ([], [], None)


def test_two_runs_that_tell_are_of_one_policy() -> None:
    scripted = {"stamp": {"policy": "scripted"}}
    found = [
        run(1, "succeeded", **scripted),
        run(2, "succeeded"),
        run(3, "failed", **scripted),
        run(4, "succeeded", present=False),
    ]
    pair = contrasting(found)
    assert pair is not None
    assert [one.name for one in pair] == ["r3", "r1"]
    assert contrasting([run(1)]) is None


# -- a run tick by tick ----------------------------------------------------------------------------


def test_what_a_log_does_not_say_is_unknown_and_its_runs_are_kept_apart(tmp_path: Path) -> None:
    log = tmp_path / "x.log.jsonl"
    log.write_bytes(
        runlogs.run(3)
        + b"[1]\n\xff\n"
        + runlogs.tick(1, obs=[1], reward=None, motion=..., action=7)
        + b'{"tick": 2, "phase": "a", "reward": NaN, "obs": {"pos_x": Infinity}}\n'
        + b'{"tick": 3, "torn'
    )
    first, _ = frames_of(log, 0)
    second, _ = frames_of(log, 1)
    assert [frame.tick for frame in first] == [1, 2, 3]
    assert first[-1].total == pytest.approx(1.5)
    assert [frame.tick for frame in second] == [1, 2]
    for frame in second:
        assert (frame.x, frame.y, frame.reward, frame.total) == (None, None, None, 0.0)
    assert second[0].action is None
    json.dumps([frame.total for frame in second], allow_nan=False)


def test_a_long_run_says_what_is_left_out(tmp_path: Path) -> None:
    log = tmp_path / "x.log.jsonl"
    log.write_bytes(runlogs.run(LONGEST + 5))
    frames, more = frames_of(log, 0)
    assert (len(frames), more) == (LONGEST, 5)


def test_an_orchestrators_log_is_refused_in_words(tmp_path: Path) -> None:
    log = tmp_path / "x.orchestrator.jsonl"
    log.write_text('{"ts": 1, "event": "session_start", "robot": "go1"}\n')
    with pytest.raises(InputError, match="orchestrator"):
        frames_of(log, 0)


# -- prompts and scorecards ------------------------------------------------------------------------


def test_a_diff_is_lines_in_and_out() -> None:
    lines = diff_lines("--- a/m\n+++ b/m\n@@ -1 +1,2 @@\n same\n-old\n+new\n+--- not a file")
    assert [(line.kind, line.text) for line in lines] == [
        ("place", "@@ -1 +1,2 @@"), ("same", "same"), ("removed", "old"), ("added", "new"),
        ("added", "--- not a file"),
    ]  # fmt: skip


def test_an_interval_is_drawn_to_scale() -> None:
    fact = AxisFact(axis="a", value=0.5, lower=0.0, upper=None, threshold=1.0, n=1, result="pass",
                    gate="g", detail="d")  # fmt: skip
    marks = interval_marks(Axis("a", [Point(1, 1, fact)]), fact)
    assert marks == {"lower": 6.0, "upper": None, "value": 120.0, "threshold": 234.0, "zero": 6.0}


# -- moments ---------------------------------------------------------------------------------------


def test_a_view_that_is_folded_on_is_the_view_folded_anew(home) -> None:
    project = home.project()
    for name in ("one", "two", "three"):
        home.log(project, name)
        home.once()
    moments = Moments(home.state)
    with closing(connect_reader(home.state)) as reader:
        head = reader.execute("SELECT max(position) FROM events").fetchone()[0]
        for position in [2, 4, head, 3, *range(1, head)]:
            with moments.at(str(position)) as moment:
                with closing(view_as_of(reader, position)) as anew:
                    assert view_hash(moment.view) == view_hash(anew), position
                assert len(runs(moment, str(project))) <= 3
    assert len(moments._kept) == KEPT
    with pytest.raises(ConfigError, match="neither a position nor a time"), moments.at("soon"):
        pass
    moments.close()
