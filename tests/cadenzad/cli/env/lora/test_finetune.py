"""`cadenza env lora finetune`: a training's scorecard, and an exit code that is its verdict."""

from __future__ import annotations

import json

import pytest

from cadenzad.cli.env.lora import finetune
from cadenzad.cli.programs import cadenza as main


@pytest.mark.parametrize(("verdict", "expected"), [("DEPLOY", 0), ("BLOCK", 5), ("NEEDS_DATA", 6)])
def test_the_exit_code_is_the_verdict(rescue, scored, run_cli, verdict, expected) -> None:
    wanted = scored(finetune, verdict)
    code, out, err = run_cli(main, "env", "lora", "finetune", rescue, "--seed", 3, "--gate")
    assert code == expected
    assert err == "version 1: 6 rows, 40 epochs, loss 0.250, encoder light, 1.5 s\n"
    assert out.splitlines()[0].split()[:2] == ["AXIS", "VALUE"]
    assert f"verdict: {verdict}\n  because\nnext:\n  add exam goals\n" in out
    spec = {"epochs": None, "lr": None, "rank": None, "seed": 3, "gate": True}
    options = {"with_files": True}
    assert wanted == [("retrain", rescue, spec, "cadenza env lora finetune", options)]


def test_json_is_the_scorecard(rescue, scored, run_cli) -> None:
    scored(finetune, "DEPLOY", promoted=True)
    code, out, err = run_cli(main, "env", "lora", "finetune", rescue, "--json")
    card = json.loads(out)
    assert (code, err) == (0, "")
    assert (card["version"], card["deployed"], card["verdict"]) == (1, True, "DEPLOY")


def test_a_training_that_failed_is_one_error(
    rescue, ended, run_cli, one_error, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = ended("retrain", state="failed", result="there are no examples")
    monkeypatch.setattr(finetune, "run_by_hand", lambda *_what, **_options: outcome)
    code, out, err = run_cli(main, "env", "lora", "finetune", rescue)
    assert (code, out) == (1, "")
    assert one_error(err) == "there are no examples"
    assert "still serves" in err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--lr", "nan"), "is not a number"),
        (("--lr", "0"), "is not more than 0"),
        (("--seed", "9" * 20), "is not a whole number from 0 to 4,294,967,295"),
        (("--epochs", "10001"), "is not a whole number from 1 to 10,000"),
        (("--rank", "129"), "is not a whole number from 1 to 128"),
    ],
)
def test_a_number_that_cannot_be_is_a_usage_error(
    rescue, run_cli, one_error, words, expected
) -> None:
    code, _, err = run_cli(main, "env", "lora", "finetune", rescue, *words)
    assert code == 2
    assert expected in one_error(err)


@pytest.mark.parametrize(("name", "expected"), [(".", "is a folder"), ("no", "no such file")])
def test_a_file_that_cannot_be_is_one_error(home, rescue, run_cli, one_error, name, expected):
    words = ("--finetune", rescue / name)
    code, _, err = run_cli(main, "env", "lora", "finetune", rescue, *words)
    assert code == 2
    assert expected in one_error(err)
    assert home.events("JobQueued") == []


def test_an_unknown_project_is_code_four(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "env", "lora", "finetune", "nobody")
    assert code == 4
    assert one_error(err) == "no project 'nobody'"
