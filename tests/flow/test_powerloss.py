"""The power fails at any sync: nothing that was promised is lost, and all else is made good.

The calls of a real daemon are traced, and the disk is worked out as a cut would leave it: without
anything that was not synced, with all of it, and with any part of it, in any order. Two controls
that sync less must fail the same proof.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from checkout import ROOT
from judging import drop
from powerloss import Disk, trace

from store import identity

ACKING = ROOT / "tests" / "support" / "acking.py"


class Lost(AssertionError):
    """Something that was promised is not there."""


class Cuts:
    """A daemon's work on three logs, traced, and the disk at each of its syncs."""

    def __init__(
        self, house: Any, logs: Any, tmp_path: Path, how: str, runs: int = 3, begun: bool = False
    ) -> None:
        """`begun`: there is a log already, all of it safe."""
        self.house = house
        if begun:
            house.once()
        self.project: Path = house.project()
        self.trace = tmp_path / "trace"
        self.state = house.state
        for index in range(runs):
            drop(self.project, str(index), logs.run(2 + index))
        self.disk = Disk(house.root)
        command = [sys.executable, ACKING, how, "--config", house.config, "--once"]
        assert trace(command, self.trace, house.environ) == 0
        self.left = content(house.root)

    def play(self, ways: int, seed: int, recover: int) -> int:
        """Cut at every sync, with nothing kept, with all, and in `ways` by chance.

        Every `recover`-th cut is followed by a start. Returns the cuts. Raises Lost.
        """
        rng, cuts = random.Random(seed), 0
        for moment in self.disk.replay(self.trace):
            kept = self.kept()
            for way in range(-2, ways):
                if way < 0:
                    self.disk.after_a_cut(lambda all_=way == -2: all_)
                else:
                    share = rng.random()
                    self.disk.after_a_cut(lambda share=share: rng.random() < share, rng)
                if moment == "end" and way == -2:
                    # What is worked out with nothing lost is what the daemon really left.
                    assert content(self.house.root) == self.left
                self.look(kept)
                cuts += 1
                if cuts % recover == 0:
                    self.recover()
        return cuts

    def kept(self) -> int:
        """The last position that the daemon promised to keep."""
        told = b"".join(self.disk.told).split(b"\n")
        return max([int(line[5:]) for line in told if line.startswith(b"kept ")], default=0)

    def look(self, kept: int) -> None:
        """Every promised event is there, and every export of which an event speaks."""
        file = self.state / "events.db"
        if not file.exists():
            if kept:
                raise Lost(f"{kept} events, and the file they were in")
            return
        try:
            with closing(sqlite3.connect(file)) as log:
                assert log.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                tables = "SELECT count(*) FROM sqlite_master WHERE name = 'events'"
                rows = []
                if log.execute(tables).fetchone()[0]:
                    rows = log.execute("SELECT type, data FROM events ORDER BY position").fetchall()
        except sqlite3.Error as error:
            raise Lost(f"the log: {error}") from error
        if len(rows) < kept:
            raise Lost(f"{kept} events were promised, {len(rows)} are there")
        for kind, data in rows:
            if kind == "RunExported":
                self.look_at_export(json.loads(data))

    def look_at_export(self, data: dict[str, Any]) -> None:
        output, manifest = self.project / data["output"], self.project / data["manifest"]
        if not output.exists() or not manifest.exists():
            raise Lost(f"{data['output']}, of which an event speaks")
        if identity.of_file(output) != data["output_sha256"]:
            raise Lost(f"the bytes of {data['output']}")
        json.loads(manifest.read_text())

    def recover(self) -> None:
        """The next start makes all of it good."""
        self.house.once()
        code, out, _ = self.house.ask("verify")
        assert code == 0, out
        exports = self.house.project_status()["exports"]
        logs = list((self.project / ".cadenza-env").glob("*.log.jsonl"))
        assert (exports["current"], exports["stale"]) == (len(logs), 0)
        assert [str(path) for path in self.house.root.rglob(".*.partial")] == []


def content(root: Path) -> dict[str, bytes | str]:
    """Every file and link of a folder."""
    return {
        str(path.relative_to(root)): str(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        for path in root.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def test_nothing_promised_is_lost(house, logs, tmp_path) -> None:
    cuts = Cuts(house, logs, tmp_path, "AS_IT_IS", runs=2).play(ways=1, seed=1, recover=90)
    print(f"\n{cuts} power cuts")
    assert cuts > 50


@pytest.mark.parametrize("how", ["NORMAL", "NO_FOLDER_SYNC"])
def test_who_syncs_less_is_found_out(house, logs, tmp_path, how) -> None:
    made = Cuts(house, logs, tmp_path, how, runs=2, begun=how == "NO_FOLDER_SYNC")
    with pytest.raises(Lost) as lost:
        made.play(ways=0, seed=1, recover=10**9)
    print(f"\n{how}: {lost.value}")


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_nothing_promised_is_lost_in_any_of_many_ways(house, logs, tmp_path) -> None:
    made = Cuts(house, logs, tmp_path, "AS_IT_IS", runs=8)
    cuts = made.play(ways=20, seed=2, recover=50)
    print(f"\n{cuts} power cuts")
