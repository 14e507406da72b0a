"""What the hub offers comes into a robot's own log: once for each project, and withdrawn once."""

from __future__ import annotations

import itertools
from contextlib import closing

import pytest
from eventmaking import Make
from waiting import eventually

from cadenzad.hub.offers import take_in
from handlers.fleet.content import encode
from handlers.lora.hub.packed import ARRIVED, arrived
from store.events.envelope import NewEvent
from store.events.fleet import OfferDeclined
from store.events.prompt import RuleFact
from store.reads.offers import every_offer
from store.schema import connect_reader

MISSIONS = map("mission-{}".format, itertools.count())
RULES = encode([RuleFact(line="- when fallen: stand_up", mode_id="fell@a")])


@pytest.fixture
def offered(shipping):
    """A robot whose project is known at the hub, and how an offer is made to it alone."""
    robot, mission = shipping("offered"), next(MISSIONS)
    found = Make().discovered()
    event = found.event.changed(mission=mission)
    robot.robot.writer.append(found._replace(event=event))
    robot.forwarder().ship_all()
    robot.robot.fold()

    def offer(data: bytes = RULES, kind: str = "prompt") -> str:
        from store.hub.offers import Draft, Goal, make

        goal = Goal(mission, "go1", '["a"]')
        return make(robot.robot.owner, Draft(kind, "rescue", goal, "ada", 3, data), 0, "")[0]

    return robot, offer


def rows(robot, number):
    with closing(connect_reader(robot.state)) as reader:
        return [row for row in every_offer(reader) if row.offer == number]


def take(robot):
    with closing(robot.robot.connect()) as hub, closing(connect_reader(robot.state)) as reader:
        return take_in(hub, reader, robot.robot.writer, robot.state)


def test_it_is_recorded_once_however_often_it_is_looked_at(offered):
    robot, offer = offered
    number = offer()
    assert (take(robot), take(robot)) == ([], [])
    (row,) = rows(robot, number)
    assert (row.project, row.state, row.robot, row.source) == (Make.project, "open", "ada", 3)
    assert take(robot) == []


def test_a_pull_is_recorded_once_and_what_was_never_taken_in_is_left(offered):
    from store.hub.offers import step

    robot, offer = offered
    number, other = offer(), offer()
    owner = robot.robot.owner
    step(owner, other, "pulled", "a mistake", {})
    take(robot)
    assert rows(robot, other) == []
    step(owner, number, "pulled", "worse than before", {})
    take(robot)
    take(robot)
    (row,) = rows(robot, number)
    assert row.withdrawn
    assert row.reason == "worse than before"


def test_what_is_no_offer_is_said_and_in_nobodys_way(offered):
    robot, offer = offered
    bad, good = offer(b"[]"), offer()
    (problem,) = take(robot)
    assert "an offered prompt" in problem
    assert rows(robot, bad) == []
    assert len(rows(robot, good)) == 1


def test_an_adapters_files_are_here_while_its_offer_waits(offered):
    robot, offer = offered
    number = offer(b"an adapter", "adapter")
    assert take(robot) == []
    (row,) = rows(robot, number)
    assert (row.kind, row.state) == ("adapter", "open")
    file = arrived(robot.state, row.content)
    assert file.read_bytes() == b"an adapter"
    # gone before the job looked, by whatever
    file.unlink()
    take(robot)
    assert file.read_bytes() == b"an adapter"
    # and not needed any more
    declined = OfferDeclined(offer=number, reason="not for this robot")
    robot.robot.writer.append(NewEvent(Make.stream, declined))
    take(robot)
    assert list(file.parent.iterdir()) == []


def test_where_it_cannot_be_put_is_said_and_it_is_taken_in_later(offered):
    robot, offer = offered
    (robot.state / ARRIVED).write_text("in the way")
    number = offer(b"another adapter", "adapter")
    (problem,) = take(robot)
    assert problem.startswith(f"offer {number}: ")
    assert rows(robot, number) == []
    (robot.state / ARRIVED).unlink()
    assert take(robot) == []
    assert len(rows(robot, number)) == 1


def test_the_forwarder_hears_of_an_offer_and_ships_what_it_recorded(offered):
    robot, offer = offered
    forwarder = robot.forwarder()
    forwarder.start()
    eventually(lambda: robot.told and robot.told["name"], "it is connected", 20)
    number = offer()
    eventually(lambda: rows(robot, number), "the offer is in the robot's log", 20)
    forwarder.wake()
    eventually(lambda: robot.told["lag"] == 0, "and its event at the hub", 20)
