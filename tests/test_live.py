"""Tests marked `live` keep the key and the network; all others have neither."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROBE = """
import os, socket
import pytest

def reach():
    with socket.socket() as probe:
        probe.settimeout(0.01)
        probe.connect(("192.0.2.1", 9))  # an address that is nobody's

@pytest.mark.live
def test_live():
    assert os.environ["GROQ_API_KEY"] == "gsk_x"
    with pytest.raises(OSError):
        reach()

def test_other():
    assert "GROQ_API_KEY" not in os.environ
    with pytest.raises(AssertionError, match="reached for the network"):
        reach()
"""


def test_only_live_tests_have_the_key_and_the_network(tmp_path: Path) -> None:
    (tmp_path / "test_probe.py").write_text(PROBE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  live\n")
    here = Path(__file__).parent
    modules = os.pathsep.join([str(here), str(here / "support")])
    environ = os.environ | {"GROQ_API_KEY": "gsk_x", "PYTHONPATH": modules}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "conftest", str(tmp_path)],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
