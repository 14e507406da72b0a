"""Which logs may speak about a prompt: by their stamps, their bytes and the log's positions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import runlogs

from handlers.judge.driven import ELSEWHERE, Driver, is_evidence, is_under
from handlers.judge.driver import _earlier, newest_logs
from store.events.files import RunStamp
from store.reads.improvements import PromptRow, ToldRow

ENV = "e" * 64


def write(project: Path, name: str, **stamp: Any) -> None:
    """A log named by its minute, and stamped where `stamp` says how."""
    folder = project / ".cadenza-env"
    folder.mkdir(exist_ok=True)
    first = runlogs.record(0) | ({"stamp": stamp} if stamp else {})
    (folder / f"2026-01-01T10-{name}.log.jsonl").write_text(
        json.dumps(first) + "\n" + runlogs.tick(1).decode()
    )


def test_logs_of_other_drivers_and_copies_do_not_crowd_out_the_prompts_own(tmp_path: Path) -> None:
    write(tmp_path, "01", policy="prompt", env_sha256=ENV, seed=1)
    write(tmp_path, "02", policy="prompt", env_sha256=ENV, seed=2)
    write(tmp_path, "03", policy="prompt", env_sha256=ENV, seed=2)
    for name in ("04", "05", "06"):
        write(tmp_path, name, policy="scripted", env_sha256=ENV)
    write(tmp_path, "07", policy="prompt", env_sha256="f" * 64)
    logs, older, none = newest_logs(tmp_path, 1, Driver(env_sha256=ENV))
    assert [log.run_id[-2:] for log in logs] == ["02"]
    assert older == 1
    assert none.as_json() == {
        "copies of another": 1, "driven by scripted": 3, "under another env.json": 1,
    }  # fmt: skip


def test_a_log_without_a_stamp_is_of_the_mission_that_there_was_when_it_came() -> None:
    runs = [ToldRow(log("a"), 0, 5, {}), ToldRow(log("b"), 0, 12, {}),
            ToldRow(log("c"), 0, 5, {"env_sha256": ENV})]  # fmt: skip
    assert [is_under(run, ENV, 10) for run in runs] == [False, True, True]
    driver = Driver(env_sha256=ENV, elsewhere={"a"})
    assert driver.excludes("a", None) == driver.excludes("a", RunStamp()) == ELSEWHERE
    assert driver.excludes("b", None) is None
    assert driver.excludes("a", RunStamp(env_sha256=ENV)) is None


@pytest.mark.parametrize(
    ("stamp", "may"),
    [
        (None, True),
        (RunStamp(policy="prompt"), True),
        (RunStamp(seed=3), True),
        (RunStamp(policy="scripted"), False),
        (RunStamp(policy="lora", adapter=1), False),
    ],
)
def test_only_a_stamp_says_that_a_run_is_no_evidence(stamp: RunStamp | None, may: bool) -> None:
    assert is_evidence(stamp) is may


def row(version: int, since: int, state: str, *lines: str, unread: tuple[str, ...] = ()) -> Any:
    blank: dict[str, Any] = dict.fromkeys(PromptRow._fields)
    rules = [{"line": line} for line in lines]
    return PromptRow(**blank | {"version": version, "since": since, "state": state,
                                "rules": rules, "unread": unread})  # fmt: skip


def log(name: str) -> str:
    return f".cadenza-env/{name}.log.jsonl"


def test_unstamped_runs_belong_to_the_rules_that_were_there_when_they_came() -> None:
    told = [
        ToldRow(log(name), index, first, {})
        for name, index, first in (("a", 0, 5), ("b", 0, 12), ("b", 1, 25), ("c", 0, 26))
    ]
    first = row(1, 10, "replaced", "- when stuck: sit")
    second = row(2, 20, "current", "- when fallen: stand_up", unread=(log("c"),))
    assert _earlier([], told) == frozenset()
    assert _earlier([first, second], told) == {"a", "b", "c"}

    # and after a version with its rules was taken back, those of before count again
    back = row(3, 30, "current")
    assert _earlier([first, row(2, 20, "rolled_back", "- when fallen: stand_up"), back], told) == {
        "b", "b#2", "c",
    }  # fmt: skip
