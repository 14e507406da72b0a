"""cadenzactl completion: the scripts, in real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cadenzad.cli.ctl.operate.completion import SHELLS, script
from cadenzad.cli.programs import CADENZACTL
from cadenzad.cli.programs import cadenzactl as main
from cadenzad.cli.reference.trees import COMMANDS, parser_of, subparsers
from handlers.dataset.formats.names import FORMATS
from store.events.types import EVENT_TYPES

BIN = Path(sys.executable).parent

# Fills in what bash would when somebody presses TAB, and asks for the answer.
TAB = r"""
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(( $# - 1 ))
entry=$(complete -p "$1"); entry=${entry#*-F }
${entry%% *} "$1" "${!#}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


def needs(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed")


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each shell's script for all three commands, in a file."""
    folder = tmp_path_factory.mktemp("completion")
    made = {shell: folder / f"cadenza.{shell}" for shell in SHELLS}
    for shell, file in made.items():
        file.write_text("".join(script(shell, command) for command in COMMANDS))
    return made


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., list[str]]:
    """Run something in an empty folder, with our commands on PATH; the lines it printed."""
    (tmp_path / "desk").mkdir()

    def run(*words: str | Path) -> list[str]:
        done = subprocess.run(
            words,
            cwd=tmp_path / "desk",
            env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    return run


@pytest.fixture
def tab(call, scripts: dict[str, Path]) -> Callable[..., set[str]]:
    """What bash offers for the last of some words."""

    def press(*words: str) -> set[str]:
        return set(
            call("bash", "--norc", "--noprofile", "-c", TAB, "bash", scripts["bash"], *words)
        ) - {""}

    return press


def test_every_subcommand_is_offered(tab) -> None:
    assert tab("cadenzactl", "") == set(CADENZACTL.commands)
    assert tab("cadenzactl", "st") == {"status"}
    assert tab("cadenza", "") == {"env"}
    assert tab("cadenza", "env", "") == set(subparsers(subparsers(parser_of("cadenza"))["env"]))
    assert tab("cadenzactl", "config", "") == {"show", "check"}


def test_options_are_those_of_the_subcommand(tab) -> None:
    assert tab("cadenzactl", "config", "show", "--") == {"--help", "--config", "--json", "--state"}
    assert tab("cadenza", "env", "finetune", "--no") == {"--no-failures"}
    assert tab("cadenzad", "--lo") == {"--log-json"}
    assert tab("cadenzactl", "status", "--log") == set()


def test_choices_and_event_types_are_offered(tab) -> None:
    assert tab("cadenza", "env", "finetune", "--format", "") == {"jsonl", *FORMATS}
    assert tab("cadenzactl", "completion", "") == set(SHELLS)
    assert tab("cadenzactl", "completion", "zsh", "") == set(COMMANDS)
    expected = {name for name in EVENT_TYPES if name.startswith("Run")}
    assert tab("cadenzactl", "events", "--type", "Run") == expected


def test_folders_and_files_are_offered_where_they_are_meant(tab, tmp_path: Path) -> None:
    # given
    (tmp_path / "desk" / "robots").mkdir()
    (tmp_path / "desk" / "run.jsonl").touch()

    # then
    assert tab("cadenzad", "--workspace", "r") == {"robots"}
    assert tab("cadenzad", "--config", "r") == {"robots", "run.jsonl"}
    assert tab("cadenza", "env", "finetune", "robots", "ru") == {"run.jsonl"}


def test_projects_are_offered_by_name_and_as_folders(tab, home, tmp_path: Path) -> None:
    # given a project the event log knows, whose name has a space in it, and a folder
    home.project("rescue dog")
    home.once()
    (tmp_path / "desk" / "robots").mkdir()

    # then
    assert tab("cadenzactl", "status", "") == {"rescue dog", "robots"}
    assert tab("cadenzactl", "status", "re") == {"rescue dog"}
    assert tab("cadenzactl", "events", "--project", "re") == {"rescue dog"}


def test_without_an_event_log_there_are_no_projects_and_no_noise(tab, run_cli) -> None:
    assert tab("cadenzactl", "status", "x") == set()
    assert run_cli(main, "completion", "--projects") == (0, "", "")


@needs("fish")
def test_fish_offers_the_same(call, scripts: dict[str, Path], home) -> None:
    home.project()
    home.once()

    def offered(line: str) -> set[str]:
        lines = call("fish", "--no-config", "-c", f"source {scripts['fish']}; complete -C '{line}'")
        return {line.split("\t")[0] for line in lines}

    assert offered("cadenzactl ") == set(CADENZACTL.commands)
    assert offered("cadenzactl config ") == {"show", "check"}
    assert offered("cadenzad --lo") == {"--log-json"}
    assert offered("cadenzactl status res") == {"rescue"}
    assert offered("cadenza env finetune --format ") == {"jsonl", *FORMATS}


@needs("zsh")
def test_zsh_takes_the_script(call, scripts: dict[str, Path]) -> None:
    code = f"""autoload -Uz compinit && compinit -u -D
    eval "$(<{scripts["zsh"]})"
    for name in {" ".join(COMMANDS)}; do print -r -- $name $_comps[$name]; done"""
    assert call("zsh", "-f", "-c", code) == [f"{name} _shtab_{name}" for name in COMMANDS]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_the_scripts(run_cli, shell: str) -> None:
    code, out, err = run_cli(main, "completion", shell)
    assert (code, err) == (0, "")
    assert out == "".join(script(shell, command) for command in COMMANDS)
    assert run_cli(main, "completion", shell, "cadenzad")[1] == script(shell, "cadenzad")


@pytest.mark.parametrize("words", [(), ("tcsh",), ("bash", "ls"), ("--projects", "bash")])
def test_what_it_cannot_print_is_a_usage_error(run_cli, one_error, words) -> None:
    code, out, err = run_cli(main, "completion", *words)
    assert (code, out) == (2, "")
    assert one_error(err)
