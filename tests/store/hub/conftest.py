"""A real hub, and robots that ship their logs to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from store.schema import connect_writer
from store.views import fold
from store.writer import Writer

if TYPE_CHECKING:  # psycopg is not everywhere: what needs it asks `postgres`, which skips
    from hubs import Robot

    from store.hub.connection import Hub
    from store.hub.dsn import Dsn


@pytest.fixture(scope="session")
def fleet(postgres) -> Dsn:
    """The owner's way to a hub that all tests of a session share: each has robots of its own."""
    from store.hub.connection import Hub
    from store.hub.dsn import Dsn
    from store.hub.install import install

    dsn = Dsn(postgres.new_database("fleet"), "test")
    with closing(Hub.connect(dsn)) as owner:
        assert install(owner) == "made"
    return dsn


@pytest.fixture
def owner(fleet) -> Iterator[Hub]:
    from store.hub.connection import Hub

    with closing(Hub.connect(fleet)) as hub:
        yield hub


@pytest.fixture
def robot(owner, fleet, writer) -> Robot:
    from hubs import Robot

    return Robot(owner, fleet, writer)


@pytest.fixture
def another(owner, fleet, tmp_path: Path) -> Iterator[Robot]:
    from hubs import Robot

    folder = tmp_path / "another"
    folder.mkdir()
    with closing(Writer(connect_writer(folder), fold)) as opened:
        yield Robot(owner, fleet, opened)
