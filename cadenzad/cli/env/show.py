"""`cadenza env show`: draw the mission's map."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from cadenzad.cli.base.lookup import file_to_write, find_project_folder
from cadenzad.cli.base.output import say, say_json, say_lines, say_table
from cadenzad.cli.base.parser import add_json_and_state, add_project
from cadenzad.cli.base.requests import print_answer
from handlers.project.paths import CADENZA_DIR, printable
from store.errors import ConfigError, ProjectNotFound, StoreError
from store.text import counted

if TYPE_CHECKING:
    from cadenzad.dashboard.panels.account import Account
    from handlers.project.spec import ProjectSpec

DESCRIPTION = """Draw the mission's map: zones, objects, phases; in the terminal, as SVG or as PNG;
with `--run` the path of a run over it, and what the event log says of that run; with `--rrd` that
run as a recording for Rerun's viewer (`rerun FILE`)."""
EXAMPLE = "cadenza env show rescue --run first --rrd first.rrd"


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=".svg or .png")
    parser.add_argument("--run", metavar="ID", help="overlay the path of a run")
    parser.add_argument(
        "--rrd", type=Path, metavar="FILE", help="write the run as a recording (.rrd)"
    )
    add_json_and_state(parser)


def command(args: argparse.Namespace) -> int:
    """Draw the map, in the terminal or into a file, with the path of a run over it."""
    from cadenzad.cli.shown.told import rows_of
    from handlers.mission.show.history import path_of, records
    from handlers.mission.show.mapview import write_map
    from handlers.mission.show.textmap import text_map
    from handlers.project.project import Project

    if args.rrd is not None and not args.run:
        raise ConfigError("--rrd is about one run", hint=EXAMPLE)
    project = Project.open(find_project_folder(args.project, args.state))
    spec = project.spec
    log = _log_of(project.path, args.run) if args.run else None
    if args.rrd is not None and log is not None:
        return _record(args, spec, log)
    path = path_of(records(log)) if log is not None else []
    told = _told(args.state, project.path, log) if log is not None else None
    if args.output is not None:
        write_map(args.output, spec, path)
        say(f"wrote {args.output}", err=True)
    elif args.json:
        answer = {**spec.scene.model_dump(mode="json"), "path": path}
        say_json(answer if told is None else answer | {"run": told.as_json()}, indent=2)
    else:
        say_lines(text_map(spec, path))
        if told is not None:
            say()
            say_table(("", ""), rows_of((told,)))
    return 0


def _record(args: argparse.Namespace, spec: ProjectSpec, log: Path) -> int:
    """The first run in a log as a recording."""
    from cadenzad.dashboard.panels.replay import ticks_of
    from cadenzad.elsewhere.rerun import write_recording

    target = file_to_write(str(args.rrd), "--rrd")
    if target.suffix != ".rrd":
        raise ConfigError(f"--rrd {args.rrd}: a recording ends with .rrd", hint=EXAMPLE)
    run = log.name.removesuffix(".log.jsonl")
    ticks = write_recording(target, spec, run, ticks_of(log, 0))
    answer = {"run": run, "file": str(target), "ticks": ticks}
    print_answer(
        args, answer, f"wrote {target}: {counted(ticks, 'tick')}; `rerun {target}` shows it"
    )
    return 0


def _told(flag: str | None, project: Path, log: Path) -> Account | None:
    """What the event log says of the first run in a log; None where it does not, which is said."""
    from cadenzad.cli.shown.told import project_at
    from cadenzad.dashboard.panels.account import account
    from cadenzad.dashboard.panels.runs import runs

    relative = printable(str(log.relative_to(project)))
    try:
        with project_at(flag, str(project)) as (moment, row):
            found = [run for run in runs(moment, row.path) if run.path == relative]
            if found:
                return account(moment, row.path, found[0])
            reason = f"{relative}: not recorded"
    except (StoreError, ProjectNotFound) as error:
        reason = error.message
    say(f"the event log tells nothing of this run: {reason}", err=True)
    return None


def _log_of(project: Path, run_id: str) -> Path:
    """The log of a run, by its id or the unique beginning of it."""
    from handlers.project.formats.runs import run_logs

    logs = [log for log in run_logs(project) if log.format == "mission"]
    found = [log.path for log in logs if log.path.name.startswith(run_id)]
    exact = [log.path for log in logs if run_id in (log.run_id, log.path.name)]
    if len(exact or found) != 1:
        what = "no run" if not found else f"{len(exact or found)} runs"
        raise ProjectNotFound(f"{project / CADENZA_DIR}: {what} with the id {run_id!r}")
    return (exact or found)[0]
