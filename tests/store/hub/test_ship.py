"""A log at the hub: in order, without a gap, each event once, and never changed."""

from __future__ import annotations

from contextlib import closing
from functools import partial

import pytest

pytest.importorskip("psycopg", reason="pip install 'cadenzad[hub]'")

from store.errors import StoreError
from store.events.types import EVENT_TYPES, decode
from store.hub import ship as shipping
from store.hub.connection import HubError
from store.hub.fold import fold_some, try_again
from store.hub.ship import Batch, hello, read_batch, ship


def batch_of(robot, after=0, rows=1000) -> Batch:
    return robot.writer.run(lambda t: read_batch(t.connection, after, rows))


def stored(robot):
    query = "SELECT position, type FROM cadenzad.events WHERE origin = ? ORDER BY position"
    return robot.owner.execute(query, (robot.id,)).fetchall()


@pytest.fixture
def line(robot, make):
    robot.writer.append(make.discovered(), make.run("a"), make.run("b"), make.run("c"))
    with closing(robot.connect()) as hub:
        assert hello(hub, robot.name) == 0
        yield hub


def test_a_batch_that_comes_twice_is_there_once(robot, line):
    assert ship(line, batch_of(robot, rows=3)) == 3
    assert ship(line, batch_of(robot, rows=3)) == 3
    assert ship(line, batch_of(robot, rows=2)) == 3, "an older part of it is no harm"
    assert ship(line, batch_of(robot)) == 4, "and neither is one that goes beyond it"
    assert stored(robot) == [
        (1, "ProjectDiscovered"), (2, "RunRecorded"), (3, "RunRecorded"), (4, "RunRecorded"),
    ]  # fmt: skip
    assert hello(line, robot.name) == 4


def test_what_does_not_follow_is_refused(robot, line):
    ship(line, batch_of(robot, rows=1))
    with pytest.raises(HubError, match="ends at 1: position 3 does not follow"):
        ship(line, batch_of(robot, after=2))
    assert hello(line, robot.name) == 1


def test_another_event_at_the_same_position_is_named(robot, line):
    first, columns = batch_of(robot)
    ship(line, Batch(first, columns))
    changed = [list(column) for column in columns]
    changed[4][2] = changed[4][2].replace('"b"', '"x"')
    with pytest.raises(HubError, match="has another event at position 3"):
        ship(line, Batch(first, tuple(changed)))


def test_a_login_ships_one_log_and_a_log_has_one_login(robot, another, line):
    with pytest.raises(HubError, match="has shipped another log"):
        hello(line, "another log")
    with closing(another.connect()) as hub, pytest.raises(HubError, match=f"login of {robot.name}"):
        hello(hub, robot.name)


def test_a_batch_is_bounded_by_its_bytes_but_holds_one_event_at_least(robot, line, monkeypatch):
    monkeypatch.setattr(shipping, "BYTES", 1)
    batch = batch_of(robot)
    assert (batch.first, batch.last) == (1, 1)
    assert batch_of(robot, after=4) is None


def test_the_log_is_append_only_for_its_owner_too(robot, line):
    ship(line, batch_of(robot))
    for statement in ("UPDATE cadenzad.events SET type = 'x'", "DELETE FROM cadenzad.events"):
        with pytest.raises(HubError, match="append-only"):
            robot.owner.run(statement)


def test_an_event_of_a_newer_version_stops_the_view_of_its_robot_alone(
    robot, another, line, make, monkeypatch
):
    ship(line, batch_of(robot))
    another.writer.append(make.discovered())
    another.ship()
    known = {name: kind for name, kind in EVENT_TYPES.items() if name != "RunRecorded"}
    with monkeypatch.context() as older:
        older.setattr("store.log.decode", partial(decode, types=known))
        fold_some(robot.owner)
    rows = robot.owner.execute(
        "SELECT position, trouble FROM folded WHERE origin IN (?, ?) ORDER BY origin",
        (robot.id, another.id),
    ).fetchall()
    assert rows[0][0] == 0
    assert "unknown type 'RunRecorded'" in rows[0][1]
    assert rows[1] == (1, "")
    # a version that knows it goes on
    try_again(robot.owner)
    robot.fold()
    (position,) = robot.owner.execute(
        "SELECT position FROM folded WHERE origin = ?", (robot.id,)
    ).fetchone()
    assert position == 4


@pytest.mark.parametrize(
    ("path", "says"), [("/a\x00b", "NUL"), ("/a\udc80", "events 1 to 1 cannot be shipped")]
)
def test_what_cannot_be_text_is_named_and_nothing_is_there(robot, line, path, says):
    first, columns = batch_of(robot, rows=1)
    changed = [list(column) for column in columns]
    changed[0][0] = path
    with pytest.raises(StoreError, match=says):
        ship(line, Batch(first, tuple(changed)))
    assert hello(line, robot.name) == 0
