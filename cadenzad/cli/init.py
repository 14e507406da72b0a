"""`cadenza env init`: make a complete sample project."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from cadenzad.cli.common import OK
from handlers.project.scaffold import init_project


def init(arguments: argparse.Namespace) -> int:
    target = Path(arguments.project).expanduser()
    files = init_project(target)
    if arguments.json:
        print(json.dumps({"project": str(target), "files": [str(file) for file in files]}))
        return OK
    print(f"made {target}:")
    for file in files:
        print(
            f"  {file.relative_to(target) if file.is_absolute() is target.is_absolute() else file}"
        )
    print(f"next: cadenzad --workspace {target.parent}")
    return OK
