"""The real daemon as a child process on a real state directory, and what tests ask of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import groq_stub
import pytest
import runlogs
from houses import House


@pytest.fixture(scope="session")
def logs() -> ModuleType:
    """Builders of run-log bytes."""
    return runlogs


@pytest.fixture
def house(tmp_path: Path, empty_log: Path) -> Iterator[House]:
    made = House(tmp_path / "house", empty_log)
    yield made
    made.close()
    shutil.rmtree(made.root, ignore_errors=True)


@pytest.fixture(scope="session")
def stubs() -> ModuleType:
    """The scripted Groq server."""
    return groq_stub
