"""`cadenzactl trust`: allow a project's own code to be run, as it is now."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from cadenzad.cli.base.lookup import find_project_folder
from cadenzad.cli.base.parser import OK, add_json_and_state
from cadenzad.cli.base.requests import print_answer, send_command
from cadenzad.config.prompt import prompt_setting
from handlers.project.code import TrustedCode, imported_code
from handlers.project.paths import ENCODER_FILE, SPEC_FILE, inside
from store.errors import InputError, ProjectNotFound

DESCRIPTION = f"""Allow code of a project to be run: its {ENCODER_FILE}, when an adapter is trained
or used, and `decide` in the file that holds or imports SYSTEM_PROMPT, when two prompts are compared
in simulation. What is trusted is this content: a changed file needs trust again. With the encoder
that is what it imports of the project; with `decide` all code of the project that it could import
and the files that the prompt is read from, without the prompt itself."""
EXAMPLE = "cadenzactl trust rescue"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", help="a project's name or path")
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    from cadenzad.requests.commands import Trust

    project = find_project_folder(arguments.project, arguments.state)
    if not (project / SPEC_FILE).is_file():
        raise ProjectNotFound(f"{project}: no project", hint=f"it has no {SPEC_FILE}")
    found = _code_of(project)
    if not found:
        raise InputError(
            f"{project}: holds no code that would be run",
            hint=f"{ENCODER_FILE}, or a decide(observation, system_prompt) beside SYSTEM_PROMPT",
        )
    by = os.environ.get("USER", "user")
    for path, code in found.items():
        send_command(arguments, Trust(str(project), path, code.sha256, by, tuple(code.files), True))
    answer = {
        "project": project.name,
        "trusted": {path: code.sha256 for path, code in found.items()},
        "files": {path: code.files for path, code in found.items()},
    }
    lines = [_line(project.name, path, code) for path, code in found.items()]
    print_answer(arguments, answer, *lines)
    return OK


def _line(project: str, path: str, code: TrustedCode) -> str:
    beside = f", with {', '.join(code.files[1:])}," if len(code.files) > 1 else ""
    return f"{project}: {path}{beside} is trusted as it is now ({code.sha256[:12]})"


def _code_of(project: Path) -> dict[str, TrustedCode]:
    from handlers.judge.prompt.code import brain_of, driver_name, project_code
    from handlers.judge.prompt.source import NoPrompt, RefusedSource, find_prompt

    found = {}
    encoder = inside(project, Path(ENCODER_FILE))
    if encoder.is_file():
        found[ENCODER_FILE] = imported_code(project, encoder).trusted
    try:
        source = find_prompt(project, prompt_setting(project))
    except NoPrompt:
        return found
    except RefusedSource:
        if not found:
            raise
        return found
    brain = brain_of(project, source)
    if brain is not None:
        found[driver_name(project, source)] = project_code(project, brain, source)
    return found
