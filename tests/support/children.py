"""Children of ours that import what a test gives them, which by themselves they refuse to."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

CODE = """
import runpy, sys
sys.path.insert(0, {folder!r})
for name in {first!r}: __import__(name)
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""


def importing_from(folder: Path, *first: str) -> Callable[..., list[str]]:
    """A stand-in for store.interpreter.command whose children also import from a folder.

    The modules `first` of it are imported before anything else.
    """

    def command(*arguments: str) -> list[str]:
        at = arguments.index("-m")
        code = CODE.format(folder=str(folder), first=first, module=arguments[at + 1])
        return [sys.executable, "-P", *arguments[:at], "-c", code, *arguments[at + 2 :]]

    return command
