"""An adapter through real daemons and a real PostgreSQL: trained on one robot, then for all."""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from houses import House
from judging import drop
from teaching import REST, rows

pytest.importorskip("torch")
pytest.importorskip("peft")
pytest.importorskip("mujoco")
pytest.importorskip("psycopg", reason="pip install 'cadenzad[hub]'")

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
TABLES = (
    "[hub]\ndsn_file = '{file}'\n[judge]\nmode = 'off'\n[lora]\nretrain = false\n"
    "encoder = 'light'\nfidelity = 0.0\ncoverage = 0.0\nstability = 0.0\nmission = 0.0\n"
)
SIT, STAND = [{"action": "sit"}], [{"action": "stand"}]
GOALS = {"sit down": SIT, "take a seat": SIT, "stand up": STAND, "get up": STAND}
EXAM = {
    **dict.fromkeys(("lower your haunches", "settle on the ground", "crouch for me"), SIT),
    **dict.fromkeys(("rise to your feet", "straighten your legs", "onto all fours"), STAND),
}
DATABASES = map("offered_adapter{}".format, itertools.count())
NAMES = ("ada", "bob", "cy", "dee")
OTHERS = NAMES[1:]


class Fleet:
    """Four robots with the same mission; each has an adapter of its own that drove it before."""

    def __init__(self, folder: Path, owner: str, empty_log: Path, logs: Any) -> None:
        self.folder, self.owner, self.logs = folder, owner, logs
        self.houses = {name: House(folder / name, empty_log) for name in NAMES}
        self.ctl("hub", "init")
        for name, house in self.houses.items():
            file = folder / f"{name}.hub"
            self.ctl("hub", "add", name, "-o", file)
            house.configure(improve=TABLES.format(file=file))
            house.environ["CONFIGURATION_DIRECTORY"] = str(house.root)
            project = house.project()
            (project / "env.json").write_text(json.dumps(REST))
            (project / "lora" / "patterns.jsonl").write_text(rows(GOALS))
            (project / "lora" / "eval.jsonl").write_text(rows(EXAM))
            house.once()
            self.train(name, 2)
            self.drive(name, "before", 1, 14)
            house.once()

    def train(self, name: str, epochs: int) -> None:
        words = ("env", "lora", "finetune", self.project(name), "--gate", "--epochs", epochs)
        self.houses[name].run("cadenza", *words)

    def ctl(self, *words: object) -> str:
        return str(self.houses["ada"].run("cadenzactl", "--hub", self.owner, *words).stdout)

    def project(self, name: str) -> Path:
        return self.houses[name].workspace / "rescue"

    def serving(self, name: str) -> int:
        return int(os.readlink(self.project(name) / ".cadenza-env" / "adapters" / "deployed"))

    def drive(
        self, name: str, what: str, adapter: int, count: int, *, success: bool = True
    ) -> None:
        """Runs as `cadenza env run --policy lora` stamps them."""
        for number in range(count):
            stamp = {"policy": "lora", "adapter": adapter, "seed": number}
            ticks = 3 + number + 100 * adapter
            log = self.logs.run(ticks, success=success, stamp=stamp)
            drop(self.project(name), f"{what}{number}", log)

    def keep(self) -> str:
        return self.ctl("hub", "keep", "--once")

    def offer(self, canary: int) -> dict[str, Any]:
        words = ("hub", "offer", "rescue", "adapter", 2, "--robot", "ada", "--canary", canary)
        found: dict[str, Any] = json.loads(self.ctl(*words, "--json"))
        return found

    def offers(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.ctl("hub", "offers", "--json"))["offers"][-1]
        return found

    def until(self, condition: Any, what: str) -> None:
        self.houses["ada"].until(condition, what, timeout=90)

    def until_taken(self, name: str) -> None:
        promoted = lambda: len(self.houses[name].events("AdapterPromoted")) == 2  # noqa: E731
        self.until(promoted, f"{name} took it up")
        assert self.serving(name) == 2


@pytest.fixture
def fleet(tmp_path: Path, postgres: Any, empty_log: Path, logs: Any) -> Iterator[Fleet]:
    with ExitStack() as stack:
        made = Fleet(tmp_path, postgres.new_database(next(DATABASES)), empty_log, logs)
        for house in made.houses.values():
            stack.callback(house.close)
        made.train("ada", 5)
        made.houses["ada"].once()
        made.keep()
        yield made


def test_an_adapter_goes_to_a_few_then_to_all_and_is_taken_back_by_all(fleet: Fleet) -> None:
    # given daemons, and an adapter that one robot trained and deployed
    assert fleet.serving("ada") == 2
    daemons = {name: fleet.houses[name].start() for name in OTHERS}

    # when it is offered to one first, whose daemon is killed meanwhile and starts again
    shown = fleet.offer(canary=2)
    first = shown["first"]
    (last,) = set(OTHERS) - set(first)
    house = fleet.houses[first[0]]
    fleet.until(lambda: house.events("OfferReceived"), "it came")
    house.stop(daemons[first[0]], signal.SIGKILL)
    house.start()
    for name in first:
        fleet.until_taken(name)

    # then the last robot waits for what their runs say
    for name in first:
        fleet.drive(name, "since", 2, 14)
    fleet.until(lambda: "is widened" in fleet.keep(), "it is widened")
    assert fleet.offers()["test"]["pairs"] >= 25
    fleet.until_taken(last)

    # when somebody pulls it, then each goes back to its own, and says so once
    fleet.ctl("hub", "pull", shown["offer"], "--why", "it falls on stairs")
    types = ("OfferReceived", "AdapterPromoted", "OfferWithdrawn", "AdapterRolledBack")
    for name in OTHERS:
        house = fleet.houses[name]
        fleet.until(lambda house=house: house.events("AdapterRolledBack"), f"{name} took it back")
        assert fleet.serving(name) == 1
        assert [event["type"] for event in house.events(*types)] == [
            "AdapterPromoted", "OfferReceived", "AdapterPromoted", "OfferWithdrawn",
            "AdapterRolledBack",
        ], name  # fmt: skip
        house.run("cadenzactl", "verify")
        assert list((house.state / "offered").iterdir()) == []
    assert fleet.serving("ada") == 2  # whose own version it is

    def states() -> set[str]:
        fleet.keep()
        return {one["state"] for one in fleet.offers()["robots"] if one["robot"] != "ada"}

    fleet.until(lambda: states() == {"rolled_back"}, "the hub knows it")
    assert "whole" in fleet.ctl("hub", "verify")


def test_one_that_does_harm_is_pulled_by_the_same_test(fleet: Fleet) -> None:
    for name in OTHERS:
        fleet.houses[name].start()
    first = fleet.offer(canary=2)["first"]
    for name in first:
        fleet.until_taken(name)
    for name in first:
        fleet.drive(name, "bad", 2, 8, success=False)
    fleet.until(lambda: "is pulled" in fleet.keep(), "it is pulled")
    for name in first:
        fleet.until(lambda name=name: fleet.serving(name) == 1, f"{name} took it back")
    (last,) = set(OTHERS) - set(first)
    assert not fleet.houses[last].events("OfferReceived")
    assert fleet.serving(last) == 1
