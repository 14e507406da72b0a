"""A loop that went round once, and a dashboard of it: made once for all tests of a module."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import groq_stub
import pytest
from dashboards import Dashboard, dashboard, make_loop
from houses import House
from judging import QUICK

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("jinja2")


class Loop(NamedTuple):
    """A project with its house."""

    house: House
    project: Path


@pytest.fixture(scope="package")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """Runs, a finding, a rule, an adapter: see `make_loop`."""
    pytest.importorskip("groq")
    made = House(tmp_path_factory.mktemp("loop") / "house")
    made.configure(improve=QUICK)
    yield Loop(made, make_loop(made, groq_stub))
    made.close()
    shutil.rmtree(made.root, ignore_errors=True)


@pytest.fixture(scope="package")
def shown(loop: Loop) -> Iterator[Dashboard]:
    """A dashboard of the loop."""
    with dashboard(loop.house.environ) as made:
        yield made
