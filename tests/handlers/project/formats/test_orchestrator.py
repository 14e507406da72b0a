"""What an orchestrator's log says of each session."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from handlers.project.formats.logsummary import LogSummary
from handlers.project.formats.orchestrator import read_orchestrator_log
from handlers.project.formats.runlog import read_run_log


def read(*events: Any) -> LogSummary:
    """A log of events, each a name or (name, fields)."""
    rows = []
    for at, item in enumerate(events):
        name, fields = item if isinstance(item, tuple) else (item, {})
        rows.append(json.dumps({"ts": 1.5 + at, "event": name, **fields}))
    return read_orchestrator_log(io.BytesIO("".join(f"{row}\n" for row in rows).encode()))


AIMED = ("session_start", {"robot": "go1", "goal": "reach the wall", "target": [-1.5, 0.0]})
AIMLESS = ("session_start", {"robot": "go1", "goal": "wander", "target": None})
PLAIN = ("session_start", {"robot": "go1"})
OUT_OF_STEPS = ("done", {"reason": "max_steps_reached"})
ACT = ("execute_start", {"tick": 0, "action": "walk_forward"})


@pytest.mark.parametrize(
    ("events", "outcome", "reason"),
    [
        ([AIMED, ACT, "target_reached", ("done", {"reason": "target_reached"})], "succeeded", ""),
        ([AIMED, ACT, ("done", {"reason": "target_reached"})], "succeeded", ""),
        ([AIMED, ACT, OUT_OF_STEPS, "session_end"], "failed", "max_steps_reached"),
        ([AIMLESS, ACT, OUT_OF_STEPS, "session_end"], "unknown", "max_steps_reached"),
        ([PLAIN, ACT, OUT_OF_STEPS], "unknown", "max_steps_reached"),
        ([AIMED, ACT, ("done", {"reason": 7})], "failed", "done, no reason given"),
        ([AIMED, ACT], "unfinished", ""),
        ([PLAIN, "step_start", "step_complete", "session_end"], "succeeded", ""),
        ([PLAIN, "step_start", "step_complete"], "unfinished", ""),
        (
            [PLAIN, "step_start", "step_complete", "step_start", "session_end"],
            "failed",
            "1 of 2 steps not completed",
        ),
        (
            [PLAIN, "step_start", "detect", "avoid_start", "retries_exceeded", "session_end"],
            "failed",
            "retries exceeded",
        ),
        ([PLAIN, "session_end"], "unknown", "ended without a result"),
        (
            [AIMED, ACT, ("infer_error", {"error": "crash"}), OUT_OF_STEPS],
            "failed",
            "max_steps_reached; 1 infer_error",
        ),
        (
            [AIMED, "infer_error", "infer_error", "target_reached"],
            "succeeded",
            "2 infer_errors",
        ),
    ],
)
def test_a_session_s_outcome_is_only_what_the_log_says(
    events: list[Any], outcome: str, reason: str
) -> None:
    # given a session, when it is read, then its outcome is known as far as the log tells it
    summary = read(*events)
    (episode,) = summary.episodes
    assert summary.format == "orchestrator"
    assert (episode.outcome, episode.reason) == (outcome, reason)
    assert (episode.reward, episode.last_phase) == (None, None)


def test_sessions_in_one_file_are_told_apart() -> None:
    # given a file that begins inside a session and was appended to twice
    summary = read(ACT, "session_end", AIMED, ACT, ACT, "target_reached", AIMLESS, ACT)

    # when it is read, then each session has its line, its actions and its outcome
    found = [(episode.first_line, episode.ticks, episode.outcome) for episode in summary.episodes]
    assert found == [(1, 1, "unknown"), (3, 2, "succeeded"), (7, 1, "unfinished")]
    assert [episode.index for episode in summary.episodes] == [0, 1, 2]


def test_lines_without_an_event_are_named() -> None:
    # given a log with lines that are no events
    data = b'{"ts": 1, "event": "session_start"}\n{"ts": 2}\n{"event": 3}\nnonsense\n'

    # when it is read, then they are rejected with their number and the rest counts
    summary = read_orchestrator_log(io.BytesIO(data))
    assert (summary.counts.valid, [problem.line for problem in summary.problems]) == (1, [2, 3, 4])
    assert summary.problems[0].reason == "not an orchestrator record: no event"


@pytest.mark.parametrize(
    ("name", "ticks", "outcome", "reason"),
    [
        ("cot_empty", 0, "unknown", "bootstrap_returned_no_action"),
        ("cot_err", 6, "unknown", "max_steps_reached; 1 infer_error"),
        ("cot_reach", 3, "succeeded", ""),
        ("sequential_run", 4, "succeeded", ""),
    ],
)
def test_recorded_sessions_say_what_happened(
    recorded: Any, name: str, ticks: int, outcome: str, reason: str
) -> None:
    # given a recorded log, when it is read
    with (recorded / "orchestrator" / f"{name}.jsonl").open("rb") as stream:
        summary = read_orchestrator_log(stream)

    # then every line counts and the session ended as it did
    (episode,) = summary.episodes
    assert summary.counts.valid == summary.counts.read
    assert (episode.ticks, episode.outcome, episode.reason) == (ticks, outcome, reason)


def test_the_two_formats_share_their_reading() -> None:
    # given bytes both readers can hash, when both read them, then they cover the same
    data = b'{"tick": 1, "event": "x"}\n\n[1]\n{"torn'
    run, session = read_run_log(io.BytesIO(data)), read_orchestrator_log(io.BytesIO(data))
    assert (run.size, run.digest, run.torn_tail) == (session.size, session.digest, True)
    assert run.counts == session.counts
