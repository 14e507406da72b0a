from __future__ import annotations

import os
import sys

import pytest
from terminals import terminal

COLUMNS = 40
WORK = """
import logging, os, subprocess, time
from cadenzad.cli.terminal.bars import job_bar

with job_bar() as progress:
    progress({"step": "a step with a name that is longer than its window", "loss": 0.25})
    subprocess.run(["sh", "-c", "echo from a child >&2"])
    logging.getLogger("x").warning("from \\x1b[31m a log")
    progress({"step": "counting", "done": 3, "total": 12, "eta_s": 40.0, "more": "words" * 9})
    os.write(2, b"half a line")
os.write(2, b"after\\n")
"""


@pytest.mark.parametrize("told", [True, False], ids=["COLUMNS", "the terminal's size"])
def test_a_bar_is_one_line_and_what_is_printed_stands_above_it(told: bool) -> None:
    # given a narrow terminal, and work whose children, logs and libraries print to stderr
    environ = {**os.environ, **({"COLUMNS": str(COLUMNS)} if told else {})}
    if not told:
        environ.pop("COLUMNS", None)
    wide = 100 if told else COLUMNS
    with terminal([sys.executable, "-c", WORK], environ, columns=wide) as shown:
        # when it is done
        painted = shown.until("after\r\n").replace("\r\n", "\n")

    # then nothing that was painted, or painted over, was wider than the window
    pieces = [piece for line in painted.split("\n") for piece in line.split("\r")]
    assert max(map(len, pieces)) <= COLUMNS
    assert any("counting:  25%" in piece for piece in pieces)
    assert not any("0/?" in piece for piece in pieces), "nothing before there is something to say"

    # and what was printed is whole, on lines of its own, and moves no cursor
    lines = [line.rpartition("\r")[2].rstrip() for line in painted.split("\n")[:-1]]
    assert lines == ["from a child", r"from \x1b[31m a log", "half a line", "after"]
