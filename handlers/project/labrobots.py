"""Ask an installed `cadenza-lab` which actions a robot of its own knows.

Importing that package loads numpy and MuJoCo and sets thread counts, which has no place in the
daemon: a short-lived child process imports it and prints the answer. What is relied on, as of
cadenza-lab 1.7: `cadenza.actions.get_library(robot)` can be iterated and yields objects with `name`
and, when they have them, `is_gait`, `distance_m` and `rotation_rad`. Anything else is "not known".
"""

from __future__ import annotations

import json
import math
import subprocess
from functools import cache
from importlib import metadata

from store import interpreter

DISTRIBUTION = "cadenza-lab"
TIMEOUT_S = 60

_ASK = """
import json, sys
from cadenza.actions import get_library
def number(spec, name):
    return float(getattr(spec, name, 0) or 0)
sys.stdout.write("\\n" + json.dumps([
    [str(spec.name), bool(getattr(spec, "is_gait", False)),
     number(spec, "distance_m"), number(spec, "rotation_rad")]
    for spec in get_library(sys.argv[1])
]))
"""


@cache
def lab_actions(robot: str) -> tuple[tuple[str, str, float], ...]:
    """(name, kind, default) of each action, in the library's order; empty when not known."""
    if not _installed():
        return ()
    try:
        answer = subprocess.run(
            interpreter.script(_ASK, robot),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=True,
            # No credential of ours reaches another package's code.
            env=interpreter.plain_environ(),
            cwd=interpreter.FOLDER,
        )
        rows = json.loads(answer.stdout.rpartition("\n")[2])
        return tuple(_action(*row) for row in rows)
    except (OSError, subprocess.SubprocessError, ValueError, TypeError):
        return ()


def _installed() -> bool:
    try:
        metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return False
    return True


def _action(name: str, is_gait: bool, distance_m: float, rotation: float) -> tuple[str, str, float]:
    if rotation and math.isfinite(rotation):
        return name, "turn", abs(rotation)
    if is_gait or distance_m:
        return name, "gait", abs(distance_m) if math.isfinite(distance_m) else 0.0
    return name, "pose", 0.0
