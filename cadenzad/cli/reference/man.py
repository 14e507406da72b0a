"""Man pages, made from the parsers and the configuration's own descriptions: `make man`.

    python -m cadenzad.cli.reference.man DIR      writes cadenza.1, cadenzactl.1 and cadenzad.8

The same sources give the same bytes: no page holds a date.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cadenzad import __version__
from cadenzad.cli.base.parser import EXIT_CODES
from cadenzad.cli.reference.trees import COMMANDS, callable_in, parser_of
from cadenzad.config.settings import KEYS, Key
from handlers.settings import Mark

SECTIONS = {"cadenza": "1", "cadenzactl": "1", "cadenzad": "8"}
NAMES = {
    "cadenza": "robot projects by hand",
    "cadenzactl": "ask the cadenzad daemon and its event log",
    "cadenzad": "watch robot projects and improve them",
}
ENVIRONMENT = (
    ("CADENZAD_STATE", "the state directory, like --state"),
    ("STATE_DIRECTORY", "the same as systemd sets it"),
    ("CONFIGURATION_DIRECTORY", "the folder of cadenzad.toml as systemd sets it"),
    ("XDG_STATE_HOME, XDG_CONFIG_HOME", "instead of ~/.local/state and ~/.config"),
    ("NO_COLOR", "no colour on a terminal either"),
)
FILES = (
    ("~/.config/cadenzad/cadenzad.toml", "the configuration; /etc/cadenzad as a system service"),
    ("cadenzad.toml.d/*.toml", "laid over it, in name order"),
    ("PROJECT/cadenzad.toml", "what a project sets for itself"),
    ("~/.local/state/cadenzad/events.db", "the event log"),
)
PROJECT_MAY = {
    Mark.PROJECT_RAISES: "A project may set a higher value for itself.",
    Mark.PROJECT_LOWERS: "A project may set a lower value for itself.",
    Mark.PROJECT_SETS: "A project may set it for itself.",
}


def page(command: str) -> str:
    """The man page of one of COMMANDS, as roff for the `man` macros."""
    parser = parser_of(command)
    lines = [
        f'.TH {command.upper()} {SECTIONS[command]} "" "cadenzad {__version__}" "cadenzad"',
        # No hyphenation, and ragged lines: option names stay whole.
        ".nh",
        ".ad l",
        ".SH NAME",
        rf"{command} \- {_text(NAMES[command])}",
        ".SH SYNOPSIS",
        *_synopsis(parser),
        ".SH DESCRIPTION",
        *_prose(parser.description),
        *_commands(parser),
        *_options(parser, ".SH OPTIONS"),
        *_example(parser, ".SH EXAMPLE"),
    ]
    if command == "cadenzad":
        lines += _configuration()
    for heading, items in (
        ("EXIT STATUS", re.findall(r"(\d) (.+?)(?=   |$)", EXIT_CODES, re.MULTILINE)),
        ("ENVIRONMENT", ENVIRONMENT),
        ("FILES", FILES),
    ):
        lines += [f".SH {heading}", *_items((_bold(name), text) for name, text in items)]
    others = [f"\\fB{name}\\fR({SECTIONS[name]})" for name in COMMANDS if name != command]
    lines += [".SH SEE ALSO", ", ".join(others)]
    return "\n".join(lines) + "\n"


def _commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Every subcommand, those inside of others included."""
    leaves = [below for below in callable_in(parser) if below is not parser]
    if leaves:
        yield ".SH COMMANDS"
    for below in leaves:
        yield f".SS {_text(below.prog)}"
        yield from _synopsis(below)
        yield ".PP"
        yield from _prose(below.description)
        yield from _options(below)
        yield from _example(below)


def _synopsis(parser: argparse.ArgumentParser) -> Iterator[str]:
    """How a command is called, options first."""
    words = [_bold(parser.prog)]
    for action in sorted(_shown(parser), key=lambda action: not action.option_strings):
        word = _call(action)
        optional = not action.required if action.option_strings else action.nargs == "?"
        words.append(rf"[\|{word}\|]" if optional else word)
    yield " ".join(words)


