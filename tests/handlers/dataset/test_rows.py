"""A log's rows: what was seen before an action, what came of it, and what the episode came to."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import runlogs

pa = pytest.importorskip("pyarrow", reason="the extra `dataset` is not installed")

from handlers.dataset.mission import Mission  # noqa: E402
from handlers.dataset.rows import Rows, read_rows  # noqa: E402
from handlers.dataset.schema import SCHEMAS  # noqa: E402
from handlers.export.exact import parse_tick  # noqa: E402
from handlers.export.prompts import Prompts  # noqa: E402
from handlers.export.template import compile_template  # noqa: E402
from handlers.project.formats import logsummary  # noqa: E402
from handlers.project.library import library_for  # noqa: E402
from handlers.project.spec import DEFAULT_PROMPT_TEMPLATE  # noqa: E402

MISSION = Mission(
    name="demo",
    task="look around",
    robot="go1",
    plan="1. walk",
    n_phases=2,
    template=DEFAULT_PROMPT_TEMPLATE,
    actions={name: at for at, name in enumerate(library_for("go1", Path("/")).names)},
)
RESET = runlogs.tick(0, action=..., action_params=..., reward=...)


def rows_of(folder: Path, data: bytes, mission: Mission = MISSION) -> tuple[list[Any], Rows]:
    log = folder / "r.log.jsonl"
    log.write_bytes(data)
    with read_rows(log, mission, "r") as rows:
        table = pa.Table.from_batches(list(rows.batches()), schema=SCHEMAS["steps"])
    assert table.schema.equals(SCHEMAS["steps"])
    return table.to_pylist(), rows


def test_a_prompt_shows_what_was_seen_before_its_action(tmp_path: Path) -> None:
    lines = [RESET, runlogs.tick(1), runlogs.tick(2)]
    rows, _ = rows_of(tmp_path, b"".join(lines))
    of_export = Prompts(compile_template(DEFAULT_PROMPT_TEMPLATE), "demo", 2)

    for at, row in enumerate(rows):
        before, now = (parse_tick(line.strip(), judged=False) for line in lines[at : at + 2])
        assert row["prompt"] == of_export.prompt({**now, "obs": before["obs"]})[0]
        assert row["observation"]["pos_x"] == before["obs"]["pos_x"]
        assert row["next_observation"]["pos_x"] == now["obs"]["pos_x"]
    assert [row["step"] for row in rows] == [0, 1]


def test_every_episode_of_a_log_with_very_many_has_its_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logsummary, "MAX_EPISODES", 3)  # what an event of a log tells one by one
    end = {"terminated": True, "mission_success": True}
    rows, read = rows_of(tmp_path, b"".join(runlogs.tick(1, **end) for _ in range(5)))
    assert [row["outcome"] for row in rows] == ["succeeded"] * 5
    assert [end.id for end in read.ends()] == ["r", "r#2", "r#3", "r#4", "r#5"]


def test_without_an_observation_before_it_an_action_has_no_prompt(tmp_path: Path) -> None:
    rows, read = rows_of(tmp_path, runlogs.tick(1) + runlogs.tick(2) + runlogs.tick(4))

    assert [row["prompt"] is None for row in rows] == [True, False, True]
    assert rows[2]["observation"] is None
    assert read.counts.gaps == 1


def test_returns_are_of_the_whole_episode_and_unknown_behind_an_unknown(tmp_path: Path) -> None:
    data = b"".join(runlogs.tick(i, reward=r) for i, r in enumerate((0.1, 0.2, 0.7), 1))
    rows, _ = rows_of(tmp_path, data)
    assert [row["return_to_go"] for row in rows] == [(0.7 + 0.2) + 0.1, 0.7 + 0.2, 0.7]
    assert rows[0]["advantage"] == pytest.approx(0.0)
    assert rows[2]["advantage"] == pytest.approx(0.7 - 1.0 / 3)

    data = runlogs.tick(1) + runlogs.tick(2, reward=None) + runlogs.tick(3)
    rows, _ = rows_of(tmp_path, data)
    assert [row["return_to_go"] for row in rows] == [None, None, 0.5]
    assert rows[0]["episode_return"] is None


@pytest.mark.parametrize(
    ("last", "terminated", "truncated", "outcome"),
    [
        ({"terminated": True, "mission_success": True}, True, False, "succeeded"),
        ({"terminated": True, "truncated": True}, False, True, "failed"),
        ({"terminated": True, "phase_failed": True}, True, False, "failed"),
        ({}, False, True, "unfinished"),
    ],
)
def test_an_episode_ends_by_itself_or_is_cut_off(
    tmp_path: Path, last: dict[str, Any], terminated: bool, truncated: bool, outcome: str
) -> None:
    rows, _ = rows_of(tmp_path, runlogs.tick(1) + runlogs.tick(2, **last))

    assert (rows[0]["terminated"], rows[0]["truncated"]) == (False, False)
    assert (rows[1]["terminated"], rows[1]["truncated"]) == (terminated, truncated)
    assert {row["outcome"] for row in rows} == {outcome}


def test_a_run_that_somebody_stopped_is_truncated(tmp_path: Path) -> None:
    closing = runlogs.tick(3, action="sit", end_reason="interrupted")
    rows, read = rows_of(tmp_path, runlogs.tick(1) + runlogs.tick(2) + closing)

    assert [row["truncated"] for row in rows] == [False, True]
    assert rows[1]["success"] is None
    assert read.counts.skipped == 1


def test_a_second_run_in_the_same_file_is_an_episode_of_its_own(tmp_path: Path) -> None:
    rows, _ = rows_of(tmp_path, runlogs.run(2) + RESET + runlogs.run(3, success=False))

    assert [row["episode_id"] for row in rows] == ["r"] * 2 + ["r#2"] * 3
    assert [row["step"] for row in rows] == [0, 1, 0, 1, 2]
    assert [row["prompt"] is None for row in rows] == [True, False, False, False, False]


def test_ticks_are_put_in_order_and_taken_once(tmp_path: Path) -> None:
    lines = [runlogs.tick(n, reward=float(n)) for n in (1, 3, 2, 3, 4)]
    rows, read = rows_of(tmp_path, b"".join(lines))

    assert [row["tick"] for row in rows] == [1, 2, 3, 4]
    assert read.counts.rejected == {"tick that was there before": 1}
    assert read.counts.read == 5 == read.counts.rows + 1


def test_what_no_reader_can_use_is_counted_and_never_a_zero(tmp_path: Path) -> None:
    odd = runlogs.tick(2).replace(b"-0.2", b"NaN").replace(b'"reward": 0.5', b'"reward": "much"')
    data = b"".join([runlogs.tick(1), odd, b"\n", b"[1]\n", b"{\n", runlogs.tick(3)[:40]])
    rows, read = rows_of(tmp_path, data)

    assert rows[1]["reward"] is None
    assert rows[1]["next_observation"]["pitch_deg"] is None
    assert rows[1]["diverged"] is True
    assert read.counts.lenient == 1
    assert read.counts.blank == 1
    assert read.counts.rejected.total() == 3
    assert read.counts.read == 6


def test_the_canonical_action_is_of_the_moment_of_the_action(tmp_path: Path) -> None:
    def judged(action: str, **more: Any) -> dict[str, Any]:
        return {"severity": 0.9, "canonical_action": action, "canonical_confidence": 0.9, **more}

    others = runlogs.tick(1, judgment=judged("sit")) + runlogs.tick(2, judgment=judged("stand"))
    rows, _ = rows_of(tmp_path, others)
    assert [row["canonical_action"] for row in rows] == [None, "sit"]

    ours = [judged("sit", remaining_m=2.0), judged("turn_left", remaining_m=None)]
    rows, _ = rows_of(
        tmp_path, b"".join(runlogs.tick(i, judgment=j) for i, j in enumerate(ours, 1))
    )
    assert [row["canonical_action"] for row in rows] == ["sit", "turn_left"]
    assert rows[1]["canonical_completion"] == ' {"action": "turn_left"}'


def test_going_back_is_no_example(tmp_path: Path) -> None:
    ways = (1.0, 0.7, 0.9)
    lines = [runlogs.tick(n, motion={"distance_to_goal_m": way}) for n, way in enumerate(ways, 1)]
    rows, _ = rows_of(tmp_path, b"".join(lines))

    assert rows[1]["progress_m"] == pytest.approx(0.3)
    assert rows[1]["weight"] == 1.0
    assert rows[2]["weight"] == 0.0
    assert rows[2]["lost_m"] == pytest.approx(0.2)


def test_floats_are_the_logs_own(tmp_path: Path) -> None:
    values = [0.1 + 0.2, 1e-300, -2.2250738585072014e-308, 123456789.12345679]
    data = b"".join(runlogs.tick(n, reward=value) for n, value in enumerate(values, 1))
    rows, _ = rows_of(tmp_path, data)
    assert [row["reward"] for row in rows] == values


def odd_log(seed: int) -> bytes:
    """A log of some runs in which anything may be amiss, and most is not."""
    chance = random.Random(seed)
    lines, number = [], chance.randrange(2)
    for record in runlogs.judged(60, seed=seed):
        changes: dict[str, Any] = {"tick": number}
        match chance.randrange(20):
            case 0:
                changes[chance.choice(list(record))] = chance.choice([None, "x", 2**70, [1], 0.5])
            case 1:
                changes["obs"] = record["obs"] | {"pos_x": chance.choice([None, 5000, 2**60, "?"])}
            case 2:
                changes |= {"end_reason": chance.choice(["interrupted", "error: x", "done"])}
            case 3:
                changes |= {"phase": "exit", "phase_idx": 1, "phase_done": True}
            case 4:
                changes |= {chance.choice(["terminated", "truncated", "finite"]): True}
        line = json.dumps(record | changes).encode()
        lines.append(chance.choice([b"", b"[1]", line[:50]]) if chance.random() < 0.05 else line)
        again = seed % 2 and chance.random() < 0.05
        number = chance.randrange(number + 2) if again else number + chance.choice([1] * 20 + [2])
    return b"\n".join(lines) + b"\n"


@pytest.mark.parametrize("seed", range(24))
def test_rows_are_the_same_however_few_lines_are_taken_at_once(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = odd_log(seed)
    whole, read = rows_of(tmp_path, data)
    monkeypatch.setattr("handlers.dataset.rows.CHUNK", 1 + seed % 4)
    monkeypatch.setattr("handlers.dataset.rows.BATCH", 3)
    few, again = rows_of(tmp_path, data)

    assert few == whole
    assert again.counts == read.counts
    assert again.episodes == read.episodes
    assert read.counts.read == data.count(b"\n")
    assert len(whole) > 20


def test_a_line_that_does_not_fit_gives_the_row_that_it_gives_without_what_is_amiss(
    tmp_path: Path,
) -> None:
    records = runlogs.judged(30)
    lines = [json.dumps(record).encode() + b"\n" for record in records]
    odd = [line.replace(b'"step_ok": true', b'"step_ok": "yes"') for line in lines]
    rows, read = rows_of(tmp_path, b"".join(odd))

    assert read.counts.lenient == len(records)
    plain, _ = rows_of(tmp_path, b"".join(lines))
    assert rows == [row | {"step_ok": None} for row in plain]


@pytest.mark.parametrize(
    "template",
    [
        DEFAULT_PROMPT_TEMPLATE,
        "{feet_grounded} {pos_x!r} {roll_deg:+08.3f} {goal_prompt:>30} 100%",
        "{pos_x:,.2f} {phase_name}",  # has no % conversion
        "{feet_grounded:d} {phase_idx}",  # not every value suits it
        "{goal_prompt}",
    ],
)
def test_prompts_are_the_templates_own(tmp_path: Path, template: str) -> None:
    poses = ((1, 4), (0.125, 4), (-1234.5, 4.0), (1e22, 3), (None, None))
    seen = [{"pos_x": x, "feet_grounded": feet, "roll_deg": -0.0} for x, feet in poses]
    records = [runlogs.record(n, obs=obs) for n, obs in enumerate(seen, 1)]
    of_export = Prompts(compile_template(template), "demo", 2)
    mission = replace(MISSION, template=template)
    for some in (records[:4], records):  # with every number known, and not
        rows, _ = rows_of(tmp_path, b"".join(json.dumps(one).encode() + b"\n" for one in some),
                          mission)  # fmt: skip
        expected = [
            of_export.prompt({**now, "obs": before["obs"]})[0] for before, now in pairwise(some)
        ]
        assert [row["prompt"] for row in rows] == [None, *expected]


def test_no_content_makes_it_raise(tmp_path: Path) -> None:
    odd = [
        b'{"tick": 1, "action": "sit", "x": "\xff"}',
        b'{"tick": 2, "action": "sit", "terminated": true, "x": "\xff"}',
        b'{"tick": 3, "action": "sit", "phase_idx": 99999999999999999999}',
        b'{"tick": 1e400, "action": "sit"}',
        b'{"tick": 18446744073709551615, "action": "sit"}',
        b'{"tick": 4, "action": "sit", "obs": {"pos_x": 18446744073709551615}}',
        b'{"tick": 5, "action": "sit", "obs": [], "visible_tags": "\\ud800"}',
        b'{"tick": 6, "action": "sit", "reward": 1e308, "judgment": {"severity": NaN}}',
        b'{"tick": 7, "action": "sit", "reward": 1e308}',
        b'{"tick": -3, "action": ""}',
        b"\xef\xbb\xbf",
        b"[" * 5000,
        b"\0" * 20,
    ]
    _, read = rows_of(tmp_path, b"\r\n".join(odd) + b"\n")
    counts = read.counts
    assert counts.read == len(odd)
    assert counts.rows + counts.skipped + counts.blank + counts.rejected.total() == len(odd)
