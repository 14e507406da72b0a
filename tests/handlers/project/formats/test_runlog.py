"""What a mission's run log says, whatever state it is in."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.project.formats import lines, logsummary
from handlers.project.formats.logsummary import LogSummary
from handlers.project.formats.runlog import read_run_log
from store import identity
from store.events.files import EpisodeFact, RunStamp
from store.identity import Prefix

OBS = {"body_height": 0.28, "roll_deg": 0.1, "pitch_deg": 0.5, "pos_x": -0.4, "pos_y": 0.0}


def record(number: int, **changes: Any) -> dict[str, Any]:
    """A tick in the middle of a run."""
    ending = ("phase_done", "phase_failed", "terminated", "truncated", "mission_success")
    return {
        "tick": number,
        "phase": "go",
        "phase_idx": 0,
        "action": "walk_forward",
        "action_params": {"distance_m": 0.5},
        "obs": OBS,
        "reward": 0.5,
        **dict.fromkeys(ending, False),
        **changes,
    }


END = {"terminated": True}
TIMEOUT = {"terminated": True, "truncated": True}
SUCCESS = {"terminated": True, "mission_success": True, "phase_done": True}


def dump(*records: Any) -> bytes:
    return b"".join(
        (item if isinstance(item, bytes) else json.dumps(item).encode()) + b"\n" for item in records
    )


def read(*records: Any, **options: Any) -> LogSummary:
    return read_run_log(io.BytesIO(dump(*records)), **options)


def only(summary: LogSummary) -> EpisodeFact:
    (episode,) = summary.episodes
    return episode


# -- outcomes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "outcome", "reason"),
    [
        (SUCCESS, "succeeded", ""),
        ({"mission_success": True}, "succeeded", ""),
        ({**END, "phase_failed": True}, "failed", "phase 'go' failed"),
        (TIMEOUT, "failed", "timeout"),
        ({"truncated": True}, "failed", "timeout"),
        (END, "failed", "terminated"),
        ({}, "unfinished", ""),
        ({"terminated": "yes", "truncated": 1, "mission_success": None}, "unfinished", ""),
    ],
)
def test_a_run_s_outcome_is_read_from_its_end(
    last: dict[str, Any], outcome: str, reason: str
) -> None:
    # given a run of three ticks, when it is read
    episode = only(read(record(1), record(2), record(3, **last)))

    # then its outcome and reason are those of its last tick
    assert (episode.outcome, episode.reason) == (outcome, reason)
    assert (episode.index, episode.first_line, episode.ticks) == (0, 1, 3)


def test_rewards_and_phases_add_up() -> None:
    # given a run through two phases, the first reported done on two ticks
    summary = read(
        record(1),
        record(2, phase_done=True),
        record(3, phase_done=True),
        record(4, phase="back", phase_idx=1, **SUCCESS),
    )

    # when it is read, then each phase counts once
    episode = only(summary)
    assert (episode.reward, episode.phases_done, episode.last_phase) == (2.0, 2, "back")


def test_the_reset_observation_is_no_tick() -> None:
    # given a log that opens with what the robot saw before it acted
    summary = read(record(0, reward=None, action=None), record(1), record(2, **SUCCESS))

    # when it is read, then that line is valid, part of the run, and not a tick
    assert summary.counts.valid == 3
    assert (only(summary).ticks, only(summary).first_line) == (2, 1)


@pytest.mark.parametrize("reward", [None, "0.5", True, [1], float("nan"), float("inf")])
def test_an_unknown_reward_is_not_zero(reward: object) -> None:
    # given runs whose rewards cannot be known, all or some
    unknown = only(read(record(1, reward=reward)))
    partly = only(read(record(1, reward=reward), record(2, reward=0.25)))

    # when they are read, then the known ones are summed, and none is None
    assert unknown.reward is None
    assert partly.reward == 0.25


def test_rewards_that_overflow_are_unknown() -> None:
    assert only(read(record(1, reward=1e308), record(2, reward=1e308))).reward is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"obs": {**OBS, "pos_x": -59021.0}}, "diverged at tick 2: pos_x = -59021"),
        ({"obs": {**OBS, "body_height": 934.0}}, "diverged at tick 2: body_height = 934"),
        ({"obs": {**OBS, "pos_y": float("nan")}}, "diverged at tick 2: pos_y = nan"),
        ({"obs": {**OBS, "roll_deg": float("inf")}}, "diverged at tick 2: roll_deg = inf"),
        ({"obs": {"pos_x": 2000}}, "diverged at tick 2: pos_x = 2000"),
        ({"finite": False}, "diverged at tick 2: the simulation was not finite"),
    ],
)
def test_diverged_physics_fails_a_run_whatever_step_ok_says(
    changes: dict[str, Any], reason: str
) -> None:
    # given a run whose pose leaves the world on its second tick, and that goes on
    last = {"step_ok": True, **TIMEOUT}

    # when it is read, with and without an end, then it failed for that reason
    for end in ({}, last):
        episode = only(read(record(1), record(2, **changes), record(3, **end)))
        assert (episode.outcome, episode.reason) == ("failed", reason)

    # and where the mission says it succeeded, that stands beside the reason
    episode = only(read(record(1), record(2, **changes), record(3, **SUCCESS)))
    assert (episode.outcome, episode.reason) == ("succeeded", reason)


@pytest.mark.parametrize(
    "obs", [None, [1, 2], "x", {}, {"pos_x": "far"}, {**OBS, "nearest_m": float("inf")}]
)
def test_an_unknown_pose_has_not_diverged(obs: object) -> None:
    assert only(read(record(1, obs=obs))).outcome == "unfinished"


# -- episodes --------------------------------------------------------------------------------------


def spans(summary: LogSummary) -> list[tuple[int, int, str]]:
    return [(episode.first_line, episode.ticks, episode.outcome) for episode in summary.episodes]


@pytest.mark.parametrize(
    ("ticks", "expected"),
    [
        # a second run after one that ended, and after one that did not
        ([1, 2, (3, TIMEOUT), 1, 2], [(1, 3, "failed"), (4, 2, "unfinished")]),
        ([1, 2, 3, 1, (2, SUCCESS)], [(1, 3, "unfinished"), (4, 2, "succeeded")]),
        ([0, 1, 2, 0, 1], [(1, 2, "unfinished"), (4, 1, "unfinished")]),
        ([1, 2, 0, 1], [(1, 2, "unfinished"), (3, 1, "unfinished")]),
        ([(1, END), (1, END), (1, END)], [(1, 1, "failed"), (2, 1, "failed"), (3, 1, "failed")]),
        # a run that goes on after its end, is written twice, out of order, or late
        ([1, (2, SUCCESS), 3], [(1, 3, "succeeded")]),
        ([1, 1, 2, 2, 3, 3], [(1, 6, "unfinished")]),
        ([1, 3, 2, 5, 4], [(1, 5, "unfinished")]),
        ([3, 1, 2, 4], [(1, 4, "unfinished")]),
        ([2, 3, 1, 4], [(1, 4, "unfinished")]),
        ([0, 0, 1], [(1, 1, "unfinished")]),
        ([2, 1, 3, 1, 2], [(1, 3, "unfinished"), (4, 2, "unfinished")]),
        # back at the first tick, but in a later phase or in an unknown one: not a restart
        ([1, 2, (1, {"phase_idx": 1})], [(1, 3, "unfinished")]),
        ([1, 2, (1, {"phase_idx": None})], [(1, 3, "unfinished")]),
        # ticks that are unknown stay where they stand
        ([1, (None, {}), 2], [(1, 3, "unfinished")]),
        ([("x", {}), (True, {}), 1], [(1, 3, "unfinished")]),
        ([(1.0, {}), (2.0, END), (1.0, {})], [(1, 2, "failed"), (3, 1, "unfinished")]),
    ],
)
def test_runs_in_one_file_are_told_apart(
    ticks: list[Any], expected: list[tuple[int, int, str]]
) -> None:
    # given ticks in file order, some with changes, when they are read
    pairs = [item if isinstance(item, tuple) else (item, {}) for item in ticks]
    summary = read(*(record(number, **changes) for number, changes in pairs))

    # then each run has its own line, ticks and outcome, and its index
    assert spans(summary) == expected
    assert [episode.index for episode in summary.episodes] == list(range(len(expected)))


def test_episodes_beyond_a_sane_number_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a file that restarts on every line
    monkeypatch.setattr(logsummary, "MAX_EPISODES", 3)

    # when it is read, then memory stays bounded and nothing is lost in silence
    summary = read(*(record(1, **END) for _ in range(5)))
    assert (len(summary.episodes), summary.more_episodes) == (3, 2)
    assert [item.reason for item in summary.problems] == [
        "2 more runs in it are not told one by one: part the log"
    ]
    assert summary.counts.rejected == 0


# -- bad lines -------------------------------------------------------------------------------------


def test_bad_lines_are_named_counted_and_passed_over() -> None:
    # given a log with every kind of line nobody can use between two good ones
    bad = [
        b"[1]",
        b"null",
        b'{"tick": 2',
        b'{"tick": "\xff"}',
        b"[" * 100_000,
        b'{"tick": ' + b"9" * 5000 + b"}",
        b'{"tick": 1e999}',
        b'{"tick": 1, "phase": "\\ud800"}',
        {},
        {"level": "info"},
    ]

    # when it is read
    summary = read(record(1), b"", b"  \r", *bad, record(2, **SUCCESS))

    # then the good ones count, and each bad one has its line and its reason
    assert summary.counts.as_shape() == {"read": 14, "valid": 2, "rejected": 10, "blank": 2}
    assert [problem.line for problem in summary.problems] == list(range(4, 14))
    assert all(problem.reason and "\n" not in problem.reason for problem in summary.problems)
    assert summary.problems[0].reason == "expected an object { ... }, not a list"
    assert summary.problems[-1].reason == "not a run record: no tick, action, phase or obs"
    assert only(summary).outcome == "succeeded"


def test_only_the_first_problems_are_kept() -> None:
    summary = read(*[b"[1]"] * 50)
    assert (len(summary.problems), summary.counts.rejected) == (20, 50)
    assert summary.episodes == ()


def test_a_line_with_nan_is_still_a_tick() -> None:
    # given a tick with NaN and Infinity where nothing depends on them
    line = b'{"tick": 1, "action": "sit", "reward": NaN, "motion": {"speed_ms": -Infinity}}'

    # when it is read, then it is a tick whose reward is unknown
    episode = only(read(line))
    assert (episode.ticks, episode.reward, episode.outcome) == (1, None, "unfinished")


def test_a_bom_and_crlf_are_fine() -> None:
    # given a file from another system
    data = b"\xef\xbb\xbf" + dump(record(1), record(2, **SUCCESS)).replace(b"\n", b"\r\n")

    # when it is read, then every line counts
    summary = read_run_log(io.BytesIO(data))
    assert (summary.counts.valid, summary.counts.rejected, summary.size) == (2, 0, len(data))


def test_a_line_of_many_mib_is_read_and_a_longer_one_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a line of 8 MiB, and one over the limit
    monkeypatch.setattr(lines, "MAX_LINE", 9 * 2**20)
    note = {"note": "x" * 8 * 2**20}
    summary = read(record(1, **note), b"x" * 10 * 2**20, record(2))

    # when they are read, then the first is a tick and the second has its number
    assert only(summary).ticks == 2
    assert [problem.line for problem in summary.problems] == [2]
    assert "longer than" in summary.problems[0].reason


def test_long_texts_from_a_log_do_not_travel() -> None:
    # given a log whose phase name is a novel
    phase = "a b\n" * 100_000

    # when it is read, then what is kept of it is a line
    episode = only(read(record(1, phase=phase, phase_failed=True, **END)))
    assert len(episode.reason) <= 160
    assert episode.last_phase is not None
    assert len(episode.last_phase) <= 160
    assert "\n" not in episode.reason + episode.last_phase


# -- growing files ---------------------------------------------------------------------------------


def sha(data: bytes) -> str:
    return identity.of(data)


def test_a_log_cut_anywhere_is_read_up_to_its_last_whole_line() -> None:
    # given a log of three ticks, cut at every byte
    data = dump(record(1), record(2), record(3, **SUCCESS))
    ends = [at + 1 for at, byte in enumerate(data) if byte == ord("\n")]

    for cut in range(len(data) + 1):
        # when the part is read
        summary = read_run_log(io.BytesIO(data[:cut]))

        # then it covers the whole lines, and one that only lacks its newline
        whole = [end for end in ends if end <= cut + 1]
        size = min(whole[-1], cut) if whole else 0
        assert (summary.size, summary.digest) == (size, sha(data[:size]))
        assert (summary.counts.valid, summary.counts.rejected) == (len(whole), 0)
        assert summary.torn_tail == (cut > size)

        # and when the rest has come, the first part is recognised
        assert read_run_log(io.BytesIO(data), prior=Prefix(size)).prior_digest == summary.digest


def test_a_replaced_log_does_not_have_the_old_hash() -> None:
    # given a log, and one of other bytes and greater length
    before = read(record(1))
    after = read(record(9), record(10), prior=Prefix(before.size))

    # when they are compared, then the second is not the first, grown
    assert after.prior_digest != before.digest


def test_a_log_that_shrank_has_no_prior_hash() -> None:
    before = read(record(1), record(2))
    assert read(record(1), prior=Prefix(before.size)).prior_digest is None


@pytest.mark.parametrize("tail", [b"1", b"[1]", b'{"tick": 2} x', b"tru", b" "])
def test_a_last_line_that_is_no_whole_object_waits(tail: bytes) -> None:
    # given a log with an unfinished last line, when it is read, then that line is not counted yet
    summary = read_run_log(io.BytesIO(dump(record(1)) + tail))
    assert summary.counts.read == 1
    assert summary.size == len(dump(record(1)))
    assert summary.torn_tail == bool(tail.strip())


def test_an_empty_file_is_an_empty_summary() -> None:
    summary = read_run_log(io.BytesIO(b""), prior=Prefix(0))
    assert (summary.size, summary.digest, summary.prior_digest) == (0, sha(b""), sha(b""))
    assert (summary.episodes, summary.torn_tail, summary.counts.read) == ((), False, 0)


LINES = st.one_of(
    st.builds(
        lambda tick, changes: json.dumps(record(0, **changes, tick=tick)).encode(),
        st.integers(0, 3),
        st.sampled_from([{}, END, TIMEOUT, SUCCESS, {"obs": [1]}, {"reward": None}]),
    ),
    st.binary(max_size=12),
)


@given(st.lists(LINES, max_size=12).map(b"\n".join))
def test_no_content_makes_reading_fail_and_nothing_is_lost(data: bytes) -> None:
    # given any lines, when they are read
    summary = read_run_log(io.BytesIO(data))

    # then every line is counted once, and every valid one is in an episode
    counts = summary.counts
    assert counts.read == counts.valid + counts.rejected + counts.blank
    resets = sum(1 for line in data.split(b"\n") if b'"tick": 0' in line)
    assert sum(episode.ticks for episode in summary.episodes) <= counts.valid
    assert sum(episode.ticks for episode in summary.episodes) >= counts.valid - resets
    assert summary.digest == sha(data[: summary.size])


# -- recorded runs ---------------------------------------------------------------------------------

RECORDED = {
    "crawl-boxes": [(11, "failed", "phase 'crawl' failed", 0, "crawl")],
    "flat-patrol": [(5, "succeeded", "", 3, "back")] * 2,
    "gentle-ramp": [(10, "failed", "phase 'climb' failed", 0, "climb")],
    "keepout": [(2, "failed", "phase 'cross' failed", 0, "cross")],
    "rescue-clear": [
        (32, "failed", "timeout", 2, "find_victim"),
        (8, "succeeded", "", 5, "resume_patrol"),
    ],
    "rescue-dog": [(31, "failed", "timeout", 1, "enter_debris")] * 3,
    "signal-false": [(5, "failed", "timeout", 0, "signal")],
    "turn-course": [(13, "failed", "timeout", 1, "turn")],
    "vision-signal": [(3, "succeeded", "", 3, "signal")],
    "vla-like-gentle-ramp": [(12, "failed", "timeout", 0, "climb")],
    "vla-like-vision-signal": [(10, "failed", "timeout", 0, "advance")] * 2,
    "wall-stuck": [(5, "failed", "timeout", 0, "go")],
}


@pytest.mark.parametrize("mission", RECORDED)
def test_recorded_runs_say_what_happened(recorded: Any, mission: str) -> None:
    # given the recorded runs of a mission, when each is read
    found = []
    for path in sorted(recorded.glob(f"missions/{mission}/*.log.jsonl")):
        with path.open("rb") as stream:
            summary = read_run_log(stream)

        # then no line is lost, the whole file is covered and its rewards add up
        rows = [json.loads(line) for line in path.read_bytes().splitlines()]
        assert summary.counts.valid == summary.counts.read == len(rows)
        assert summary.digest == sha(path.read_bytes())
        assert only(summary).reward == pytest.approx(sum(row["reward"] for row in rows))
        episode = only(summary)
        found.append(
            (
                episode.ticks,
                episode.outcome,
                episode.reason,
                episode.phases_done,
                episode.last_phase,
            )
        )

    # and each ended as it did
    assert found == RECORDED[mission]


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("interrupted", ("interrupted", "")),
        ("error: decide raised KeyError", ("failed", "error: decide raised KeyError")),
        ("timeout in phase 'go'", ("failed", "timeout")),
        ("errors", ("failed", "timeout")),
        (["interrupted"], ("failed", "timeout")),
    ],
)
def test_a_run_that_was_cut_off_is_no_timeout(reason: object, outcome: tuple[str, str]) -> None:
    # given a log of ours whose last record says why the run ended there
    last = {"tick": 2, "truncated": True, "terminated": True, "end_reason": reason}
    data = b'{"tick":1,"action":"stand"}\n' + json.dumps(last).encode() + b"\n"

    # when / then, whatever else is at the end of the file
    for more in (b"", b'{"tick":1,"action":"stand"}\n'):
        episode = read_run_log(io.BytesIO(data + more)).episodes[0]
        assert (episode.outcome, episode.reason) == outcome


SHA = "0123456789abcdef" * 4
STAMP = {"policy": "prompt", "seed": 7, "env_sha256": SHA, "prompt_sha256": SHA, "adapter": 3}


@pytest.mark.parametrize(
    ("stamp", "known"),
    [
        (STAMP, STAMP),
        ({**STAMP, "weather": "fair"}, STAMP),
        ({**STAMP, "seed": None}, {**STAMP, "seed": None}),
        ({**STAMP, "seed": "7", "adapter": True}, {**STAMP, "seed": None, "adapter": None}),
        ({**STAMP, "prompt_sha256": SHA + "\n"}, {**STAMP, "prompt_sha256": None}),
        ({**STAMP, "policy": "a\x1b[31m"}, {**STAMP, "policy": None}),
        ({**STAMP, "seed": 2**63}, {**STAMP, "seed": None}),
        ({"policy": "x" * 41}, None),
        ({}, None),
        (None, None),
        ("prompt", None),
    ],
)
def test_the_stamp_of_a_runs_first_record_is_kept_as_far_as_it_is_one(
    stamp: object, known: dict[str, object] | None
) -> None:
    first = {"tick": 0, "action": None, "stamp": stamp}
    later = {"tick": 1, "action": "stand", "stamp": {"policy": "other"}}
    data = b"".join(json.dumps(line).encode() + b"\n" for line in (first, later))
    (episode,) = read_run_log(io.BytesIO(data)).episodes
    told = episode.as_shape()
    if known is None:
        assert "stamp" not in told
    else:
        everything = dict.fromkeys(set(RunStamp.fields()) - RunStamp.LATER) | known
        assert told["stamp"] == everything
        assert EpisodeFact.of_json(episode.as_json()) == episode
