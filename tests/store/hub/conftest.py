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
