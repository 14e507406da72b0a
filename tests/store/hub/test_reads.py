"""What is asked of all robots at once, and what is told as it comes."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest

pytest.importorskip("psycopg", reason="pip install 'cadenzad[hub]'")

from store.hub.reads import Wanted, events, follow, heads, robots, totals


@pytest.fixture
def both(robot, another, make):
    for one in (robot, another):
        one.writer.append(make.discovered(), make.run("a"), make.run("b", "failed"))
        one.ship()
    robot.fold()
    return robot, another


def told(pairs):
    return [(origin, record.position, record.type) for origin, record in pairs]


class Enough(Exception):
    """Ends a test's waiting."""


def test_what_comes_is_told_once_though_nobody_notifies(both, make):
    robot, another = both
    seen = heads(robot.owner)
    turns = iter([(robot, "c"), (another, "d")])

    def instead_of_waiting(_seconds):
        one, run = next(turns, (None, ""))
        if one is None:
            raise Enough
        one.writer.append(make.run(run), make.examples(1))
        one.ship()

    wanted = Wanted((robot.id, another.id), types=["RunRecorded"])
    found = []
    with suppress(Enough):
        for origin, record in follow(robot.owner, wanted, seen, sleep=instead_of_waiting):
            found.append((origin, record.position))
    assert found == [(robot.id, 4), (another.id, 4)]
    assert (seen[robot.id], seen[another.id]) == (5, 5)


def test_a_notice_shortens_the_wait(both, make):
    robot, another = both
    wanted = Wanted((another.id,))
    news = follow(robot.owner, wanted, heads(robot.owner))
    another.writer.append(make.run("late"))
    later = threading.Timer(0.1, another.ship)
    later.start()
    origin, record = next(news)
    later.join()
    assert (origin, record.position) == (another.id, 4)


def test_events_are_those_that_were_there_when_they_were_asked_for(both, make):
    robot, another = both
    ends = heads(robot.owner)
    robot.writer.append(make.run("c"))
    robot.ship()
    wanted = Wanted((robot.id, another.id))
    assert len(told(events(robot.owner, wanted, ends))) == 6
    assert len(told(events(robot.owner, wanted))) == 7
    assert told(events(robot.owner, Wanted((robot.id,), types=["ProjectDiscovered"]))) == [
        (robot.id, 1, "ProjectDiscovered")
    ]
    of_project = Wanted(streams=[(another.id, make.stream)])
    assert [position for _, position, _ in told(events(robot.owner, of_project))] == [1, 2, 3]
    assert told(events(robot.owner, Wanted(streams=[]))) == []


def test_counts_are_those_of_the_views(both):
    robot, another = both
    (row,) = robots(robot.owner, name=robot.name)
    assert (row.head, row.folded, row.projects) == (3, 3, 1)
    assert (row.runs, row.succeeded, row.failed, row.to_look_at) == (2, 1, 1, 0)
    assert row.seen_us is not None
    assert row in robots(robot.owner)
    robot.owner.run(f"UPDATE cadenzad.view_projects SET paused = true WHERE origin = {another.id}")
    shown = robots(robot.owner, 1)
    assert shown[0].to_look_at or shown[0].trouble, "those to look at come first"
    assert totals(robot.owner).robots == len(robots(robot.owner))
