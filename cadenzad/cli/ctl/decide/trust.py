"""`cadenzactl trust`: allow a project's own code to be run, as it is now."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from pathlib import Path

from cadenzad.cli.base.lookup import find_project
from cadenzad.cli.base.parser import OK, add_state_option
from cadenzad.config.paths import state_dir
from cadenzad.requests.client import perform
from cadenzad.requests.inbox import new_request
from handlers.judge.prompt.code import ProjectCode, project_code
from handlers.judge.prompt.source import NAME, find_prompt
from handlers.project.paths import ENCODER_FILE, inside
from store.errors import CadenzaError, InputError
from store.reads.state import State
from store.schema import connect_reader

DESCRIPTION = f"""Allow code of a project to be run: its {ENCODER_FILE}, when an adapter is trained
or used, and `decide` in the file that holds {NAME}, when two prompts are compared in simulation.
What is trusted is this content: a changed file needs trust again. With the prompt's file that is
all code of the project that it could import, and of that file itself the code around the prompt."""
EXAMPLE = "cadenzactl trust rescue"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", help="a project's name or path")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_state_option(parser)


def command(arguments: argparse.Namespace) -> int:
    directory = state_dir(arguments.state)
    project = find_project(State(connect_reader(directory)), arguments.project)
    found = _code_of(Path(project.path))
    if not found:
        raise InputError(
            f"{project.path}: holds no code that would be run",
            hint=f"{ENCODER_FILE}, or a decide(observation, system_prompt) beside {NAME}",
        )
    by = os.environ.get("USER", "user")
    for path, code in found.items():
        body = {"project": project.path, "path": path, "sha256": code.sha256, "by": by}
        perform(directory, new_request("trust", body | {"files": code.files}), timeout=10.0)
    if arguments.json:
        trusted = {path: code.sha256 for path, code in found.items()}
        files = {path: code.files for path, code in found.items()}
        print(json.dumps({"project": project.name, "trusted": trusted, "files": files}))
    else:
        for path, code in found.items():
            beside = f", with {', '.join(code.files[1:])}," if len(code.files) > 1 else ""
            print(f"{project.name}: {path}{beside} is trusted as it is now ({code.sha256[:12]})")
    return OK


def _code_of(project: Path) -> dict[str, ProjectCode]:
    found = {}
    encoder = inside(project, Path(ENCODER_FILE))
    if encoder.is_file():
        sha256 = hashlib.sha256(encoder.read_bytes()).hexdigest()
        found[ENCODER_FILE] = ProjectCode(sha256, (ENCODER_FILE,))
    try:
        source = find_prompt(project)
    except CadenzaError:
        return found
    if b"def decide(" in source.data:
        found[source.path.name] = project_code(project, source.path)
    return found
