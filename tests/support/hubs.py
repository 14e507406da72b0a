"""Robots of a hub in tests: each has a login there and an event log here."""

from __future__ import annotations

import itertools
from contextlib import closing

from store.hub.connection import Hub
from store.hub.dsn import Dsn
from store.hub.fold import fold_some
from store.hub.security import add_login
from store.hub.ship import hello, read_batch, ship
from store.writer import Writer

NAMES = map("robot-{}".format, itertools.count(1))


class Robot:
    """A robot of the hub: its login, and its event log."""

    def __init__(self, owner: Hub, fleet: Dsn, writer: Writer) -> None:
        self.owner, self.writer, self.name = owner, writer, next(NAMES)
        self.dsn = Dsn(add_login(owner, fleet, "robot", self.name), "test")
        (self.id,) = owner.execute("SELECT id FROM origins WHERE name = ?", (self.name,)).fetchone()

    def connect(self) -> Hub:
        return Hub.connect(self.dsn)

    def ship(self) -> int:
        """Everything that is there; where the log ends at the hub then."""
        with closing(self.connect()) as hub:
            head = hello(hub, self.name)
            while batch := self.writer.run(lambda t: read_batch(t.connection, head)):  # noqa: B023
                head = ship(hub, batch)
            return head

    def fold(self) -> None:
        while fold_some(self.owner):
            pass
