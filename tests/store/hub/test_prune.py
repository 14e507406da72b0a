"""Old events that are not kept: what stays is whole, and what is gone can come again."""

from __future__ import annotations

import pytest

from store.hub.connection import HubError
from store.hub.fold import try_again
from store.hub.prune import prune, refetch, tell_of_pruned
from store.hub.reads import robot_named
from store.hub.verify import compare, verify

EVER = 2**62


@pytest.fixture
def shipped(robot, make):
    robot.writer.append(make.discovered(), *(make.run(f"run-{number}") for number in range(9)))
    robot.ship()
    return robot


def events(robot) -> list[int]:
    query = "SELECT position FROM cadenzad.events WHERE origin = ? ORDER BY position"
    return [position for (position,) in robot.owner.execute(query, (robot.id,)).fetchall()]


def test_what_is_in_no_view_is_kept_and_so_is_the_last_event(owner, shipped):
    assert prune(owner, shipped.id, EVER) == 0
    shipped.fold()
    assert prune(owner, shipped.id, 0) == 0
    assert prune(owner, shipped.id, EVER, dry=True) == 9
    assert events(shipped) == [*range(1, 11)]
    assert prune(owner, shipped.id, EVER) == 9
    assert events(shipped) == [10]


def test_what_is_kept_is_whole_and_goes_on(owner, shipped, make):
    shipped.fold()
    prune(owner, shipped.id, EVER)
    shipped.writer.append(make.run("later"))
    shipped.ship()
    shipped.fold()
    robot = robot_named(owner, shipped.name)
    assert (robot.head, robot.folded, robot.pruned, robot.runs) == (11, 11, 9, 10)
    assert verify(owner, robot) == []
    with shipped.connect().connection as line:
        own = type(owner)(line)
        assert shipped.writer.run(lambda unit: compare(own, unit.connection)) == []
    owner.run("ALTER TABLE cadenzad.events DISABLE TRIGGER append_only")
    owner.execute("DELETE FROM cadenzad.events WHERE origin = ? AND position = 10", (shipped.id,))
    owner.run("ALTER TABLE cadenzad.events ENABLE TRIGGER append_only")
    assert "positions run from 11" in verify(owner, robot)[0]


def test_a_view_that_cannot_be_folded_anew_says_so_until_the_log_has_come_again(owner, shipped):
    shipped.fold()
    prune(owner, shipped.id, EVER)
    # given views that are to be folded anew, as `hub init` has it after an upgrade
    owner.execute("UPDATE folded SET position = 0 WHERE origin = ?", (shipped.id,))
    tell_of_pruned(owner)
    try_again(owner)
    shipped.fold()
    robot = robot_named(owner, shipped.name)
    assert "9 events were pruned" in robot.trouble
    assert robot.folded == 0

    # when its log is asked for again
    refetch(owner, shipped.id)
    assert shipped.ship() == 10
    shipped.fold()

    # then all is there
    robot = robot_named(owner, shipped.name)
    assert (robot.folded, robot.pruned, robot.trouble) == (10, 0, "")
    assert verify(owner, robot) == []


def test_nobody_deletes_but_by_pruning(owner, shipped):
    shipped.fold()
    prune(owner, shipped.id, EVER)
    with pytest.raises(HubError, match="append-only"):
        owner.execute("DELETE FROM cadenzad.events WHERE origin = ?", (shipped.id,))
    hub = shipped.connect()
    hub.execute("SELECT set_config('cadenzad.pruning', 'on', false)")
    with pytest.raises(HubError, match="permission denied"):
        hub.execute("DELETE FROM cadenzad.events")
    hub.close()
