"""`cadenza env train`: what was found, what came of it, and an exit code that says how it went."""

from __future__ import annotations

import json

import pytest

from cadenzad.cli.env import train
from cadenzad.cli.programs import cadenza as main
from store.events.prompt import FindingFact, PromptKept, PromptRewritten, RunsJudged

JUDGED = RunsJudged(
    runs=2,
    ticks=10,
    findings=(
        FindingFact(
            id="stuck@approach",
            kind="stuck",
            phase="approach",
            count=2,
            ticks=6,
            runs=2,
            first_seen="one",
            last_seen="two",
            citations=("one:1-3", "two:1-3"),
        ),
    ),
    remarks=("a heap",),
    evidence_sha256="e",
)
REWRITTEN = PromptRewritten(
    version=1,
    parent=None,
    file="main.py",
    before_sha256="b",
    after_sha256="a",
    rules=(),
    diff="-old\n+new",
    by="somebody",
)


@pytest.fixture
def judge(ended, monkeypatch: pytest.MonkeyPatch):
    """Have the judging end like this; returns what was asked for."""

    def judge(*events, **job: str) -> list[tuple[object, ...]]:
        outcome = ended("judge", *events, **job)
        wanted: list[tuple[object, ...]] = []

        def run_by_hand(_arguments: object, *what: object, **options: object):
            wanted.append(what)
            assert options["with_files"]
            return outcome

        monkeypatch.setattr(train, "run_by_hand", run_by_hand)
        return wanted

    return judge


def test_a_dry_run_shows_what_is_found_and_writes_nothing(home, rescue, run_cli) -> None:
    before = (rescue / "main.py").read_bytes(), len(home.events())
    code, out, err = run_cli(main, "env", "train", rescue, "--dry-run")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "1 run, 3 ticks, 0 failure modes"
    code, out, _ = run_cli(main, "env", "train", "rescue", "--dry-run", "--json")
    assert (code, json.loads(out)["left_out"]) == (0, 0)
    assert json.loads(out)["prompt"]["label"] == "main.py:SYSTEM_PROMPT"
    assert ((rescue / "main.py").read_bytes(), len(home.events())) == before


def test_a_dry_run_tells_where_the_prompt_is_and_why_it_is_not_edited(rescue, run_cli) -> None:
    (rescue / "prompt.txt").write_text("Be good.\n")
    code, out, _ = run_cli(main, "env", "train", rescue, "--dry-run")
    assert "prompt: main.py:SYSTEM_PROMPT, edited in main.py:23" in out
    (rescue / "main.py").write_text('SYSTEM_PROMPT = open("prompt.txt").read()\n')
    code, out, _ = run_cli(main, "env", "train", rescue, "--dry-run")
    assert "prompt: main.py:SYSTEM_PROMPT, edited in prompt.txt:2" in out
    (rescue / "main.py").write_text("SYSTEM_PROMPT = load()\n")
    code, out, _ = run_cli(main, "env", "train", rescue, "--dry-run")
    assert code == 0
    assert "main.py:1: SYSTEM_PROMPT is the result of a call" in out
    assert "[judge] prompt = " in out
    (rescue / "cadenzad.toml").write_text("[judge]\nprompt = 'prompt.txt'\n")
    code, out, _ = run_cli(main, "env", "train", rescue, "--dry-run")
    assert "prompt: prompt.txt, edited in prompt.txt:" in out


def test_the_block_is_shown_where_it_cannot_be_written(rescue, judge, run_cli, one_error) -> None:
    block = "[cadenzad rules 0]\n- when stuck: sit\n[end of cadenzad rules]"
    judge(JUDGED, PromptKept(code="refused_source", reason="main.py:1: no", paste=block))
    code, out, err = run_cli(main, "env", "train", rescue)
    assert code == 1
    assert f"the block, to be pasted:\n{block}\n" in out
    assert one_error(err).startswith("the prompt is as it was")


def test_off_is_a_report_too_and_says_so(rescue, run_cli) -> None:
    (rescue / "cadenzad.toml").write_text("[judge]\nmode = 'off'\n")
    code, out, err = run_cli(main, "env", "train", rescue)
    assert (code, err) == (0, "")
    assert "nothing was sent or written" in out


def test_a_rewrite_is_shown_with_what_it_rests_on(rescue, judge, run_cli) -> None:
    wanted = judge(JUDGED, REWRITTEN, result="version 1 is written")
    code, out, err = run_cli(main, "env", "train", rescue, "--max-runs", 5)
    assert (code, err) == (0, "")
    assert wanted == [("judge", rescue, {"settings": {"max_runs": 5}}, "cadenza env train")]
    assert out.splitlines()[0] == "2 runs, 10 ticks, 1 failure mode"
    assert "stuck@approach" in out
    assert "the model remarks: a heap" in out
    assert out.splitlines()[-3:] == ["-old", "+new", "version 1 is written"]


def test_json_holds_the_events_and_a_summary(rescue, judge, run_cli) -> None:
    judge(JUDGED, REWRITTEN, result="version 1 is written")
    code, out, _ = run_cli(main, "env", "train", rescue, "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["PromptRewritten"] == REWRITTEN.as_shape()
    assert answer["summary"] == {"text": "version 1 is written", "ok": True}


@pytest.mark.parametrize(("reason", "expected"), [("no_findings", 0), ("gate", 1)])
def test_a_prompt_that_stays_is_fine_for_some_reasons(
    rescue, judge, run_cli, reason, expected
) -> None:
    judge(JUDGED, PromptKept(code=reason, reason="as it is"), result="kept")
    assert run_cli(main, "env", "train", rescue)[0] == expected


def test_a_judging_that_failed_says_what_comes_next(rescue, judge, run_cli, one_error) -> None:
    judge(state="queued", result="no answer")
    code, _, err = run_cli(main, "env", "train", rescue)
    assert code == 1
    assert one_error(err) == "not judged: no answer"
    assert "no daemon runs: the next one does" in err


def test_an_unknown_project_is_code_four(rescue, run_cli, one_error) -> None:
    code, out, err = run_cli(main, "env", "train", "nobody")
    assert (code, out) == (4, "")
    assert one_error(err) == "no project 'nobody'"


@pytest.mark.parametrize("arguments", [["--max-runs", "0"], ["--model", ""], ["--config", ""]])
def test_nonsense_is_a_usage_error(rescue, run_cli, one_error, arguments) -> None:
    code, _, err = run_cli(main, "env", "train", rescue, *arguments)
    assert code == 2
    assert arguments[0] in one_error(err)
