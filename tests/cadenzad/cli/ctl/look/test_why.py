"""`cadenzactl why`: from what a project has back to what caused it."""

from __future__ import annotations

import json

from cadenzad.cli.programs import cadenzactl as main
from store.events.adapter import AdapterScored
from store.events.prompt import PromptKept, RunsJudged


def scored(version: int) -> AdapterScored:
    return AdapterScored(
        version=version,
        verdict="NEEDS_DATA",
        held_out=True,
        checks=(),
        reasons=("the exam is too small",),
        next_steps=("add exam goals",),
        scorecard="x.json",
        scorecard_sha256="s",
    )


def test_before_anything_was_judged_or_trained_it_says_so(rescue, run_cli) -> None:
    code, out, err = run_cli(main, "why", "rescue")
    assert (code, err) == (0, "")
    assert out == (
        "prompt: as its author wrote it; no runs were judged yet\nadapter: none was trained yet\n"
    )
    code, out, _ = run_cli(main, "why", "rescue", "--json")
    assert json.loads(out) == {"project": "rescue", "prompt": None, "adapter": None}


def test_a_prompt_that_was_kept_comes_with_its_reason_and_its_chain(
    rescue, append, run_cli
) -> None:
    judged = RunsJudged(runs=1, ticks=3, findings=(), remarks=("a\nb",), evidence_sha256="e")
    append(rescue, judged, PromptKept(code="no_findings", reason="nothing fails"))
    code, out, _ = run_cli(main, "why", rescue)
    assert code == 0
    assert "as its author wrote it; no_findings: nothing fails" in out
    assert "RunsJudged" in out
    assert "the model remarked: a\\nb" in out


def test_an_adapters_verdict_comes_with_its_reasons(home, rescue, append, run_cli) -> None:
    home.record_adapters(rescue, 1)
    append(rescue, scored(1))
    code, out, _ = run_cli(main, "why", "rescue")
    assert code == 0
    assert "adapter: deployed none; version 1 got NEEDS_DATA" in out
    assert "  the exam is too small" in out
    adapter = json.loads(run_cli(main, "why", "rescue", "--json")[1])["adapter"]
    assert (adapter["version"], adapter["next_steps"]) == (1, ["add exam goals"])
    assert adapter["chain"][0]["type"] == "AdapterScored"


def test_an_unknown_project_is_code_four(rescue, run_cli, one_error) -> None:
    code, out, err = run_cli(main, "why", "nobody")
    assert (code, out) == (4, "")
    assert one_error(err) == "no project 'nobody'"


def test_without_a_project_it_is_a_usage_error(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "why")
    assert code == 2
    assert "project" in one_error(err)
