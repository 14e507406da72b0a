"""`cadenzactl status --watch` on a real terminal."""

from __future__ import annotations

import os
import sys

import pytest
from terminals import terminal

COMMAND = [sys.executable, "-m", "cadenzad.cli", "cadenzactl", "status", "--watch"]
WITHOUT_RICH = """
import sys
sys.modules["rich"] = None
from cadenzad.cli.programs import cadenzactl
sys.exit(cadenzactl(["status", "--watch"]))
"""


@pytest.fixture
def recorded(home):
    home.log(home.project())
    home.once()
    return home


def environ_of(home) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home.root), "CADENZAD_STATE": str(home.state)}


def test_keys_lead_into_a_project_and_out(recorded) -> None:
    pytest.importorskip("rich")
    with terminal(COMMAND, environ_of(recorded)) as shown:
        before = shown.settings()
        assert "rescue" in shown.until("enter: open")
        shown.press(b"\r")
        assert "RunRecorded" in shown.until("left: back")
        shown.press(b"\x1b[D")
        shown.until("enter: open")
        shown.press(b"q")
        assert shown.ends() == 0
        assert shown.settings() == before


def test_without_rich_the_status_is_painted_again_and_fits_the_window(recorded) -> None:
    command = [sys.executable, "-c", WITHOUT_RICH]
    with terminal(command, environ_of(recorded), lines=6, columns=60) as shown:
        first = shown.until("cadenzad[watch]")
        lines = [line.rstrip("\r") for line in first.splitlines()]
        assert lines[0].startswith("daemon: stopped, at position")
        assert len(lines) == 5
        assert "1 more line; pip install" in lines[-1]
        assert max(map(len, lines)) < 60
        shown.until("daemon: stopped")
        shown.press(b"\x03")
        assert shown.ends() == 130
