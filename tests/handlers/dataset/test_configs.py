"""Which steps serve which trainer, and why the others do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import runlogs

pa = pytest.importorskip("pyarrow", reason="the extra `dataset` is not installed")

from handlers.dataset import configs  # noqa: E402
from handlers.dataset.configs import Configs, Filters  # noqa: E402
from handlers.dataset.mission import Mission  # noqa: E402
from handlers.dataset.rows import read_rows  # noqa: E402
from handlers.dataset.schema import CONFIGS, SCHEMAS, STATE  # noqa: E402
from handlers.project.library import library_for  # noqa: E402
from handlers.project.spec import DEFAULT_PROMPT_TEMPLATE  # noqa: E402

NAMES = library_for("go1", Path("/")).names
MISSION = Mission(
    "demo", "look", "go1", "1. walk", 1, DEFAULT_PROMPT_TEMPLATE,
    actions={name: at for at, name in enumerate(NAMES)},
)  # fmt: skip


@pytest.fixture
def make(tmp_path: Path) -> Any:
    """`make(config, records, **filters)`: the config's rows, and what is not in it."""

    def made(config: str, records: list[dict[str, Any]], **filters: Any) -> tuple[list[Any], Any]:
        log = tmp_path / "r.log.jsonl"
        log.write_bytes(runlogs.as_log(records))
        with read_rows(log, MISSION, "r") as rows:
            (steps,) = rows.batches()
        kept, left = Configs(Filters(**filters), NAMES).of(config, steps)
        assert kept.schema.equals(SCHEMAS[config])
        assert kept.num_rows + left.total() == steps.num_rows
        return kept.to_pylist(), dict(left)

    return made


def test_a_pair_is_made_where_progress_was_lost(make: Any) -> None:
    rows, left = make("dpo", runlogs.judged(6))

    assert [row["tick"] for row in rows] == [3, 5, 6]
    assert {row["chosen"] for row in rows} == {' {"action": "turn_left", "rotation_rad": 0.5}'}
    assert {row["rejected"] for row in rows} == {' {"action": "walk_forward", "distance_m": 1.0}'}
    assert [row["margin"] for row in rows] == [0.9] * 3
    assert left == {configs.SAME: 3}


@pytest.mark.parametrize(
    ("judgment", "reason"),
    [
        ({"canonical_confidence": 0.4}, configs.UNSURE),
        ({"canonical_action": "moonwalk"}, configs.UNKNOWN),
        ({"canonical_action": None}, configs.NO_CANONICAL),
        ({"progress_lost_m": 0.1}, configs.NOTHING_LOST),
        ({"severity": None}, configs.NO_SEVERITY),
        ({"canonical_action": "walk_forward", "canonical_params": {"distance_m": 1}}, configs.SAME),
        ({"progress_lost_m": None, "severity": 0.4}, configs.NOTHING_LOST),
    ],
)
def test_no_pair_is_made_where_it_is_not_sure(
    make: Any, judgment: dict[str, Any], reason: str
) -> None:
    records = runlogs.judged(3)
    records[3]["judgment"] |= judgment
    rows, left = make("dpo", records)

    assert rows == []
    assert left[reason] >= 1


def test_a_wrong_signal_loses_no_way_and_is_rejected(make: Any) -> None:
    records = runlogs.judged(3)
    records[3]["judgment"] |= {"progress_lost_m": None, "severity": 0.8}
    rows, _ = make("dpo", records)
    assert [(row["tick"], row["margin"]) for row in rows] == [(3, 0.8)]


def test_kto_labels_what_pairs_reject_and_what_was_asked(make: Any) -> None:
    records = runlogs.judged(6)
    records[4]["judgment"] |= {"match": False, "severity": 0.3}
    rows, left = make("kto", records)

    assert [(row["tick"], row["label"]) for row in rows] == [
        (1, True), (2, True), (3, False), (5, False), (6, False)
    ]  # fmt: skip
    assert left == {configs.NEITHER: 1}


def test_a_failed_episode_teaches_what_not_to_do_alone(make: Any) -> None:
    records = runlogs.judged(6, success=False)

    assert make("sft", records, include_failures=False) == ([], {configs.FAILED: 6})
    rows, _ = make("kto", records, include_failures=False)
    assert {row["label"] for row in rows} == {False}
    assert len(make("dpo", records, include_failures=False)[0]) == 3
    assert make("rl", records, include_failures=False)[0] == []


def test_a_minimum_of_reward_drops_single_examples(make: Any) -> None:
    records = runlogs.judged(4)
    for at, reward in enumerate((0.1, 0.9, None, 0.8), 1):
        records[at]["reward"] = reward
    rows, left = make("sft", records, min_reward=0.5)

    assert [row["tick"] for row in rows] == [2, 4]
    assert left == {configs.LOW_REWARD: 1, configs.NO_REWARD: 1}


def test_rl_has_what_leads_to_the_end_unbroken(make: Any) -> None:
    records = runlogs.judged(6)
    del records[2]["obs"]["pos_x"]
    rows, left = make("rl", records)

    assert [row["tick"] for row in rows] == [4, 5, 6]
    assert left == {configs.BROKEN: 3}
    for row, before in zip(rows, records[3:], strict=False):
        assert row["observation"] == [before["obs"][name] for name in STATE]
        assert NAMES[row["action_id"]] == "walk_forward"
    assert [row["terminated"] for row in rows] == [False, False, True]


def test_diverged_physics_is_no_example_and_no_trajectory(make: Any) -> None:
    records = runlogs.judged(6)
    records[6]["obs"]["pos_x"] = -59_000.0
    assert make("rl", records)[0] == []
    assert 6 not in [row["tick"] for row in make("sft", records)[0]]


def test_every_config_says_what_its_columns_mean() -> None:
    from handlers.dataset.schema import COLUMNS

    assert set(COLUMNS) == set(CONFIGS)
    assert all(column.meaning for columns in COLUMNS.values() for column in columns)
    assert not any(
        pa.types.is_null(column.type) for columns in COLUMNS.values() for column in columns
    )
