"""The man pages: complete, rendered without a warning, the same bytes every time."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT

from cadenzad.cli.reference.man import SECTIONS, _text, main, page
from cadenzad.cli.reference.trees import COMMANDS, callable_in, parser_of, walk
from cadenzad.config.settings import KEYS

needs_groff = pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
needs_man = pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("man")
    assert main([str(folder)]) == 0
    return folder


def rendered(file: Path) -> str:
    """The page as a reader sees it, on one endless line without styles."""
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-P-cbou", "-rLL=200n", str(file)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return re.sub(r"\s+", " ", done.stdout)


def test_each_command_has_a_page_in_its_section(pages: Path) -> None:
    assert {file.name for file in pages.iterdir()} == {
        "cadenza.1",
        "cadenzactl.1",
        "cadenzad.8",
    }


@needs_groff
@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_renders_without_a_warning_and_is_complete(command: str, pages: Path) -> None:
    text = rendered(pages / f"{command}.{SECTIONS[command]}")
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "FILES", "SEE ALSO"):
        assert f" {heading} " in text
    callables = {parser.prog for parser in callable_in(parser_of(command))}
    for parser in walk(parser_of(command)):
        if parser.prog in callables:
            assert parser.prog in text
            assert " ".join(parser.description.split()) in text
        for action in parser._actions:
            if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
                assert all(option in text for option in action.option_strings)
                help_text = parser._get_formatter()._expand_help(action) if action.help else ""
                assert " ".join(help_text.split()) in text


@needs_man
@pytest.mark.parametrize("command", COMMANDS)
def test_man_shows_a_page_without_a_warning(command: str, pages: Path) -> None:
    file = pages / f"{command}.{SECTIONS[command]}"
    done = subprocess.run(
        ["man", "--warnings", "-l", str(file)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert done.stdout.startswith(command.upper())


@needs_groff
def test_the_daemons_page_has_every_key(pages: Path) -> None:
    text = rendered(pages / "cadenzad.8")
    for key in KEYS.values():
        assert key.name in text
        assert key.description[1:] in text


@needs_groff
def test_what_roff_would_take_for_itself_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "x.1"
    lines = [".hidden", "'also", r"a\fBb \n(.x", "-o 'q' `b` ~/x ^ \"d\"", "a --long-option"]
    file.write_text("\n".join(['.TH X 1 "" "" ""', ".nf", *map(_text, lines)]) + "\n")
    assert " ".join(lines) in rendered(file)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_same_sources_give_the_same_bytes(
    command: str, pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given another terminal, another time zone
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TZ", "Asia/Tokyo")

    # then
    assert page(command) == (pages / f"{command}.{SECTIONS[command]}").read_text()
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b|:\d\d:\d\d", page(command).split(".SH")[0])


def test_it_runs_as_the_makefile_runs_it(tmp_path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(
        r"^man:.*\n\t\$\(BIN\)/python -m cadenzad\.cli\.reference\.man build/man$", makefile, re.M
    )
    done = subprocess.run(
        [sys.executable, "-m", "cadenzad.cli.reference.man", "build/man"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [f"build/man/{name}.{SECTIONS[name]}" for name in COMMANDS]
