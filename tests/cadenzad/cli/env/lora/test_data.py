"""`cadenza env lora data`: what an adapter would be made of."""

from __future__ import annotations

import json
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from cadenzad.cli.programs import cadenza as main
from handlers.lora import serving
from handlers.lora.exam.questions import question_of
from handlers.lora.model.rows import Row
from handlers.project.formats.examples import Step
from store.events.adapter import AdapterScored, LookFact
from store.events.envelope import NewEvent, project_stream
from store.opening import open_writer


@pytest.fixture
def project(home) -> Path:
    """Two examples, one line that is none, and an exam of one goal."""
    made: Path = home.project()
    patterns = [
        {"goal": "sit down", "actions": [{"action": "sit"}]},
        {"goal": "walk ahead", "actions": [{"action": "walk_forward", "distance_m": 1.0}]},
    ]
    lines = "".join(json.dumps(row) + "\n" for row in patterns)
    (made / "lora" / "patterns.jsonl").write_text(lines + "{}\n")
    exam = {"goal": "take a seat", "actions": [{"action": "sit"}]}
    (made / "lora" / "eval.jsonl").write_text(json.dumps(exam) + "\n")
    return made


def test_rows_are_counted_and_what_is_wrong_is_named(project, run_cli) -> None:
    code, out, err = run_cli(main, "env", "lora", "data", project)
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split() == ["ORIGIN", "ROWS"]
    assert "exam (held out)     1" in out
    assert "\n  sealed " in out
    assert "no example has: " in out
    assert "lora/patterns.jsonl:3: " in out


def test_an_encoder_of_the_projects_own_is_shown_and_whether_it_may_run(
    project, home, run_cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "encoder" not in run_cli(main, "env", "lora", "data", project)[1]
    (project / "lora_encoder.py").write_text("")
    out = run_cli(main, "env", "lora", "data", project)[1]
    assert "lora_encoder.py: is not trusted, so it is not run (cadenzactl trust " in out
    monkeypatch.setattr(serving, "trusted", lambda *_asked: sha256(b"").hexdigest())
    home.begin_log()  # without one nobody can have trusted anything
    out = run_cli(main, "env", "lora", "data", project, "--json")[1]
    assert json.loads(out)["encoder"] == "lora_encoder.py"


def test_json_has_every_row(project, run_cli) -> None:
    code, out, _ = run_cli(main, "env", "lora", "data", project, "--json")
    answer = json.loads(out)
    assert (code, answer["rows"], answer["exam_rows"]) == (0, 2, 1)
    assert [row["goal"] for row in answer["train"]] == ["sit down", "walk ahead"]
    assert [problem["where"] for problem in answer["problems"]] == ["lora/patterns.jsonl:3"]
    assert "turn_left" in answer["actions_without_examples"]


def test_rows_of_the_exam_that_do_not_count_are_named(project, run_cli) -> None:
    asked = [("please sit down now", "sit"), ("have a seat, boy", "sit"), ("take a rest", "sit")]
    lines = [json.dumps({"goal": g, "actions": [{"action": a}]}) + "\n" for g, a in asked]
    (project / "lora" / "eval.jsonl").write_text("".join(lines))
    out = run_cli(main, "env", "lora", "data", project)[1]
    assert "lora/eval.jsonl:1: does not count: says the same as lora/patterns.jsonl:1" in out
    assert "taught, and asked for by no exam row: walk_forward (1 taught)" in out
    exam = json.loads(run_cli(main, "env", "lora", "data", project, "--json")[1])["exam"]
    assert exam["practice"] + exam["sealed"] == 2
    assert exam["unexamined"][-1] == "walk_forward (1 taught)"


def test_rows_that_stood_in_the_exam_before_and_were_taken_out_count_as_wrong(
    project, home, run_cli
) -> None:
    # given an exam of many questions that an adapter was scored with, whatever came of it
    goals = [f"{verb} {how}" for verb in ("sit", "rest", "settle", "stay") for how in ("so", "low")]
    rows = [Row(goal, (Step("sit", {}),), "pattern", "") for goal in goals]
    sealed = [item for item in map(question_of, rows) if item.sealed]
    fact = LookFact(
        adapter="a", paper="p", rows=tuple(item.digest for item in sealed), number=1, level=0.01,
        sealed=len(sealed), needed=None, passed=False, practice=2, practice_right=2,
        questions=tuple(item.cluster for item in sealed),
    )  # fmt: skip
    home.begin_log()
    with closing(open_writer(home.state)) as writer:
        scored = AdapterScored(
            version=1, verdict="NEEDS_DATA", held_out=True, checks=(), reasons=(), next_steps=(),
            scorecard="s", scorecard_sha256="0", look=fact,
        )  # fmt: skip
        writer.append(NewEvent(project_stream(str(project)), scored))
    # when two are taken out by hand, then that is told before anything is scored again
    kept = [row for row in rows if row.goal not in {item.row.goal for item in sealed[:2]}]
    lines = [json.dumps({"goal": row.goal, "actions": [{"action": "sit"}]}) for row in kept]
    (project / "lora" / "eval.jsonl").write_text("\n".join(lines) + "\n")
    assert (
        "2 sealed rows of the exam that adapters were scored with before"
        in run_cli(main, "env", "lora", "data", project)[1]
    )
    exam = json.loads(run_cli(main, "env", "lora", "data", project, "--json")[1])["exam"]
    assert (exam["sealed"], exam["wrong"]) == (len(sealed) - 2, 2)


def test_rows_that_contradict_each_other_are_named(project, run_cli) -> None:
    with (project / "lora" / "patterns.jsonl").open("a") as stream:
        stream.write(json.dumps({"goal": "sit down", "actions": [{"action": "stand"}]}) + "\n")
    out = run_cli(main, "env", "lora", "data", project)[1]
    assert "lora/patterns.jsonl:1: lora/patterns.jsonl:4 gives 'sit down' other steps" in out
    answer = json.loads(run_cli(main, "env", "lora", "data", project, "--json")[1])
    assert answer["conflicts"] == [
        {"goal": "sit down", "kept": "lora/patterns.jsonl:4", "dropped": "lora/patterns.jsonl:1"}
    ]


def test_without_an_exam_it_says_what_that_means(project, run_cli) -> None:
    (project / "lora" / "eval.jsonl").unlink()
    assert "there is no exam" in run_cli(main, "env", "lora", "data", project)[1]


def test_a_file_that_is_no_log_is_one_error(project, run_cli, one_error) -> None:
    words = ("--finetune", project / "env.json")
    code, out, err = run_cli(main, "env", "lora", "data", project, *words)
    assert (code, out) == (1, "")
    assert "neither a run log nor" in one_error(err)


def test_an_unknown_project_is_code_four(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "env", "lora", "data", "nobody")
    assert code == 4
    assert one_error(err) == "no project 'nobody'"


def test_an_empty_argument_is_a_usage_error(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "env", "lora", "data", "")
    assert code == 2
    assert "project" in one_error(err)
