"""A small mission to run, and the pieces to run it with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from missions import base_mission, write_project

from handlers.project.spec import ProjectSpec, parse_spec

SpecMaker = Callable[..., ProjectSpec]


@pytest.fixture
def make_spec() -> SpecMaker:
    """`make_spec(**changes)`: the short mission with top-level keys replaced."""

    def make(**changes: Any) -> ProjectSpec:
        return parse_spec(json.dumps({**base_mission(), **changes}).encode(), "env.json")

    return make


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with the short mission."""
    return write_project(tmp_path / "short")
