"""The live view until somebody leaves it."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from importlib.util import find_spec

from cadenzad.cli.base.output import begin_screen, say
from cadenzad.cli.base.parser import OK
from cadenzad.cli.live.snapshot import Snapshot, take
from cadenzad.cli.live.view import View
from store.reads.live import unknown
from store.text import counted

EVERY_S = 1.0
HINT = "pip install 'cadenzad[watch]' for bars, keys and a look into each project; Ctrl-C ends"


def watch(directory: str, project: str, plain: Callable[[], object]) -> int:
    """Show how all stands until `q` or Ctrl-C; `project`: the path of the one to open, or "".

    `plain` prints the status once: it is shown again and again where there is no rich or no
    terminal.
    """
    if not sys.stdout.isatty() or os.environ.get("TERM") in (None, "", "dumb"):
        return again_and_again(plain)
    if find_spec("rich") is None:
        return _repaint(plain)
    return _live(directory, project)


def _live(directory: str, project: str) -> int:
    from rich.console import Console
    from rich.live import Live

    from cadenzad.cli.live import drawing
    from cadenzad.cli.live.keys import keyboard

    console = Console(highlight=False, markup=False, emoji=False)
    view = View(opened=project, selected=project)
    last = Snapshot(unknown(), at=0.0)
    with keyboard() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:

            def shown(paths: Sequence[str], before: Snapshot = last) -> Sequence[str]:
                if view.opened:
                    return [view.opened]
                reasons = len(drawing.reasons_of(before))
                room = drawing.room_for_projects(console.height, len(before.jobs), reasons)
                return paths[view.window(paths, room)]

            last = take(directory, shown, view.opened)
            live.update(drawing.screen(last, view, console), refresh=True)
            for key in keys.wait(EVERY_S):
                if not view.press(key, last.paths):
                    return OK


def again_and_again(plain: Callable[[], object]) -> int:
    """One status after another, for whoever reads them."""
    while True:
        plain()
        sys.stdout.flush()
        time.sleep(EVERY_S)


def _repaint(plain: Callable[[], object]) -> int:
    """As much of the status as fits the window, from its top again every second."""
    while True:
        width, height = os.get_terminal_size(sys.stdout.fileno())
        with redirect_stdout(io.StringIO()) as caught:
            plain()
        lines = caught.getvalue().splitlines()
        shown = lines[: max(1, height - 2)]
        left = len(lines) - len(shown)
        cut = f"{counted(left, 'more line')}; " if left else ""
        begin_screen()
        for line in [*shown, f"{cut}{HINT}"]:
            say(line[: max(1, width - 1)])
        sys.stdout.flush()
        time.sleep(EVERY_S)
