"""A driver that nobody answers: what is done instead, and by whom."""

from __future__ import annotations

import subprocess
import sys

import pytest
from checkout import ROOT

CODE = """
import sys, time
from cadenzad.jobs.cluster.submit import _within
with _within({seconds}, lambda: 7):
    time.sleep({takes})
sys.exit(3)
"""


@pytest.mark.parametrize(("seconds", "takes", "code"), [(0.05, 60, 7), (60, 0.0, 3)])
def test_what_takes_too_long_is_given_up_for_something_else(
    seconds: float, takes: float, code: int
) -> None:
    words = [sys.executable, "-c", CODE.format(seconds=seconds, takes=takes)]
    assert subprocess.run(words, cwd=ROOT, check=False, timeout=50).returncode == code
