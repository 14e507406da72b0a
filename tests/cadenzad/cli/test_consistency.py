"""What holds for every command alike: its options, and how programs are answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from consistent import faults_of

from cadenzad.cli.base.parser import EXAMPLE
from cadenzad.cli.daemon import main as cadenzad
from cadenzad.cli.programs import cadenza, cadenzactl
from cadenzad.cli.reference.trees import callable_in, parser_of

COMMANDS = {
    parser.prog: parser
    for name in ("cadenzactl", "cadenza")
    for parser in callable_in(parser_of(name))
}


OTHERWISE = {"cadenzactl hub keep": frozenset({"--json"})}
"""A process that stays, and logs."""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_programs_and_takes_a_state_directory(name: str) -> None:
    taken = {text for action in COMMANDS[name]._actions for text in action.option_strings}
    # A hub is a database: it has no state directory.
    place = {"--hub"} if name.startswith("cadenzactl hub") else {"--state"}
    assert ({"--json", "--help"} | place) - OTHERWISE.get(name, frozenset()) <= taken


@pytest.mark.parametrize("name", COMMANDS)
def test_a_help_fits_the_narrowest_window_but_for_its_example(name: str, monkeypatch) -> None:
    told = " ".join(COMMANDS[name].format_usage().replace(",", ", ").split())
    monkeypatch.setenv("COLUMNS", "40")
    shown = COMMANDS[name].format_help().partition(EXAMPLE)[0]
    assert max(map(len, shown.splitlines())) <= 40
    usage = COMMANDS[name].format_usage()
    assert " ".join(usage.replace(",", ", ").split()) == told, "nothing is left out"


@pytest.mark.parametrize(
    ("answer", "faults"),
    [
        ([], ["an answer is an object"]),
        ({"queued_us": 1}, ["queued_us: a time is ISO 8601"]),
        ({"at": "2026-11-27 03:06"}, ["at: '2026-11-27 03:06' is no ISO 8601 time in UTC"]),
        ({"jobs": [{"project": "/a/b"}]}, ["jobs.0.project: '/a/b' is a path, not a name"]),
        ({"started_at": None, "project": "b", "ts": "2026-11-27T03:06:18.123Z"}, []),
        ({"data": {"queued_us": 1}}, []),
    ],
)
def test_what_is_not_like_the_others_is_found(answer: object, faults: list[str]) -> None:
    assert list(faults_of(answer)) == faults


@pytest.mark.parametrize(
    "words",
    [
        "cadenzactl jobs --last 0",
        "cadenzactl logs --last x",
        "cadenzactl selftest --timeout -1",
        "cadenzactl report rescue -o .",
        "cadenzactl report rescue -o no/such/x.html",
        "cadenzactl metrics --textfile no/such/x",
        "cadenzactl db backup no/such/x",
        "cadenzactl events --since yesterday",
        "cadenzactl events --type Nothing",
        "cadenzactl dashboard --port 99999",
        "cadenza env run rescue --episodes 0",
        "cadenza env run rescue --episodes x",
        "cadenza env run rescue --xml no/such",
        "cadenza env runs rescue --at never",
        "cadenza env runs rescue --tensorboard no/such/x",
        "cadenza env show rescue -o x.pdf",
        "cadenza env show rescue --run one --rrd no/such/x.rrd",
        "cadenza env lora finetune rescue --finetune no/such",
        "cadenza env lora finetune rescue --rank 0",
        "cadenza env train rescue --max-runs 0",
    ],
)
def test_a_wrong_value_is_a_usage_error(
    rescue, run_cli, one_error, monkeypatch, tmp_path: Path, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    program, *rest = words.split()
    code, out, err = run_cli(cadenza if program == "cadenza" else cadenzactl, *rest)
    assert (code, out) == (2, "")
    assert one_error(err)


def test_a_script_for_a_shell_and_a_check_of_a_file_are_answers_too(home, run_cli) -> None:
    _, out, _ = run_cli(cadenzactl, "completion", "fish", "cadenzad", "--json")
    assert "cadenzad" in json.loads(out)["scripts"]
    _, out, _ = run_cli(cadenzactl, "completion", "--projects", "--json")
    assert json.loads(out) == {"projects": []}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("cadenzactl statsu", "did you mean `cadenzactl status`?"),
        ("cadenzactl rebuild", "did you mean `cadenzactl db rebuild`?"),
        ("cadenza env trian rescue", "did you mean `cadenza env train`?"),
        ("cadenza env run rescue --sed 3", "did you mean --seed?"),
        ("cadenzactl why rescu", "did you mean rescue?"),
        ("cadenzactl why nothing-like-it", "known projects: rescue"),
        ("cadenza env check robots/resce", "did you mean robots/rescue?"),
        ("cadenza env check elsewhere/hall", "did you mean elsewhere/deep/hall?"),
    ],
)
def test_what_is_mistyped_is_answered_with_what_was_meant(
    rescue, home, run_cli, monkeypatch, tmp_path: Path, words: str, said: str
) -> None:
    for place in ("robots/rescue", "elsewhere/deep/hall"):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / "env.json").touch()
    monkeypatch.chdir(tmp_path)
    program, *rest = words.split()
    code, _, err = run_cli(cadenza if program == "cadenza" else cadenzactl, *rest)
    assert code in (2, 4)
    assert said in err


def test_a_scan_of_a_workspace_that_is_not_there_fails(home, run_cli, one_error, tmp_path) -> None:
    # given one that is there, with a project, one that is not, and one that is a file
    project = home.project()
    absent, file = tmp_path / "absent", tmp_path / "file"
    file.touch()

    # when / then nothing is there
    code, _, err = run_cli(cadenzad, "--workspace", absent, "--workspace", file, "--once")
    assert code == 2
    assert one_error(err) == f"workspace {absent}: there is no such folder, and 1 more"
    assert run_cli(cadenzactl, "status")[0] == 3, "no event log was begun"

    # and what is there is scanned all the same
    config = tmp_path / "c.toml"
    quiet = "lora.retrain = false\ncheck.enabled = false\n"
    config.write_text(f"workspaces = ['{home.workspace}', '{file}']\n{quiet}")
    code, _, err = run_cli(cadenzad, "--config", config, "--once")
    assert code == 2
    assert f"workspace {file}: is no folder" in err
    _, out, _ = run_cli(cadenzactl, "status", "--json")
    assert [row["path"] for row in json.loads(out)["projects"]] == [str(project)]
