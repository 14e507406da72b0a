"""A project to run commands on."""

from __future__ import annotations

from pathlib import Path

import pytest
from missions import write_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with the short mission."""
    return write_project(tmp_path / "short")
