"""Small C libraries that tests preload into the processes they start.

A wall clock that a test can set, say. They are compiled when needed and kept for the session; a
machine without a C compiler skips what needs them.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

HERE = Path(__file__).parent
_built = TemporaryDirectory(prefix="shims-")


def library(name: str, folder: Path | None = None) -> Path:
    """The shared library of `name`.c beside this file; skips where there is no compiler."""
    target = (folder or Path(_built.name)) / f"{name}.so"
    if not target.exists():
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip(f"no C compiler: {name}.c cannot be built")
        source = HERE / f"{name}.c"
        words = [compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Werror"]
        built = subprocess.run(
            [*words, "-o", target, source, "-ldl"], capture_output=True, text=True, check=False
        )
        if built.returncode:
            pytest.skip(f"{name}.c cannot be built: {built.stderr.strip()[:300]}")
    return target


def with_clock(file: Path | str, shim: Path | None = None) -> dict[str, str]:
    """The environment of a process whose wall clock is off by what `set_clock` says."""
    return {"LD_PRELOAD": str(shim or library("wallclock")), "WALL_CLOCK_FILE": str(file)}


def set_clock(file: Path, seconds: float) -> None:
    """Set the clock so many seconds before or after the machine's, also of who runs already."""
    fd = os.open(file, os.O_WRONLY | os.O_CREAT, 0o644)
    os.pwrite(fd, struct.pack("=q", round(seconds)), 0)
    os.close(fd)
