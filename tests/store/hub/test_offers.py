"""Offers at the hub: made once, seen by those they are made to, widened and pulled for good."""

from __future__ import annotations

from contextlib import closing

import pytest

from store.errors import InputError, ProjectNotFound
from store.hub import offers
from store.hub.connection import Hub, HubError
from store.hub.dsn import Dsn
from store.hub.fold import fold_some
from store.hub.offers import Draft, Goal
from store.hub.reads import robot_named
from store.hub.security import add_login
from store.hub.verify import verify

GOAL = Goal("m", "go1", '["a"]')


def draft(source: str = "nobody", data: bytes = b"rules", goal: Goal = GOAL) -> Draft:
    return Draft("prompt", "rescue", goal, source, 3, data)


@pytest.fixture
def known(robot, another, make):
    """Two robots with a project of the same goal, among all that other tests made."""
    for one in (robot, another):
        one.writer.append(make.discovered())
        one.ship()
    robot.fold()
    return robot, another


def seen_by(robot) -> set[str]:
    with closing(robot.connect()) as hub:
        return {offer.id for offer in offers.offers(hub)}


def test_a_few_robots_come_first_and_the_others_when_it_is_widened(owner, known):
    able = {name for _, name in offers.robots_with(owner, GOAL, besides=known[0].name)}
    number, first = offers.make(owner, draft(known[0].name), 1, "it helped")
    assert len(first) == 1
    assert first[0] in able
    assert known[0].name not in first  # it is whose version it is
    others = [one for one in known if one.name not in first]
    assert all(number not in seen_by(one) for one in others)
    assert offers.step(owner, number, "widened", "no harm", {"pairs": 9})
    assert all(number in seen_by(one) for one in known)
    assert [one.step for one in offers.steps(owner, number)] == ["offered", "widened"]


def test_a_step_is_taken_once_and_what_is_pulled_is_not_widened(owner, known):
    number, _ = offers.make(owner, draft(), 1, "")
    assert offers.step(owner, number, "pulled", "harm", {})
    assert not offers.step(owner, number, "pulled", "again", {})
    assert not offers.step(owner, number, "widened", "late", {})
    (offer,) = [one for one in offers.offers(owner) if one.id == number]
    assert (offer.pulled, bool(offer.is_widened)) == ("harm", False)


def test_a_robot_reads_what_is_made_to_it_and_makes_nothing(owner, known):
    everywhere, _ = offers.make(owner, draft(), 0, "")
    elsewhere_goal = GOAL._replace(mission="another")
    with pytest.raises(InputError, match="no other robot"):
        offers.make(owner, draft(goal=elsewhere_goal), 0, "")
    with closing(known[0].connect()) as hub:
        (offer,) = [one for one in offers.offers(hub) if one.id == everywhere]
        assert offers.content(hub, offer) == b"rules"
        for attempt in (
            "INSERT INTO offer_history VALUES (?, 'pulled', '')",
            "INSERT INTO offer_canaries VALUES (?, 1)",
            "DELETE FROM offers WHERE id = ?",
        ):
            with pytest.raises(HubError, match="permission denied"):
                hub.execute(attempt, (everywhere,))


def test_a_robot_without_such_a_project_sees_nothing_of_it(owner, known, fleet):
    number, _ = offers.make(owner, draft(data=b"for others"), 0, "")
    stranger = Dsn(add_login(owner, fleet, "robot", "stranger"), "test")
    with closing(Hub.connect(stranger)) as hub:
        assert offers.offers(hub) == []
        assert hub.execute("SELECT count(*) FROM offer_contents").fetchone() == (0,)
        assert offers.steps(hub, number) == []


def test_a_keeper_says_what_a_test_found_and_makes_no_offer(owner, known, fleet):
    number, _ = offers.make(owner, draft(), 1, "")
    keeper = Dsn(add_login(owner, fleet, "keeper", "offers"), "test")
    with closing(Hub.connect(keeper)) as hub:
        with pytest.raises(HubError, match="row-level security"):
            hub.execute("INSERT INTO offer_history (offer, step, why) VALUES ('x', 'offered', '')")
        with pytest.raises(HubError, match="permission denied"):
            offers.make(hub, draft(), 1, "")
        assert offers.step(hub, number, "widened", "no harm", {})


def test_its_history_cannot_be_changed_by_its_owner_either(owner, known):
    number, _ = offers.make(owner, draft(), 0, "")
    for table, column in (("offer_history", "why"), ("offers", "content")):
        with pytest.raises(HubError, match="append-only"):
            owner.execute(f"UPDATE {table} SET {column} = 'x'")
    assert offers.offer_named(owner, number[:6]).id == number
    with pytest.raises(ProjectNotFound):
        offers.offer_named(owner, "nothing")


def test_content_that_is_not_what_its_hash_says_is_refused(owner, known):
    number, _ = offers.make(owner, draft(data=b"before"), 0, "")
    owner.run("ALTER TABLE cadenzad.offer_contents DISABLE TRIGGER append_only")
    owner.execute("UPDATE offer_contents SET data = 'after' WHERE data = 'before'")
    owner.run("ALTER TABLE cadenzad.offer_contents ENABLE TRIGGER append_only")
    with pytest.raises(HubError, match="not what its hash says"):
        offers.content(owner, offers.offer_named(owner, number))
    with pytest.raises(InputError, match="67,108,865 bytes"):
        offers.make(owner, draft(data=b"x" * (64 << 20) + b"x"), 0, "")


def test_keepers_beside_each_other_share_the_robots_and_wait_for_none(owner, known, fleet, make):
    for robot in known:
        robot.writer.append(make.run("more"))
        robot.ship()
    with closing(Hub.connect(fleet)) as busy, busy.transaction():
        busy.execute("SELECT 1 FROM folded WHERE origin = ? FOR UPDATE", (known[0].id,))
        while fold_some(owner):
            pass
        folded = dict(owner.execute("SELECT origin, position FROM folded").fetchall())
        assert (folded[known[0].id], folded[known[1].id]) == (1, 2)
    known[0].fold()
    for robot in known:
        assert verify(owner, robot_named(owner, robot.name)) == []
