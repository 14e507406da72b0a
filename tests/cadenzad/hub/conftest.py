"""A daemon's forwarder, and the network between it and a real hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from netproxy import Network

from cadenzad.hub.forwarder import Forwarder
from store.opening import open_writer
from store.reads.live import head, hub_status
from store.schema import connect_reader


@pytest.fixture
def network(postgres: Any) -> Iterator[Network]:
    with closing(Network(("127.0.0.1", postgres.port))) as made:
        yield made


class Shipping:
    """A state directory with a log, its login, and forwarders on it, one at a time."""

    def __init__(self, state: Path, robot: Any, dsn_file: Path) -> None:
        self.state, self.robot, self.dsn_file = state, robot, dsn_file
        self.stack = ExitStack()
        self.reader = connect_reader(state)
        self.stack.callback(self.reader.close)

    def forwarder(self) -> Forwarder:
        reader = connect_reader(self.state)
        self.stack.callback(reader.close)
        made = Forwarder(self.state, self.dsn_file, reader, self.robot.writer, first_pause_s=0.05)
        self.stack.callback(made.stop)
        return made

    @property
    def told(self) -> Any:
        return hub_status(self.reader, head(self.reader))

    @property
    def there(self) -> int:
        query = "SELECT count(*), coalesce(max(position), 0) FROM cadenzad.events WHERE origin = ?"
        count, last = self.robot.owner.execute(query, (self.robot.id,)).fetchone()
        assert count == last
        return int(count)


@pytest.fixture
def shipping(
    tmp_path: Path, owner: Any, fleet: Any, network: Network
) -> Iterator[Callable[..., Shipping]]:
    from hubs import Robot
    from psycopg.conninfo import make_conninfo

    with ExitStack() as stack:

        def make(name: str = "state") -> Shipping:
            state = tmp_path / name
            state.mkdir(mode=0o700)
            writer = stack.enter_context(closing(open_writer(state)))
            robot = Robot(owner, fleet, writer)
            by_network = {**robot.dsn.arguments(), "host": "127.0.0.1", "port": str(network.port)}
            dsn_file = tmp_path / f"{name}.hub"
            dsn_file.touch(0o600)
            dsn_file.write_text(make_conninfo(**by_network))
            made = Shipping(state, robot, dsn_file)
            stack.enter_context(made.stack)
            return made

        yield make
