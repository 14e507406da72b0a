"""A project to run commands on."""

from __future__ import annotations

from pathlib import Path

import pytest
from missions import Cli, write_project

from cadenzad.cli.programs import CADENZA_ENV


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with the short mission."""
    return write_project(tmp_path / "short")


@pytest.fixture
def cli() -> Cli:
    def call(*words: object) -> int:
        name, *rest = (str(word) for word in words)
        args = CADENZA_ENV.parser_of(name).parse_args(rest)
        return int(args.command(args))

    return call
