"""The hub: a robot that was offline, folding, what events weigh, and a fleet of 100,000 robots.

python tests/benchmarks/bench_hub.py [--events N] [--rounds N] [--robots N]

A real PostgreSQL with its durability on, by TCP on loopback; the robot's side is the daemon's own
forwarder. The large fleet is made of rows: what a robot that comes with a few events costs is
measured with robots that come, and what the hub does with so many rows with so many rows.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import history
import postgres
from psycopg.conninfo import make_conninfo
from report import Goal, Samples, Table, scratch

from cadenzad.hub.forwarder import Forwarder
from cadenzad.hub.identity import FILE
from store.hub import reads
from store.hub.connection import Hub
from store.hub.dsn import Dsn
from store.hub.fold import fold_some
from store.hub.install import install
from store.hub.security import add_login
from store.hub.ship import hello, read_batch, ship
from store.opening import open_writer
from store.schema import connect_reader

VISIT = 17
"""Events that a robot brings which comes every ten minutes and has 100 an hour."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=100_000, help="that the robot comes with")
    parser.add_argument("--rounds", type=int, default=3, help="of catching up")
    parser.add_argument("--robots", type=int, default=100_000, help="of the large fleet")
    options = parser.parse_args()
    if reason := postgres.why_not():
        raise SystemExit(reason)
    with scratch() as folder:
        server = postgres.Server(durable=True)
        try:
            measure(Bench(server, folder), options)
        finally:
            server.stop()


class Bench:
    """A hub, and robots that come to it by the network."""

    def __init__(self, server: postgres.Server, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.dsn = Dsn(server.new_database("fleet"), "bench")
        self.owner = Hub.connect(self.dsn)
        install(self.owner)

    def login(self, name: str) -> str:
        """By TCP, as a robot comes."""
        given = Dsn(add_login(self.owner, self.dsn, "robot", name), "bench").arguments()
        return str(make_conninfo(**{**given, "host": "127.0.0.1"}))

    def value(self, query: str) -> float:
        row = self.owner.execute(query).fetchone()
        return float(row[0]) if row else 0.0


def measure(bench: Bench, options: argparse.Namespace) -> None:
    table = Table("the hub: PostgreSQL, durable, by TCP on loopback")
    catching_up(bench, table, options.events, options.rounds)
    visits(bench, table)
    large_fleet(bench, table, options.robots)
    table.show()


# -- a robot that was offline ----------------------------------------------------------------------


def catching_up(bench: Bench, table: Table, count: int, rounds: int) -> None:
    state = bench.folder / "state"
    history.build(state, count).close()
    shipped, folded = [], []
    for turn in range(rounds):
        (state / FILE).unlink(missing_ok=True)  # another log to the hub
        dsn_file = bench.folder / f"robot-{turn}.hub"
        dsn_file.touch(0o600)
        dsn_file.write_text(bench.login(f"robot-{turn}"))
        with closing(open_writer(state)) as writer, closing(connect_reader(state)) as reader:
            forwarder = Forwarder(state, dsn_file, reader, writer)
            shipped.append(_rate(count, forwarder.ship_all))
        folded.append(_rate(count, lambda: _fold_all(bench.owner)))
    there = bench.value("SELECT count(*) FROM cadenzad.events")
    if there != count * rounds:
        raise SystemExit(f"{there} events instead of {count * rounds}: the figures mean nothing")
    goal = Goal(5000, at_least=True)
    figure = f"a robot that was offline ships {count:,} events"
    table.add(figure, Samples(tuple(shipped), "events/s"), goal=goal)
    table.add("they are folded into its view", Samples(tuple(folded), "events/s"))
    for what, relation in (("an event", "events"), ("the view of an event", None)):
        size = bench.value(_size(relation)) / there
        table.add(f"{what} at the hub, with its indexes", Samples((size,), "bytes"))
    here = (state / "events.db").stat().st_size / count
    table.add("an event in the robot's own log, with its view", Samples((here,), "bytes"))


def _fold_all(hub: Hub) -> None:
    while fold_some(hub):
        pass


def _size(relation: str | None) -> str:
    if relation is not None:
        return f"SELECT pg_total_relation_size('cadenzad.{relation}')"
    return (
        "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'cadenzad'::regnamespace AND relname LIKE 'view%'"
    )


# -- robots that come with a few events ------------------------------------------------------------


def visits(bench: Bench, table: Table, count: int = 200) -> None:
    """One after another: connect, greet, bring events, go; and one that stays connected."""
    state = bench.folder / "state"
    dsns = [Dsn(bench.login(f"visitor-{number}"), "bench") for number in range(count)]
    with closing(connect_reader(state)) as reader:
        batch = read_batch(reader, 0, VISIT)
        assert batch is not None
        times = []
        for number, dsn in enumerate(dsns):
            began = time.perf_counter()
            with closing(Hub.connect(dsn)) as hub:
                hello(hub, f"log-{number}")
                ship(hub, batch)
            times.append((time.perf_counter() - began) * 1000)
        table.add(f"a robot comes with {VISIT} events and goes", Samples(tuple(times), "ms"))
        position, stays = VISIT, []
        with closing(Hub.connect(dsns[0])) as hub:
            hello(hub, "log-0")
            while (more := read_batch(reader, position, VISIT)) and len(stays) < count:
                stays.append(_ms(lambda more=more: ship(hub, more)))
                position = more.last
    table.add(f"one that stays ships {VISIT} events", Samples(tuple(stays), "ms"))
    folds: list[float] = []
    while True:
        began, folded = time.perf_counter(), fold_some(bench.owner, robots=1)
        if not folded:
            break
        if folded == VISIT:
            folds.append((time.perf_counter() - began) * 1000)
    table.add(f"{VISIT} events of one robot are folded", Samples(tuple(folds), "ms"))


# -- a large fleet ---------------------------------------------------------------------------------


def large_fleet(bench: Bench, table: Table, count: int) -> None:
    """What reads and the keeper ask, with a row for each of so many robots."""
    bench.server.sql(
        "INSERT INTO cadenzad.origins (name, login, log, head, seen_at)"
        f" SELECT 'fleet-' || n, 'fleet-' || n, 'log-of-' || n, 0, now()"
        f" FROM generate_series(1, {count}) AS n",
        "fleet",
    )
    bench.server.sql(
        "INSERT INTO cadenzad.folded (origin) SELECT id FROM cadenzad.origins"
        " ON CONFLICT DO NOTHING",
        "fleet",
    )
    bench.server.sql(
        "INSERT INTO cadenzad.view_projects (origin, path, name, state)"
        " SELECT id, '/robots/rescue', 'rescue', 'ready' FROM cadenzad.origins"
        " WHERE name LIKE 'fleet-%'",
        "fleet",
    )
    bench.server.sql("ANALYZE", "fleet")
    asked: tuple[tuple[str, Callable[[], object]], ...] = (
        ("`status`: twenty of them", lambda: reads.robots(bench.owner, 20)),
        ("`status`: the sums", lambda: reads.totals(bench.owner)),
        ("`status --robot`", lambda: reads.robot_named(bench.owner, "fleet-77")),
        ("`events --follow`: where all logs end", lambda: reads.heads(bench.owner)),
        ("`hub keep`: whose view is behind", lambda: fold_some(bench.owner)),
    )
    for what, call in asked:
        times = tuple(_ms(call) for _ in range(7))
        table.add(f"{count:,} robots: {what}", Samples(times, "ms"))
    shutil.rmtree(bench.folder / "state", ignore_errors=True)


def _ms(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _rate(count: int, call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return count / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
