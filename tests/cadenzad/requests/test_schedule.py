"""Pruning by a schedule: due by the clock, in small turns, as `cadenzactl db prune` does."""

from __future__ import annotations

from contextlib import closing

import pytest

from cadenzad.config.files import Config
from cadenzad.config.settings import Check, Retention
from cadenzad.daemon import Daemon
from cadenzad.requests import schedule
from cadenzad.requests.schedule import Schedule
from handlers.judge.settings import JudgeSettings
from handlers.lora.settings import LoraSettings
from store.opening import open_writer
from store.reads.state import State
from store.schema import connect_reader

DAILY = Retention(prune=True, every=86400.0, keep_last=1, older_than=0.0)


@pytest.fixture
def runs(home):
    """A project with four exported runs."""
    project = home.project()
    for name in ("a", "b", "c", "d"):
        home.log(project, name)
    home.once()
    return project / ".cadenza-env"


def once(home, retention: Retention) -> None:
    config = Config(
        workspaces=(home.workspace,),
        judge=JudgeSettings(mode="off"),
        lora=LoraSettings(retrain=False),
        check=Check(enabled=False),
        retention=retention,
    )
    Daemon(config, home.state).run(once=True)


def test_it_is_off_by_default(home, runs) -> None:
    home.once()
    assert home.events("FilePruned") == []


@pytest.mark.parametrize("files", [1, 200])
def test_a_round_takes_what_the_policy_says_in_turns(home, runs, monkeypatch, files: int) -> None:
    # when
    monkeypatch.setattr(schedule, "FILES", files)
    once(home, DAILY)

    # then
    assert len(list(runs.glob("*.log.jsonl"))) == 1
    assert len(list((runs / "exports").glob("*.finetune.jsonl"))) == 1
    kinds = [record.event.kind for record in home.events("FilePruned")]
    assert sorted(kinds) == ["export"] * 3 + ["manifest"] * 3 + ["run"] * 3
    assert not list((home.state / "inbox").iterdir())


def test_the_next_round_comes_when_it_is_due_whatever_the_clock_does(home, runs) -> None:
    now = [1e9]
    with (
        closing(connect_reader(home.state)) as reader,
        closing(open_writer(home.state)) as writer,
    ):
        plan = Schedule(home.state, State(reader), writer, lambda _path: True, lambda: now[0])
        assert plan.begin(DAILY)
        now[0] += 86399
        assert not plan.begin(DAILY)
        now[0] += 1
        assert plan.begin(DAILY)
        now[0] -= 1e8
        assert plan.begin(DAILY)
        assert not plan.begin(Retention())
