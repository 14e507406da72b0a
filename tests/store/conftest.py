"""A real event log in a temporary directory, and events to put into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from eventmaking import Make

from store.schema import connect_writer
from store.views import fold
from store.writer import Writer


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    opened = Writer(connect_writer(tmp_path), fold)
    yield opened
    opened.close()


@pytest.fixture
def make() -> Make:
    return Make()
