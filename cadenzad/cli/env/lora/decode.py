"""`cadenza env lora decode`: what the adapter makes of goals."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from cadenzad.cli.base.lookup import open_state
from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import FAILED, OK, filled
from cadenzad.cli.ctl.decide.rollback import version as version_number
from cadenzad.cli.env.lora.common import add_project, folder_of
from handlers.project.formats.pictures import picture_named
from handlers.project.paths import inside
from store.errors import InputError, UsageError

if TYPE_CHECKING:
    from handlers.lora.model.interface import Decoded

DESCRIPTION = """Decode goals with the deployed adapter, with the newest while none is deployed, or
with --version N. With --json one object a goal: {goal, actions, refused, doubtful, nearest,
confidence, familiarity, doubts}. --file takes one JSON object with a "goal" (and an "image"), or
one plain goal, a line; `-` is stdin. A line that cannot be decoded is named on stderr, the others
are answered, and the exit code is 1. A goal that is refused is exit code 7; with --file refusals
are answers like others. --image is a picture, its path from where you stand; an image that a line
of a file names lies in the project."""
EXAMPLE = "cadenza env lora decode rescue 'walk two meters, then sit' --json"

REFUSED = 7


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("goal", nargs="?", type=filled, help="what somebody would say")
    parser.add_argument("--file", type=filled, metavar="FILE", help="goals, one a line; - is stdin")
    parser.add_argument(
        "--image", type=filled, metavar="PATH", help="what the robot sees; for encoders that look"
    )
    parser.add_argument(
        "--version", type=version_number, metavar="N", help="which version (the deployed one)"
    )


def command(arguments: argparse.Namespace) -> int:
    from cadenzad.config.files import load_config
    from handlers.lora.serving import project_decoder, version_to_try
    from handlers.project.project import Project

    if (arguments.goal is None) == (arguments.file is None):
        raise UsageError(
            "give one goal, or --file", hint="cadenza env lora decode rescue 'sit down'"
        )
    project = folder_of(arguments)
    version, deployed = arguments.version, True
    if version is None:
        version, deployed = version_to_try(project)
    given = picture_named(arguments.image) if arguments.image is not None else None
    with open_state(arguments.state) as state:
        device = load_config(None).lora.device
        decoder = project_decoder(Project.open(project), state, version, device)
    if not deployed:
        say(f"no adapter is deployed: this is version {version}", err=True)
    if arguments.goal is not None:
        decoded = decoder.decode(arguments.goal, given)
        _report(decoded, arguments.json)
        return REFUSED if decoded.refused else OK
    code, empty = OK, True
    for where, line in _lines(arguments.file):
        empty = False
        try:
            goal, image = _asked(line)
            decoded = decoder.decode(goal, given if image is None else _image(project, image))
        except InputError as error:
            say(f"{where}: {error.message}", err=True)
            code = FAILED
        else:
            _report(decoded, arguments.json)
    if empty:
        raise InputError(f"{arguments.file}: no goals")
    return code


def _lines(name: str) -> Iterator[tuple[str, str]]:
    """The lines that hold something, with their place."""
    try:
        with nullcontext(sys.stdin) if name == "-" else open(name, encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, 1):
                plain = line.removeprefix("\ufeff").strip()
                if plain:
                    yield f"{name}:{number}", plain
    except UnicodeDecodeError:
        raise InputError(f"{name}: is not UTF-8") from None
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from None


def _asked(line: str) -> tuple[str, str | None]:
    """The goal and the image of a line."""
    if not line.startswith("{"):
        return line, None
    try:
        row = json.loads(line)
        goal, image = row["goal"], row.get("image")
    except (ValueError, KeyError, RecursionError):
        raise InputError("no object with a goal") from None
    if not isinstance(goal, str) or not isinstance(image, str | None):
        raise InputError("goal and image must be text")
    return goal, image


def _image(project: Path, name: str) -> Path:
    """The path of an image that a line of a file names, inside the project."""
    path = inside(project, Path(name))
    if not path.is_file():
        raise InputError(f"{name}: no such image in {project}")
    return path


def _report(decoded: Decoded, as_json: bool) -> None:
    if as_json:
        say_json(decoded.as_json(), flush=True)
    else:
        _print(decoded)


def _print(decoded: Decoded) -> None:
    say(decoded.goal)
    for reason in decoded.doubts:
        say(f"  {'refused' if decoded.refused else 'in doubt'}: {reason}")
    if decoded.refused and decoded.doubts:
        return
    if decoded.refused:
        near = "; ".join(decoded.nearest)
        say(f"  refused: nothing taught is like it. Nearest: {near}")
        return
    for step in decoded.actions:
        given = " ".join(f"{name}={value:g}" for name, value in step.parameters.items())
        say(f"  {step.action} {given}".rstrip())
    doubt = ", doubtful" if decoded.doubtful else ""
    say(f"  confidence {decoded.confidence:.2f}{doubt}")
