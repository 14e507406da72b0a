"""Hubs that the commands made, and robots whose logs are there."""

from __future__ import annotations

import itertools
import shutil
from contextlib import closing, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from eventmaking import Make

from cadenzad.cli.programs import cadenzactl
from cadenzad.hub.forwarder import Forwarder
from store.opening import open_writer
from store.schema import connect_reader

DATABASES = map("hub{}".format, itertools.count(1))


class Fleet:
    """`owner`: what --hub gets. `state`: the state directory of the first robot."""

    def __init__(self, owner: str, folder: Path) -> None:
        self.owner, self.folder, self.state = owner, folder, folder / "ada"

    def ctl(self, *words: object, hub: object = None) -> tuple[int, str, str]:
        """A cadenzactl command: (exit code, stdout, stderr)."""
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = cadenzactl(["--hub", str(hub or self.owner), *map(str, words)])
            except SystemExit as end:
                code = int(end.code or 0)
        return code, out.getvalue(), err.getvalue()

    def add(self, name: str, *words: object) -> Path:
        """A login's file."""
        file = self.folder / f"{name}.hub"
        code, _, err = self.ctl("hub", "add", name, "-o", file, *words)
        assert (code, err) == (0, "")
        return file

    def add_robots(self) -> None:
        """`ada` has a project with two runs; the log of `grace` is a copy of hers."""
        self.state.mkdir()
        make = Make()
        with closing(open_writer(self.state)) as writer:
            writer.append(make.discovered(), make.run("a"), make.run("b", "failed"))
        shutil.copytree(self.state, self.folder / "grace")
        for name in ("ada", "grace"):
            state, file = self.folder / name, self.add(name)
            with closing(open_writer(state)) as writer, closing(connect_reader(state)) as reader:
                Forwarder(state, file, reader, writer).ship_all()
        code, out, _ = self.ctl("hub", "keep", "--once")
        assert (code, out) == (0, "folded 6 events\n")


@pytest.fixture(scope="module")
def new_fleet(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    def made() -> Fleet:
        fleet = Fleet(postgres.new_database(next(DATABASES)), tmp_path_factory.mktemp("fleet"))
        code, out, _ = fleet.ctl("hub", "init")
        assert code == 0, out
        return fleet

    return made


@pytest.fixture(scope="module")
def hub(new_fleet: Any) -> Fleet:
    """One without robots at first."""
    fleet: Fleet = new_fleet()
    return fleet


@pytest.fixture(scope="module")
def two(new_fleet: Any) -> Fleet:
    """One with two robots that both have a project of the same name."""
    fleet: Fleet = new_fleet()
    fleet.add_robots()
    return fleet
