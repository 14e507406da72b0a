"""`cadenza env show`: draw the mission's map."""

from __future__ import annotations

import argparse
from pathlib import Path

from cadenzad.cli.base.lookup import find_project_folder
from cadenzad.cli.base.output import say, say_json, say_lines
from cadenzad.cli.base.parser import add_project
from handlers.mission.show.history import path_of, records
from handlers.mission.show.mapview import write_map
from handlers.mission.show.textmap import text_map
from handlers.project.formats.runs import run_logs
from handlers.project.paths import CADENZA_DIR
from handlers.project.project import Project
from store.errors import ProjectNotFound

DESCRIPTION = """Draw the mission's map: zones, objects, phases; in the terminal, as SVG or as PNG;
with `--run` the path of a run over it."""
EXAMPLE = "cadenza env show rescue -o map.svg"


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=".svg or .png")
    parser.add_argument("--run", metavar="ID", help="overlay the path of a run")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")


def command(args: argparse.Namespace) -> int:
    """Draw the map, in the terminal or into a file, with the path of a run over it."""
    project = Project.open(find_project_folder(args.project))
    spec = project.spec
    path = path_of(records(_log_of(project.path, args.run))) if args.run else []
    if args.output is not None:
        write_map(args.output, spec, path)
        say(f"wrote {args.output}", err=True)
    elif args.json:
        say_json({**spec.scene.model_dump(mode="json"), "path": path}, indent=2)
    else:
        say_lines(text_map(spec, path))
    return 0


def _log_of(project: Path, run_id: str) -> Path:
    """The log of a run, by its id or the unique beginning of it."""
    logs = [log for log in run_logs(project) if log.format == "mission"]
    found = [log.path for log in logs if log.path.name.startswith(run_id)]
    exact = [log.path for log in logs if run_id in (log.run_id, log.path.name)]
    if len(exact or found) != 1:
        what = "no run" if not found else f"{len(exact or found)} runs"
        raise ProjectNotFound(f"{project / CADENZA_DIR}: {what} with the id {run_id!r}")
    return (exact or found)[0]
