"""An offer through real daemons and a real PostgreSQL: first a few robots, then all, then none."""

from __future__ import annotations

import itertools
import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from houses import House
from judging import QUICK, ask_stub, drop, remedy, stuck_log

pytest.importorskip("groq")
pytest.importorskip("mujoco")
pytest.importorskip("psycopg", reason="pip install 'cadenzad[hub]'")

pytestmark = pytest.mark.long
LINE = b"- when in enter_debris and stuck for 2 ticks: walk_backward distance_m=0.4"
DATABASES = map("offers{}".format, itertools.count())
NAMES = ("ada", "bob", "cy", "dee")


class Fleet:
    """`ada` has a version; all have the same mission, and good runs of before."""

    def __init__(self, folder: Path, owner: str, empty_log: Path, logs: Any) -> None:
        self.folder, self.owner, self.logs = folder, owner, logs
        self.ctl("hub", "init")
        self.houses = {name: House(folder / name, empty_log) for name in NAMES}
        for name, house in self.houses.items():
            file = folder / f"{name}.hub"
            self.ctl("hub", "add", name, "-o", file)
            house.configure(improve=f"[hub]\ndsn_file = '{file}'\n{QUICK}")
            project = house.project()
            for number in range(18):
                self.run_well(project, f"before{number}", 3 + number)

    def ctl(self, *words: object) -> str:
        house = getattr(self, "houses", {}).get("ada")
        if house is not None:
            return str(house.run("cadenzactl", "--hub", self.owner, *words).stdout)
        from cadenzad.cli.programs import cadenzactl

        assert cadenzactl(["--hub", self.owner, *map(str, words)]) == 0
        return ""

    def run_well(self, project: Path, name: str, ticks: int = 4) -> None:
        drop(project, name, self.logs.run(ticks))

    def project(self, name: str) -> Path:
        return self.houses[name].workspace / "rescue"

    def has_it(self, name: str) -> bool:
        return LINE in (self.project(name) / "main.py").read_bytes()

    def until_taken(self, name: str) -> None:
        """Until it is in the file and recorded: runs of before that are runs of before."""
        house = self.houses[name]
        self.until(lambda: house.events("PromptRewritten"), f"{name} took it up")
        assert self.has_it(name)

    def keep(self) -> str:
        return self.ctl("hub", "keep", "--once")

    def offers(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.ctl("hub", "offers", "--json"))["offers"][-1]
        return found

    def until(self, condition: Any, what: str) -> None:
        self.houses["ada"].until(condition, what, timeout=60)


@pytest.fixture
def fleet(tmp_path: Path, postgres: Any, empty_log: Path, logs: Any, stubs: Any) -> Iterator[Fleet]:
    with ExitStack() as stack:
        made = Fleet(tmp_path, postgres.new_database(next(DATABASES)), empty_log, logs)
        stub = stack.enter_context(stubs.GroqStub([stubs.completion(remedy())]))
        ask_stub(made.houses["ada"], stub)
        for house in made.houses.values():
            stack.callback(house.close)
        drop(made.project("ada"), "r1", stuck_log(logs))
        for house in made.houses.values():
            house.once()
        assert made.has_it("ada")
        made.keep()
        yield made


def test_a_version_goes_to_a_few_then_to_all_and_is_taken_back_by_all(fleet: Fleet) -> None:
    # given daemons, and one version that one robot found
    daemons = {name: fleet.houses[name].start() for name in NAMES[1:]}

    # when it is offered, to two of the three others first
    shown = json.loads(
        fleet.ctl("hub", "offer", "rescue", "prompt", 1, "--robot", "ada", "--canary", 2, "--json")
    )
    first = shown["first"]
    (last,) = set(NAMES[1:]) - set(first)
    assert len(first) == 2
    for name in first:
        fleet.until_taken(name)

    # and a daemon is killed meanwhile, and starts again
    fleet.houses[first[0]].stop(daemons[first[0]], signal.SIGKILL)
    daemons[first[0]] = fleet.houses[first[0]].start()

    # then the last robot waits for what their runs say
    for number in range(15):
        for name in first:
            fleet.run_well(fleet.project(name), f"since{number}", 20 + number)
    fleet.until(lambda: "is widened" in fleet.keep(), "it is widened")
    assert fleet.offers()["state"] == "all"
    fleet.until_taken(last)

    # when somebody pulls it, then each takes it back
    fleet.ctl("hub", "pull", shown["offer"][:5], "--why", "it falls on stairs")
    for name in NAMES[1:]:
        fleet.until(lambda name=name: not fleet.has_it(name), f"{name} took it back")
    assert fleet.has_it("ada")  # whose own version it is

    # and each robot's log says so, once
    for name in NAMES[1:]:
        house = fleet.houses[name]
        types = ("OfferReceived", "OfferWithdrawn", "PromptRewritten", "PromptRolledBack")
        fleet.until(lambda house=house: house.events("PromptRolledBack"), f"{name} recorded it")
        assert [event["type"] for event in house.events(*types)] == [
            "OfferReceived", "PromptRewritten", "OfferWithdrawn", "PromptRolledBack",
        ], name  # fmt: skip

    def states() -> set[str]:
        fleet.keep()
        return {robot["state"] for robot in fleet.offers()["robots"]}

    fleet.until(lambda: states() == {"rolled_back"}, "the hub knows it")
    told = fleet.offers()
    assert [step["step"] for step in told["steps"]] == ["offered", "widened", "pulled"]
    assert told["test"]["pairs"] >= 25
    for_people = " ".join(fleet.ctl("hub", "offers", shown["offer"]).split())
    assert "it falls on stairs" in for_people
    assert f"{last} {fleet.project(last)} rolled back as version 1" in for_people
    assert "whole" in fleet.ctl("hub", "verify")


def test_one_that_does_harm_is_pulled_by_the_same_test(fleet: Fleet) -> None:
    for name in NAMES[1:]:
        fleet.houses[name].start()
    shown = json.loads(
        fleet.ctl("hub", "offer", "rescue", "prompt", 1, "--robot", "ada", "--canary", 2, "--json")
    )
    for name in shown["first"]:
        fleet.until_taken(name)
    for number in range(6):
        for name in shown["first"]:
            drop(fleet.project(name), f"bad{number}", fleet.logs.run(20 + number, success=False))
    fleet.until(lambda: "is pulled" in fleet.keep(), "it is pulled")
    for name in shown["first"]:
        fleet.until(lambda name=name: not fleet.has_it(name), f"{name} took it back")
    (last,) = set(NAMES[1:]) - set(shown["first"])
    assert not fleet.houses[last].events("OfferReceived")
