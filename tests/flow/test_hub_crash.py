"""Robots, network and PostgreSQL killed and cut at random: what is recorded is at the hub, once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from netproxy import Network
from waiting import eventually

from store.schema import connect_reader

pytest.importorskip("psycopg", reason="pip install 'cadenzad[hub]'")

from psycopg.conninfo import make_conninfo

from store.hub.connection import Hub
from store.hub.dsn import Dsn
from store.hub.fold import fold_some
from store.hub.install import install
from store.hub.reads import robots
from store.hub.security import add_login
from store.hub.verify import compare, verify

SUPPORT = Path(__file__).parent.parent / "support"
ROUNDS = 200
ROBOTS = 3


class Robot:
    """A child that appends and ships. `safe`: the last position that its log acknowledged."""

    def __init__(self, state: Path, dsn_file: Path) -> None:
        self.state, self.dsn_file, self.safe = state, dsn_file, 0
        self.start()

    def start(self) -> None:
        self.child = subprocess.Popen(
            [sys.executable, SUPPORT / "hubrobot.py", self.state, self.dsn_file],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SUPPORT)},
        )
        self._listener = threading.Thread(target=self._listen, args=(self.child,), daemon=True)
        self._listener.start()

    def _listen(self, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        for line in child.stdout:
            if line.endswith("\n"):
                self.safe = max(self.safe, int(line))

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()
        self._listener.join()
        assert self.child.stdout is not None
        self.child.stdout.close()


@pytest.fixture
def server() -> Iterator[Any]:
    import postgres

    if reason := postgres.why_not():
        pytest.skip(reason)
    made = postgres.Server(durable=True)
    yield made
    made.stop()


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_kills_and_partitions_lose_and_double_nothing(server, tmp_path) -> None:
    rng = random.Random(18)
    dsn = Dsn(server.new_database("fleet"), "test")
    fleet: list[Robot] = []
    done: Counter[str] = Counter()
    with closing(Network(("127.0.0.1", server.port))) as network:
        with closing(Hub.connect(dsn)) as owner:
            install(owner)
            for number in range(ROBOTS):
                given = Dsn(add_login(owner, dsn, "robot", f"robot-{number}"), "x").arguments()
                file = tmp_path / f"robot-{number}.hub"
                file.touch(0o600)
                file.write_text(
                    make_conninfo(**{**given, "host": "127.0.0.1", "port": str(network.port)})
                )
                state = tmp_path / f"robot-{number}"
                state.mkdir(mode=0o700)
                fleet.append(Robot(state, file))
        for turn in range(ROUNDS):
            what = rng.choice(("robot", "robot", "postgres", "cut", "swallow"))
            done[what] += 1
            time.sleep(rng.uniform(0, 0.4))
            if what == "robot":
                robot = rng.choice(fleet)
                robot.kill()
                robot.start()
            elif what == "postgres":
                server.kill()
                time.sleep(rng.uniform(0, 0.2))
                server.start()
            else:
                network.cut() if what == "cut" else network.swallow()
                time.sleep(rng.uniform(0, 0.5))
                network.mend()
            if turn % 20 == 0:  # a keeper that comes in between
                with closing(Hub.connect(dsn)) as keeper:
                    fold_some(keeper)
        network.mend()
        _stop_appending(fleet)
        _check(dsn, fleet)
    events = sum(robot.safe for robot in fleet)
    print(f"\n{ROUNDS} rounds {dict(done)}: {events:,} events acknowledged, 0 lost, 0 doubled")


def _stop_appending(fleet: list[Robot]) -> None:
    """End the robots, and ship what is left as the next daemon would."""
    from cadenzad.hub.forwarder import Forwarder
    from store.opening import open_writer

    for robot in fleet:
        robot.kill()
        with (
            closing(open_writer(robot.state)) as writer,
            closing(connect_reader(robot.state)) as reader,
        ):
            assert writer.run(lambda unit: unit.log.head()) >= robot.safe, "acknowledged and lost"
            forwarder = Forwarder(robot.state, robot.dsn_file, reader, writer)
            eventually(lambda: _shipped(forwarder, robot, reader), "shipped", every=0.2)  # noqa: B023


def _shipped(forwarder: Any, robot: Robot, reader: Any) -> bool:
    forwarder.ship_all()
    with closing(Hub.connect(Dsn(robot.dsn_file.read_text(), "x"))) as hub:
        (there,) = hub.execute("SELECT head FROM origins").fetchone() or (0,)
    return bool(there == reader.execute("SELECT max(position) FROM events").fetchone()[0])


def _check(dsn: Dsn, fleet: list[Robot]) -> None:
    """Both sides have the same events, and the views are what the logs say."""
    with closing(Hub.connect(dsn)) as owner:
        while fold_some(owner):
            pass
        for row in robots(owner):
            assert verify(owner, row) == []
            assert row.head == row.folded
    for robot in fleet:
        with (
            closing(connect_reader(robot.state)) as reader,
            closing(Hub.connect(Dsn(robot.dsn_file.read_text(), "x"))) as hub,
        ):
            assert compare(hub, reader) == []
