"""The reactor: every event to every reaction that wants it, once, whatever a reaction does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadenzad import reactor as reactor_module
from cadenzad.config.paths import make_state_dir
from cadenzad.reactor import Reactor
from handlers.reactions import Reaction, Stopping, Tools
from store.errors import InputError, StoreError
from store.events.envelope import DAEMON_STREAM, NewEvent
from store.events.process import RebuildRequested, ViewRebuilt, WatchDegraded
from store.log import EventLog, History
from store.opening import open_writer
from store.reads.state import State
from store.schema import connect_reader
from store.writer import Writer


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return make_state_dir(tmp_path / "state")


@pytest.fixture
def writer(state_dir: Path) -> Iterator[Writer]:
    opened = open_writer(state_dir)
    yield opened
    opened.close()


@pytest.fixture
def reader(state_dir: Path, writer: Writer) -> Iterator:
    connection = connect_reader(state_dir)
    yield connection
    connection.close()


@pytest.fixture
def make(reader, writer):
    """A reactor over some reactions; stopped at the end."""
    made: list[Reactor] = []

    def build(reactions, tools: Tools | None = None) -> Reactor:
        made.append(Reactor(reader, writer, reactions, tools or Tools()))
        return made[-1]

    yield build
    for one in made:
        one.stop()


def wish(writer: Writer, who: str = "test") -> int:
    return writer.append(NewEvent(DAEMON_STREAM, RebuildRequested(requested_by=who)))[0].position


def rebuilt(number: int) -> ViewRebuilt:
    return ViewRebuilt(events=number, previous_hash="", new_hash="", same=True)


def answer(event, state, tools):
    return [rebuilt(event.position)]


def types(reader) -> list[str]:
    return [record.type for record in EventLog(reader).read()]


def test_a_reaction_runs_once_for_each_event_in_order(make, writer, reader) -> None:
    # given
    positions = [wish(writer, str(number)) for number in range(3)]
    reactor = make({RebuildRequested: (Reaction("answer", answer),)})

    # when
    assert reactor.drain() == 3
    assert reactor.drain() == 0

    # then
    answers = list(EventLog(reader).read(types=["ViewRebuilt"]))
    assert [record.causation for record in answers] == positions
    assert [record.event.events for record in answers] == positions
    assert State(reader).cursor("answer") == EventLog(reader).head()


def test_a_reaction_may_take_events_together_in_one_commit(make, writer, reader) -> None:
    # given a reaction that takes two at a time
    positions = [wish(writer, str(number)) for number in range(5)]
    sizes = []

    def pairs(events, state, tools):
        sizes.append(len(events))
        return [[rebuilt(event.position)] for event in events[:2]]

    # when
    reactor = make({RebuildRequested: (Reaction("answer", answer, pairs),)})
    assert reactor.drain() == 5

    # then it has answered each once, in order; one that is left alone is no group
    answers = list(EventLog(reader).read(types=["ViewRebuilt"]))
    assert [record.causation for record in answers] == positions
    assert sizes == [5, 3]


def test_where_one_of_several_is_in_the_way_they_run_one_by_one(make, writer, reader) -> None:
    positions = [wish(writer, str(number)) for number in range(3)]

    def fails(event, state, tools):
        if event.position == positions[1]:
            raise RuntimeError("no")
        return answer(event, state, tools)

    def together(events, state, tools):
        return [fails(event, state, tools) for event in events]

    reactor = make({RebuildRequested: (Reaction("answer", fails, together),)})
    assert reactor.drain() == 3
    assert types(reader)[3:] == ["ViewRebuilt", "ReactionFailed", "ViewRebuilt"]


def test_what_leads_to_nothing_costs_no_commit_of_its_own(make, writer, monkeypatch) -> None:
    for number in range(20):
        wish(writer, str(number))
    commits = []
    run = writer.run
    monkeypatch.setattr(writer, "run", lambda unit: commits.append(unit) or run(unit))
    make({RebuildRequested: (Reaction("nothing", lambda e, s, t: []),)}).drain()
    assert len(commits) == 1


def test_what_reactions_add_is_reacted_to(make, writer, reader) -> None:
    wish(writer)
    reactor = make(
        {
            RebuildRequested: (Reaction("answer", answer),),
            ViewRebuilt: (Reaction("tell", lambda e, s, t: [WatchDegraded(code="a", detail="b")]),),
        }
    )
    assert reactor.drain() == 2
    last = EventLog(reader).get(3)
    assert (last.type, last.causation, last.correlation) == ("WatchDegraded", 2, 1)


def test_a_new_reactor_goes_on_where_the_old_one_was(make, writer, reader) -> None:
    reactions = {RebuildRequested: (Reaction("answer", answer),)}
    wish(writer)
    make(reactions).drain()
    wish(writer)
    assert make(reactions).drain() == 1
    assert types(reader) == ["RebuildRequested", "ViewRebuilt"] * 2


def test_a_reaction_that_is_new_to_an_old_log_begins_now(make, writer) -> None:
    wish(writer)
    make({RebuildRequested: (Reaction("answer", answer),)}).drain()
    seen: list[int] = []
    newcomer = Reaction("newcomer", lambda e, s, t: seen.append(e.position) or [])
    reactions = {RebuildRequested: (Reaction("answer", answer), newcomer)}
    make(reactions).drain()
    new = wish(writer)
    make(reactions).drain()
    assert seen == [new]


def test_events_and_cursor_land_together_so_a_lost_cursor_adds_nothing(
    make, writer, reader
) -> None:
    reactions = {RebuildRequested: (Reaction("answer", answer),)}
    wish(writer)
    make(reactions).drain()
    writer.run(lambda transaction: transaction.set_cursor("answer", 0))
    make(reactions).drain()
    assert types(reader) == ["RebuildRequested", "ViewRebuilt"]


# -- a reaction that fails -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "message", "logged"),
    [
        (InputError("bad\nline"), "bad\\nline", False),
        (ZeroDivisionError("x"), "x", True),
        (ValueError("half a character: \ud800"), "half a character: \\ud800", True),
        (KeyError(), "", True),
        (RecursionError("deep"), "deep", True),
    ],
)
def test_a_reaction_that_raises_is_an_event_and_the_rest_goes_on(
    make, writer, reader, caplog, error, message, logged
) -> None:
    # given
    def fail(event, state, tools):
        raise error

    wish(writer)
    wish(writer)
    reactor = make(
        {RebuildRequested: (Reaction("fail", fail), Reaction("answer", answer))},
    )

    # when
    with caplog.at_level(logging.ERROR):
        assert reactor.drain() == 4

    # then
    failures = list(EventLog(reader).read(types=["ReactionFailed"]))
    assert [record.causation for record in failures] == [1, 2]
    failed = failures[0].event
    assert (failed.reaction, failed.event_type) == ("fail", "RebuildRequested")
    assert (failed.error, failed.message) == (type(error).__name__, message)
    assert types(reader).count("ViewRebuilt") == 2
    assert bool(caplog.records) is logged


def test_an_event_that_cannot_be_stored_is_a_failed_reaction(make, writer, reader) -> None:
    odd = Reaction("odd", lambda e, s, t: [WatchDegraded(code="\ud800", detail="")])
    wish(writer)
    make({RebuildRequested: (odd,)}).drain()
    assert types(reader) == ["RebuildRequested", "ReactionFailed"]


def test_a_generator_that_raises_half_way_leaves_nothing_of_it(make, writer, reader) -> None:
    def half(event, state, tools):
        yield rebuilt(1)
        raise InputError("half-way")

    wish(writer)
    make({RebuildRequested: (Reaction("half", half),)}).drain()
    assert types(reader) == ["RebuildRequested", "ReactionFailed"]


# -- stopping --------------------------------------------------------------------------------------


def test_a_reaction_that_is_told_to_stop_runs_again_later(make, writer, reader) -> None:
    def stop() -> None:
        raise Stopping

    def long(event, state, tools):
        tools.checkpoint()
        return [rebuilt(1)]

    reactions = {RebuildRequested: (Reaction("long", long),)}
    wish(writer)
    with pytest.raises(Stopping):
        make(reactions, Tools(checkpoint=stop)).drain()
    assert types(reader) == ["RebuildRequested"]
    assert make(reactions).drain() == 1


def test_its_thread_reacts_when_woken_and_ends_when_stopped(
    make, writer, reader, eventually
) -> None:
    reactor = make({RebuildRequested: (Reaction("answer", answer),)})
    wish(writer)
    reactor.start()
    eventually(lambda: types(reader) == ["RebuildRequested", "ViewRebuilt"], "what was there")
    wish(writer)
    reactor.wake()
    eventually(lambda: len(types(reader)) == 4, "what came")
    reactor.stop()
    reactor.stop()
    wish(writer)
    reactor.wake()
    assert len(types(reader)) == 5


def test_a_full_disk_stops_nothing_for_good(
    make, writer, reader, caplog, eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a log that has no room left
    monkeypatch.setattr(reactor_module, "RETRY_S", 0.05)
    big = Reaction("big", lambda e, s, t: [WatchDegraded(code="a", detail="x" * 1_000_000)])
    reactor = make({RebuildRequested: (big,)})
    wish(writer)
    pages = writer.run(lambda t: t.connection.execute("PRAGMA page_count").fetchone()[0])
    writer.run(lambda t: t.connection.execute(f"PRAGMA max_page_count = {pages}").fetchone())

    # when
    reactor.start()
    eventually(lambda: any("full" in line for line in caplog.messages), "the complaint")
    assert types(reader) == ["RebuildRequested"]
    writer.run(lambda t: t.connection.execute("PRAGMA max_page_count = 100000").fetchone())

    # then
    eventually(lambda: types(reader) == ["RebuildRequested", "WatchDegraded"], "the reaction")


def test_stopping_does_not_wait_for_the_next_try(
    make, writer, monkeypatch: pytest.MonkeyPatch, eventually, caplog
) -> None:
    monkeypatch.setattr(reactor_module, "RETRY_S", 1000.0)

    def refuse(event, state, tools):
        raise StoreError("no room")

    reactor = make({RebuildRequested: (Reaction("refuse", refuse),)})
    wish(writer)
    reactor.start()
    eventually(lambda: any("no room" in line for line in caplog.messages), "the complaint")
    reactor.stop()
    assert [thread.name for thread in threading.enumerate() if "reactor" in thread.name] == []


def test_a_log_that_cannot_be_read_for_a_moment_is_read_later(
    make, writer, reader, caplog, eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    import sqlite3

    monkeypatch.setattr(reactor_module, "RETRY_S", 0.05)
    reactor = make({RebuildRequested: (Reaction("answer", answer),)})
    wish(writer)
    failures = [sqlite3.OperationalError("disk I/O error")] * 2
    head = History.head

    def fail_twice(self):
        if failures and threading.current_thread().name == "reactor":
            raise failures.pop()
        return head(self)

    monkeypatch.setattr(History, "head", fail_twice)

    # when / then
    reactor.start()
    eventually(lambda: types(reader) == ["RebuildRequested", "ViewRebuilt"], "the reaction")
    assert any("disk I/O error" in line for line in caplog.messages)