def _shown(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """A parser's own arguments; `--help` goes without saying."""
    return [
        action
        for action in parser._actions
        if action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction)
    ]


def _call(action: argparse.Action) -> str:
    """An argument as it is typed: `--state DIR`, `PROJECT`."""
    if isinstance(action, argparse._SubParsersAction):
        return rf"{_italic(str(action.metavar))} .\|.\|."
    if not action.option_strings:
        return _italic(_value(action))
    option = max(action.option_strings, key=len)
    return _bold(option) if action.nargs == 0 else f"{_bold(option)} {_italic(_value(action))}"


def _value(action: argparse.Action) -> str:
    if action.choices is not None and action.metavar is None:
        return "|".join(map(str, action.choices))
    return str(action.metavar or action.dest).upper()


def _options(parser: argparse.ArgumentParser, heading: str = "") -> Iterator[str]:
    """What every argument means."""
    actions = [
        action for action in _shown(parser) if not isinstance(action, argparse._SubParsersAction)
    ]
    if actions and heading:
        yield heading
    expand = parser._get_formatter()._expand_help
    yield from _items((_tag(action), expand(action) if action.help else "") for action in actions)


def _tag(action: argparse.Action) -> str:
    if not action.option_strings:
        return _call(action)
    names = ", ".join(_bold(name) for name in action.option_strings)
    return names if action.nargs == 0 else f"{names} {_italic(_value(action))}"


def _example(parser: argparse.ArgumentParser, heading: str = "") -> Iterator[str]:
    """The example of `--help`, as it is typed."""
    _, found, rest = (parser.epilog or "").partition("example:\n")
    if found:
        yield heading or ".PP\nExample:"
        yield from (".PP", ".RS 4", ".nf", _text(rest.split("\n")[0].strip()), ".fi", ".RE")


def _configuration() -> Iterator[str]:
    """Every key of cadenzad.toml."""
    yield ".SH CONFIGURATION"
    yield from _prose(
        "cadenzad.toml is TOML; the part of a key before the dot is its table. SIGHUP has a "
        "running daemon read it again; a configuration with a mistake is refused and the old one "
        "kept. `cadenzactl config check` names every mistake."
    )
    yield from _items((_bold(key.name), _about(key)) for key in KEYS.values())


def _about(key: Key) -> str:
    text = f"{key.description} (default: {json.dumps(key.default)})."
    if key.needs_restart:
        text += " A change needs a restart."
    if key.project_may is not None:
        text += " " + PROJECT_MAY[key.project_may]
    return text[0].upper() + text[1:]


# -- roff ------------------------------------------------------------------------------------------


def _items(items: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A list of tagged paragraphs; the tags are roff already."""
    for tag, text in items:
        yield ".TP"
        yield tag
        yield _text(text)


def _prose(text: str | None) -> Iterator[str]:
    """Paragraphs; indented lines are kept as they are."""
    for block in (text or "").split("\n\n"):
        lines = block.split("\n")
        if all(line.startswith("  ") for line in lines):
            yield from (".PP", ".nf", *map(_text, lines), ".fi")
        else:
            yield from (".PP", *map(_text, lines))


def _text(text: str) -> str:
    """Plain text that roff shall show as it is, ASCII hyphens and quotes included."""
    for character, escaped in (
        ("\\", r"\e"),
        ("-", r"\-"),
        ("'", r"\(aq"),
        ("`", r"\(ga"),
        ("^", r"\(ha"),
        ("~", r"\(ti"),
        ('"', r"\(dq"),
    ):
        text = text.replace(character, escaped)
    return rf"\&{text}" if text.startswith(".") else text


def _bold(text: str) -> str:
    return rf"\fB{_text(text)}\fR"


def _italic(text: str) -> str:
    return rf"\fI{_text(text)}\fR"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m cadenzad.cli.reference.man", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="where the pages go")
    folder: Path = parser.parse_args(argv).folder
    folder.mkdir(parents=True, exist_ok=True)
    for command in COMMANDS:
        file = folder / f"{command}.{SECTIONS[command]}"
        file.write_text(page(command), encoding="utf-8")
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
