"""`cadenza env lora eval`: an adapter scored again, and deployed when that was asked for."""

from __future__ import annotations

import importlib
import json

import pytest

from cadenzad.cli.programs import cadenza as main

evaluation = importlib.import_module("cadenzad.cli.env.lora.eval")


def test_the_scorecard_of_the_newest_is_shown(rescue, scored, run_cli) -> None:
    wanted = scored(evaluation, "DEPLOY", promoted=True)
    code, out, _ = run_cli(main, "env", "lora", "eval", rescue, "--promote")
    assert code == 0
    assert "fidelity" in out
    assert "verdict: DEPLOY (deployed)" in out
    spec = {"gate": True, "version": None}
    assert wanted == [("score", rescue, spec, "cadenza env lora eval", {"with_files": True})]


def test_json_is_the_scorecard_and_the_code_its_verdict(rescue, scored, run_cli) -> None:
    scored(evaluation, "BLOCK")
    code, out, _ = run_cli(main, "env", "lora", "eval", "rescue", "--json")
    card = json.loads(out)
    assert (code, card["verdict"], card["deployed"]) == (5, "BLOCK", False)


def test_a_version_that_is_not_there_is_one_error(home, rescue, run_cli, one_error) -> None:
    (rescue / ".cadenza-env" / "adapters" / "0001").mkdir(parents=True)
    code, _, err = run_cli(main, "env", "lora", "eval", rescue, "--version", 2)
    assert code == 1
    assert "there is no adapter version 2" in one_error(err)
    assert "there are: 1" in err
    assert home.events("JobQueued") == []


@pytest.mark.parametrize("version", ["0", "new", ""])
def test_a_version_that_is_none_is_a_usage_error(rescue, run_cli, one_error, version) -> None:
    code, _, err = run_cli(main, "env", "lora", "eval", rescue, f"--version={version}")
    assert code == 2
    assert "--version" in one_error(err)


def test_an_unknown_project_is_code_four(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "env", "lora", "eval", "nobody")
    assert code == 4
    assert one_error(err) == "no project 'nobody'"
