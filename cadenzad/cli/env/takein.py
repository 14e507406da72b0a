"""`cadenza env takein`: a recording of another tool as a run log of the project."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from cadenzad.cli.base.lookup import open_state, project_folder
from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_json_and_state, filled, one_line
from cadenzad.config.paths import expand
from handlers.project.paths import CADENZA_DIR
from store.errors import InputError, ProjectNotFound
from store.text import counted

DESCRIPTION = """Make a run log of a recording of another tool: an MCAP file, the folder of a
rosbag2 with MCAP in it, a LeRobot v3.0 or a Minari dataset. The log lies in .cadenza-env/
and is called as the recording; the same recording again changes nothing. Which value is
which field of a tick says [takein] in the project's cadenzad.toml (docs/export.md); what
`cadenza env finetune` wrote needs nothing said."""
EXAMPLE = "cadenza env takein robots/rescue night.mcap"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project", type=filled, help="the project's folder, or its name in a watched workspace"
    )
    parser.add_argument(
        "recording", type=filled, help="a file or folder: looked for here, then in the project"
    )
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    from cadenzad.config.files import load_config
    from cadenzad.config.project import load_project_config
    from handlers.project.project import Project

    with open_state(arguments.state) as state:
        project = project_folder(state, arguments.project)
    source = _find(project, arguments.recording)
    settings = load_project_config(project, load_config(None)).takein
    opened = Project.open(project)
    try:
        from handlers.takein.takein import take_in

        taken = take_in(source, opened, settings)
    except ImportError as error:
        raise InputError(
            f"{source}: reading it needs {error.name}", hint="pip install 'cadenzad[formats]'"
        ) from None
    if arguments.json:
        say_json(taken.as_json(), indent=2)
        return OK
    for note in taken.notes:
        say(f"warning: {note}", err=True)
    log = one_line(str(taken.log))
    if taken.changed:
        ticks, episodes = counted(taken.ticks, "tick"), counted(taken.episodes, "episode")
        say(f"wrote {ticks} of {episodes} to {log}")
    else:
        say(f"nothing new: {log} holds its {counted(taken.ticks, 'tick')} already")
    return OK


def _find(project: Path, text: str) -> Path:
    """A recording by its path. Raises ProjectNotFound that lists where it was looked for."""
    folders = [Path.cwd(), project, project / CADENZA_DIR]
    for folder in folders:
        found = folder / expand(text)
        if found.name and os.path.exists(found):
            return found
    looked = ", ".join(str(folder) for folder in folders)
    raise ProjectNotFound(f"no recording {text!r}", hint=f"looked in {looked}")
