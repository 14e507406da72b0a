"""`cadenzactl prompt`: the versions of a prompt, shown and decided upon."""

from __future__ import annotations

import hashlib
import json

import pytest

from cadenzad.cli.ctl.decide import prompt
from cadenzad.cli.programs import cadenzactl as main
from store.events.prompt import PromptProposed, PromptRejected, RuleFact


@pytest.fixture
def proposed(rescue, append) -> PromptProposed:
    """Version 1, which waits for approval."""
    sha256 = hashlib.sha256((rescue / "main.py").read_bytes()).hexdigest()
    event = PromptProposed(
        version=1,
        parent=None,
        file="main.py",
        before_sha256=sha256,
        after_sha256="a" * 64,
        rules=(RuleFact(line="- when stuck: walk_backward", mode_id="stuck@approach"),),
        diff="-old\n+new",
        reason="judge.mode is propose",
    )
    append(rescue, event)
    return event


def test_a_prompt_as_its_author_wrote_it(rescue, run_cli) -> None:
    code, out, err = run_cli(main, "prompt", "rescue")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "version: as its author wrote it"
    assert "place:   main.py:SYSTEM_PROMPT, edited in main.py:23" in out
    code, out, _ = run_cli(main, "prompt", "rescue", "--json")
    assert (code, json.loads(out)["version"]) == (0, None)


def test_what_waits_is_shown(rescue, proposed, run_cli) -> None:
    assert "pending: version 1 waits for approve or reject" in run_cli(main, "prompt", rescue)[1]
    code, out, _ = run_cli(main, "prompt", "rescue", "log")
    headings, line = out.splitlines()
    assert (code, headings.split()[:4]) == (0, ["VERSION", "PARENT", "STATE", "RULES"])
    assert line.split()[:6] == ["1", "-", "proposed", "1", "unverified", "main.py"]
    (row,) = json.loads(run_cli(main, "prompt", "rescue", "log", "--json")[1])["versions"]
    assert (row["version"], row["state"]) == (1, "proposed")


def test_what_a_version_changes_is_shown(rescue, proposed, run_cli) -> None:
    assert run_cli(main, "prompt", "rescue", "diff")[:2] == (0, "-old\n+new\n")
    code, out, _ = run_cli(main, "prompt", "rescue", "diff", "--version", 1, "--json")
    assert (code, json.loads(out)) == (0, {"version": 1, "diff": "-old\n+new"})


def test_a_version_that_is_not_there_is_one_error(rescue, proposed, run_cli, one_error) -> None:
    code, out, err = run_cli(main, "prompt", "rescue", "diff", "--version", 7)
    assert (code, out) == (1, "")
    assert one_error(err) == "the prompt has no such version"


def test_a_decision_is_a_job_and_tells_what_came_of_it(
    rescue, proposed, ended, run_cli, monkeypatch
) -> None:
    # given a job that rejects
    rejected = PromptRejected(version=1, by="somebody")
    outcome = ended("prompt", rejected, result="version 1 is rejected")
    wanted = []

    def run_by_hand(_arguments: object, *what: object):
        wanted.append(what)
        return outcome

    monkeypatch.setattr(prompt, "run_by_hand", run_by_hand)

    # when / then
    assert run_cli(main, "prompt", "rescue", "reject") == (0, "version 1 is rejected\n", "")
    spec = {"action": "reject", "version": None}
    assert wanted == [("prompt", rescue, spec, "cadenzactl prompt reject")]
    code, out, err = run_cli(main, "prompt", "rescue", "reject", "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer == {"PromptRejected": {"version": 1, "by": "somebody"}}


@pytest.mark.parametrize(
    ("state", "result"), [("failed", "no disk"), ("succeeded", "the file changed meanwhile")]
)
def test_a_decision_without_its_event_is_a_failure(
    rescue, proposed, ended, run_cli, one_error, monkeypatch, state, result
) -> None:
    outcome = ended("prompt", state=state, result=result)
    monkeypatch.setattr(prompt, "run_by_hand", lambda *_arguments: outcome)
    code, out, err = run_cli(main, "prompt", "rescue", "approve", "--json")
    assert code == 1
    assert one_error(err) == json.loads(out)["error"]["message"] == result


def test_where_nothing_waits_there_is_no_job(home, rescue, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "prompt", "rescue", "approve")
    assert code == 1
    assert "prompt version" in one_error(err)
    assert home.events("JobQueued") == []


def test_an_unknown_project_is_code_four(rescue, run_cli, one_error) -> None:
    code, out, err = run_cli(main, "prompt", "nobody")
    assert (code, out) == (4, "")
    assert one_error(err) == "no project 'nobody'"


@pytest.mark.parametrize("arguments", [["rescue", "burn"], ["rescue", "--version", "new"], []])
def test_nonsense_is_a_usage_error(home, run_cli, one_error, arguments) -> None:
    code, _, err = run_cli(main, "prompt", *arguments)
    assert code == 2
    assert one_error(err)
