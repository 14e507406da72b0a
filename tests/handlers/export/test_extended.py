"""The extended keys: one type a column, and the reference's values as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from handlers.export.extended import one_type

Tick = Callable[..., dict[str, Any]]


def test_what_is_measured_is_a_float_and_what_is_counted_is_not(
    make_tick: Tick, export: Callable[..., Any]
) -> None:
    tick = make_tick(obs={"body_height": 0, "feet_grounded": 4}, reward=-1)
    tick["action_params"] = {"speed": 1, "repeat": 2}
    tick["motion"] = {"goal_xyz": [1, 2.5, -1], "direction_changes": 0}
    (record,) = export(tick, keys="extended").records
    assert json.dumps(record["obs"]) == '{"body_height": 0.0, "feet_grounded": 4}'
    assert json.dumps(record["action_params"]) == '{"speed": 1.0, "repeat": 2}'
    assert json.dumps(record["motion"]) == '{"goal_xyz": [1.0, 2.5, -1.0], "direction_changes": 0}'
    assert json.dumps(record["reward"]) == "-1.0"
    assert one_type(2**60) == 2**60


def test_lines_without_a_step_have_no_number_in_the_episode(
    make_tick: Tick, export: Callable[..., Any]
) -> None:
    # given a reset observation, an action, a line that is none, and one that closes the run
    lines = [make_tick(tick=0, action=None), make_tick(tick=1), b"[1]", make_tick(tick=2)]
    lines.append(make_tick(tick=3, end_reason="interrupted"))
    done = export(*lines, make_tick(tick=0, action=None), make_tick(tick=1), keys="extended")
    assert [record["episode_step"] for record in done.records] == [0, 1, 0]
    assert (done.report.tally.skipped, done.report.tally.rejected) == (3, 1)
    assert done.manifest.keys == "extended"


def test_unknown_stays_unknown(make_tick: Tick, export: Callable[..., Any]) -> None:
    tick = make_tick(goal_prompt=..., terminated=..., truncated="yes")
    (record,) = export(tick, keys="extended").records
    assert (record["goal_prompt"], record["terminated"], record["truncated"]) == (None,) * 3


@pytest.mark.parametrize("reader", ["pandas", "polars", "duckdb"])
def test_readers_of_tables_load_it_with_the_types_that_it_has(
    make_tick: Tick, export: Callable[..., Any], reader: str
) -> None:
    # given rewards that are spelled as integers up to the last
    read = {"pandas": _pandas, "polars": _polars, "duckdb": _duckdb}[reader]
    pytest.importorskip(reader)
    ticks = [make_tick(tick=at, reward=0) for at in range(1, 30)]
    done = export(*ticks, make_tick(tick=30, reward=1.5, terminated=True), keys="extended")
    # when
    rewards, steps, ended = read(str(done.report.output))
    # then
    assert rewards == [0.0] * 29 + [1.5]
    assert {type(reward) for reward in rewards} == {float}
    assert steps == list(range(30))
    assert ended == [False] * 29 + [True]


def _pandas(path: str) -> tuple[list[Any], ...]:
    import pandas

    table = pandas.read_json(path, lines=True, precise_float=True)
    return table["reward"].tolist(), table["episode_step"].tolist(), table["terminated"].tolist()


def _polars(path: str) -> tuple[list[Any], ...]:
    import polars

    table = polars.read_ndjson(path)
    return table["reward"].to_list(), table["episode_step"].to_list(), table["terminated"].to_list()


def _duckdb(path: str) -> tuple[list[Any], ...]:
    import duckdb

    query = "SELECT reward, episode_step, terminated FROM read_json(?)"
    rows = duckdb.execute(query, [path]).fetchall()
    return tuple(map(list, zip(*rows, strict=True)))
