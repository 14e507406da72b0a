"""The judge, from a dropped log to a rewritten prompt and back: the real daemon, SDK and files."""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from judging import INJECTED, KEY, NOTHING, QUICK, ask_stub, drop, kill_judging, remedy, stuck_log

pytest.importorskip("groq")
pytest.importorskip("mujoco")


@pytest.fixture
def groq(house, stubs) -> Iterator[Callable[..., Any]]:
    """Start a scripted Groq and have the house's commands use it."""
    with ExitStack() as stack:

        def start(*script: object) -> Any:
            stub = stack.enter_context(stubs.GroqStub(script))
            ask_stub(house, stub)
            house.configure(improve=QUICK)
            return stub

        yield start


def everything(house) -> bytes:
    """Every byte the house wrote, the event log and its journal included."""
    return b"".join(path.read_bytes() for path in house.root.rglob("*") if path.is_file())


def prompt_of(house) -> dict[str, Any]:
    return house.project_status()["prompt"]


# -- reactive --------------------------------------------------------------------------------------


def test_a_dropped_log_leads_to_a_rewritten_prompt(house, logs, groq, stubs) -> None:
    # given
    stub = groq(stubs.completion(remedy("r1")))
    house.configure(improve=QUICK)
    project = house.project()
    before = (project / "main.py").read_bytes()
    house.start()

    # when
    drop(project, "r1", stuck_log(logs))
    house.until(lambda: prompt_of(house)["version"] == 1, "the prompt is rewritten")

    # then the file has the rule above its author's, but for those about falling and nearness
    after = (project / "main.py").read_text()
    line = "- when in enter_debris and stuck for 2 ticks: walk_backward distance_m=0.4"
    assert line in after
    assert after.index("- when near victim") < after.index(line) < after.index("- when stuck")
    begin, end = after.index("[cadenzad rules"), after.index("[end of cadenzad rules]\n")
    assert (after[:begin] + after[end + len("[end of cadenzad rules]\n") :]).encode() == before

    # and the history and the status tell it
    (written,) = house.events("PromptRewritten")
    assert written["data"]["rules"][0]["citations"] == ["r1:1-5"]
    assert [gate["name"][:2] for gate in written["data"]["gates"]] == ["G0", "G1", "G2", "G3"]
    assert written["data"]["improved"] is False
    assert written["data"]["usage"]["total"] == 1000
    status = prompt_of(house)
    assert status["state"] == "rewritten"
    assert status["watching"] is True
    assert status["tokens_today"] == 1000
    assert {finding["id"] for finding in status["findings"]} >= {"stuck@enter_debris"}
    why = house.run("cadenzactl", "why", "rescue").stdout
    assert line in why
    assert "stuck@enter_debris, seen in r1:1-5" in why
    assert "RunRecorded r1" in why

    # and neither the log's words nor the key went where they must not
    (request,) = stub.requests
    assert INJECTED not in json.dumps(request["body"])
    assert request["headers"]["Authorization"] == f"Bearer {KEY}"
    assert KEY.encode() not in everything(house)
    assert INJECTED.encode() not in (project / "main.py").read_bytes()


def test_many_logs_make_one_call(house, logs, groq, stubs) -> None:
    stub = groq(stubs.completion(NOTHING))
    house.configure(improve=QUICK.replace("0.2", "2").replace("max_wait = 5", "max_wait = 90"))
    project = house.project()
    house.start()
    for number in range(1000):
        drop(project, f"r{number:04}", stuck_log(logs, 3) + b" " * number + b"\n")
    house.until(lambda: prompt_of(house)["last_judged"], "the runs are judged", timeout=60)
    house.until(
        lambda: (
            not [job for job in house.project_status()["jobs"] if job["state"] == "queued"]
            and house.status()["daemon"]["lag"] == 0
        ),
        "all is done",
        timeout=60,
    )
    (judged,) = house.events("RunsJudged")
    assert judged["data"]["runs"] == 200
    assert len(house.events("RunRecorded")) == 1000
    assert len(stub.requests) == 1


def test_without_a_key_runs_are_mined_and_it_says_what_is_missing(house, logs) -> None:
    house.configure(improve=QUICK)
    project = house.project()
    before = (project / "main.py").read_bytes()
    house.start()
    drop(project, "r1", stuck_log(logs))
    house.until(lambda: prompt_of(house)["state"] == "no_key", "the runs are mined")
    assert prompt_of(house)["findings"]
    assert (project / "main.py").read_bytes() == before
    assert house.log().count("no Groq key") == 1


def test_without_a_key_codes_own_remedy_is_proposed_and_says_whose_it_is(house, logs) -> None:
    # given no key, and a brain that nothing can be tried with
    house.configure(improve=QUICK.replace("without_key = 'off'\n", ""))
    project = house.project()
    before = (project / "main.py").read_bytes()
    house.start()
    drop(project, "r1", stuck_log(logs))
    house.until(lambda: prompt_of(house)["pending"] == 1, "a remedy is proposed")

    # then it waits, and events and commands say that no model thought of it
    assert (project / "main.py").read_bytes() == before
    (proposed,) = house.events("PromptProposed")
    assert "found by enumeration, without a key" in proposed["data"]["reason"]
    assert {rule["by"] for rule in proposed["data"]["rules"]} == {"code"}
    assert (proposed["data"]["model"], proposed["data"]["usage"]) == (None, None)
    (weighed,) = house.events("CandidatesWeighed")
    assert {item["by"] for item in weighed["data"]["candidates"]} == {"code"}
    assert [item["fate"] for item in weighed["data"]["candidates"]].count("chosen") == 1
    for words in (("why", "rescue"), ("prompt", "rescue")):
        assert "by enumeration" in house.run("cadenzactl", *words).stdout

    # and a further run like it brings no second proposal
    drop(project, "r2", stuck_log(logs, 6))
    house.until(lambda: len(house.events("RunsJudged")) == 2, "it is looked at again")
    assert len(house.events("PromptProposed")) == 1

    # when it is approved it is in the file
    house.run("cadenzactl", "prompt", "rescue", "approve")
    assert prompt_of(house)["by"] == ["code"]
    assert "found by enumeration" in house.run("cadenzactl", "status").stdout


def test_what_is_missing_is_said_once_in_a_daemons_life(house, logs) -> None:
    house.configure(improve=QUICK)
    project = house.project()
    house.start()
    for number in range(1, 4):
        drop(project, f"r{number}", stuck_log(logs, 4 + number))
        house.until(lambda n=number: len(house.events("PromptKept")) == n, "the runs are mined")
    assert house.log().count("no Groq key") == 1
    assert len(house.events("RunsJudged")) == 3


def test_off_means_off_for_the_daemon_and_by_hand(house, logs, groq, stubs) -> None:
    stub = groq(stubs.completion(remedy("r1")))
    house.configure(improve=QUICK.replace("[judge]", "[judge]\nmode = 'off'"))
    project = house.project()
    before = (project / "main.py").read_bytes()
    drop(project, "r1", stuck_log(logs))
    house.once()
    assert prompt_of(house)["state"] == "not judged"

    done = house.run("cadenza", "env", "train", project)
    assert "stuck@enter_debris" in done.stdout
    assert done.stdout.splitlines()[-1].startswith('judge.mode is "off"')
    as_json = house.run("cadenza", "env", "train", project, "--json")
    assert json.loads(as_json.stdout)["findings"]
    assert stub.requests == []
    assert (project / "main.py").read_bytes() == before
    assert house.events("RunsJudged") == []


def test_a_price_that_cannot_be_is_no_answer_and_the_daemon_goes_on(
    house, logs, groq, stubs
) -> None:
    # given an answer that says it cost more than a number can be
    odd = {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 2**70}
    groq(stubs.completion(remedy("r1"), usage=odd), stubs.completion(NOTHING))
    project = house.project()
    before = (project / "main.py").read_bytes()
    house.start()
    drop(project, "r1", stuck_log(logs))
    house.until(lambda: prompt_of(house)["state"] == "no_usage", "the answer is refused")
    assert (project / "main.py").read_bytes() == before
    assert 3000 < prompt_of(house)["tokens_today"] < 8000

    # then the next runs are judged
    drop(project, "r2", stuck_log(logs, 9))
    house.until(lambda: prompt_of(house)["state"] == "no_verified_findings", "it goes on")


def test_no_files_name_leaves_the_machine(house, logs, groq, stubs) -> None:
    # given logs whose names, phases and tags are words to a model
    stub = groq(stubs.completion(remedy("r1")))
    project = house.project()
    odd = stuck_log(logs) + logs.tick(6, phase=INJECTED, motion={"label": "stuck"})
    drop(project, INJECTED, odd)
    done = house.run("cadenza", "env", "train", project)

    # then none of them was sent, and people read the real name
    (request,) = stub.requests
    assert INJECTED not in json.dumps(request)
    (written,) = house.events("PromptRewritten")
    assert written["data"]["rules"][0]["citations"] == [f"{INJECTED}:1-5"]
    assert INJECTED in done.stdout


def test_what_was_mined_is_told_when_groq_is_not_there(house, logs, groq, stubs) -> None:
    # given a server that drips, and a daemon that would try again
    slow = stubs.completion(remedy("r1")) | {"drip": 0.05}
    stub = groq(slow)
    house.configure(improve=QUICK.replace("[judge]", "[judge]\ndeadline = 2.0"))
    project = house.project()
    drop(project, "r1", stuck_log(logs))
    house.once()

    # then the findings and the cost are there
    status = prompt_of(house)
    assert (status["state"], status["version"]) == ("timeout", None)
    assert {finding["id"] for finding in status["findings"]} >= {"stuck@enter_debris"}
    assert status["tokens_today"] > 3000
    assert "did not answer" in house.run("cadenzactl", "why", "rescue").stdout
    (failed,) = house.events("JobFailed")
    wait_s = failed["data"]["retry_at_us"] / 1e6 - time.time()
    assert 240 < wait_s <= 300

    # and the next run neither asks again before its time, nor says all of it twice
    drop(project, "r2", stuck_log(logs, 7))
    house.once()
    assert len(stub.requests) == 1


def test_two_judgings_at_once_keep_within_the_day(house, logs, groq, stubs) -> None:
    # given tokens for one call and a bit, and two projects that are judged at the same time
    cheap = {"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100}
    stub = groq(stubs.completion(NOTHING, usage=cheap) | {"drip": 0.01})
    tables = QUICK.replace("[judge]", "[jobs]\nworkers = 2\n[judge]\ndaily_tokens = 7500")
    house.configure(improve=tables)
    for name in ("rescue", "other"):
        drop(house.project(name), "r1", stuck_log(logs))
    house.once()
    states = {house.project_status(name)["prompt"]["state"] for name in ("rescue", "other")}
    assert states == {"no_verified_findings", "over_budget"}
    assert len(stub.requests) == 1


def test_a_failure_is_told_once_for_the_same_runs(house, logs, groq, stubs) -> None:
    groq({"status": 503, "body": {}})
    house.configure(improve=QUICK.replace("[judge]", "[judge]\ndeadline = 1.0"))
    project = house.project()
    drop(project, "r1", stuck_log(logs))
    house.once()
    (job,) = (event["data"]["job"] for event in house.events("JobFailed"))
    for _ in range(2):
        house.run("cadenzactl", "jobs", "cancel", job)
        house.run("cadenzactl", "jobs", "retry", job)
        house.once()
    assert len(house.events("JobFailed")) == 3
    assert len(house.events("RunsJudged")) == len(house.events("PromptKept")) == 1


def test_worse_runs_take_the_rewrite_back(house, logs, groq, stubs) -> None:
    # given a rewrite after runs that went well but for one
    groq(stubs.completion(remedy("r1")))
    house.configure(improve=QUICK)
    project = house.project()
    before = (project / "main.py").read_bytes()
    for number in range(8):
        drop(project, f"a{number}", logs.run(3 + number))
    drop(project, "r1", stuck_log(logs))
    house.once()
    assert prompt_of(house)["watching"] is True

    # when the runs that follow all fail
    for number in range(4):
        drop(project, f"b{number}", stuck_log(logs, 6 + number))
    house.once()

    # then the exact bytes are back, and the event says on what evidence
    assert (project / "main.py").read_bytes() == before
    (back,) = house.events("PromptRolledBack")
    assert back["data"]["by"] == "cadenzad"
    assert "bets on whether each run is poor" in back["data"]["test"]
    assert back["data"]["evidence"]["after"] == {
        "runs": 4,
        "succeeded": 0,
        "phases_done_mean": 0.0,
    }
    assert prompt_of(house)["state"] == "rolled_back"
    assert house.run("cadenzactl", "verify", check=False).returncode == 0


# -- by hand ---------------------------------------------------------------------------------------


def test_train_by_hand_without_a_daemon_and_the_way_back(house, logs, groq, stubs) -> None:
    stub = groq(stubs.completion(remedy("r1")))
    house.configure(improve=QUICK.replace("[judge]", "[judge]\nmode = 'off'"))
    project = house.project()
    before = (project / "main.py").read_bytes()
    drop(project, "r1", stuck_log(logs))
    house.once()

    house.configure(improve=QUICK)
    done = house.run("cadenza", "env", "train", project)
    assert "+- when in enter_debris and stuck for 2 ticks: walk_backward" in done.stdout
    assert "G3 simulation" in done.stdout
    assert "version 1: 1 rules" in done.stdout

    shown = house.run("cadenzactl", "prompt", "rescue").stdout
    assert "stuck@enter_debris" in shown
    assert "current" in house.run("cadenzactl", "prompt", "rescue", "log").stdout
    assert "+- when in enter_debris" in house.run("cadenzactl", "prompt", "rescue", "diff").stdout
    assert "taken back as 2" in house.run("cadenzactl", "prompt", "rescue", "rollback").stdout
    assert (project / "main.py").read_bytes() == before

    # a rule that was taken back is not written again
    again = house.run("cadenza", "env", "train", project, "--json")
    answer = json.loads(again.stdout)
    assert answer["PromptKept"]["code"] in ("no_verified_findings", "same_question")
    assert (project / "main.py").read_bytes() == before
    assert stub.requests


def test_who_asks_too_soon_is_told_when(house, logs, groq, stubs) -> None:
    stub = groq({"status": 429, "headers": {"retry-after": "900"}, "body": {}})
    project = house.project()
    drop(project, "r1", stuck_log(logs))
    first = house.run("cadenza", "env", "train", project, check=False)
    assert first.returncode == 1
    assert "stuck@enter_debris" in first.stdout
    assert "it may be tried again at 20" in first.stderr
    assert "no daemon runs" in first.stderr
    assert "the daemon tries again" not in first.stderr

    again = house.run("cadenza", "env", "train", project, "--json", check=False)
    answer = json.loads(again.stdout)
    assert again.returncode == 1
    assert answer["error"]["message"].startswith("not judged: Groq answered 429")
    assert "it may be tried again at 20" in answer["error"]["message"]
    assert answer["RunsJudged"]["findings"]
    assert answer["PromptKept"]["code"] == "rate_limited"
    assert len(stub.requests) == 1


def test_a_secret_in_the_servers_address_is_not_shown(house, logs, groq, stubs) -> None:
    groq(stubs.completion(NOTHING))
    house.environ["GROQ_BASE_URL"] = "http://u:gsk_secret99@groq.example"
    project = house.project()
    drop(project, "r1", stuck_log(logs))
    done = house.run("cadenza", "env", "train", project, check=False)
    assert done.returncode == 1
    assert "http://groq.example is not https" in done.stderr
    assert "secret99" not in done.stderr + done.stdout
    assert b"secret99" not in everything(house)


def test_nothing_is_asked_where_there_is_nothing_to_choose(house, groq, stubs) -> None:
    stub = groq(stubs.completion(NOTHING))
    project = house.project()
    lines = [{"ts": 1.0, "event": "session_start"}, {"ts": 2.0, "event": "infer_error"}]
    log = "".join(f"{json.dumps(line)}\n" for line in lines)
    (project / "cot_err.jsonl").write_text(log)
    done = house.run("cadenza", "env", "train", project)
    assert "error@-" in done.stdout
    assert house.events("PromptKept")[0]["data"]["code"] == "nothing_to_ask"
    assert stub.requests == []


def test_what_the_model_remarks_is_for_people(house, logs, groq, stubs) -> None:
    groq(stubs.completion(remedy("r1", remark="It pushes\nagainst \x1b[31mthe heap.")))
    project = house.project()
    drop(project, "r1", stuck_log(logs))
    done = house.run("cadenza", "env", "train", project)
    assert "  the model remarks: It pushes\\nagainst \\x1b[31mthe heap." in done.stdout
    (judged,) = house.events("RunsJudged")
    assert len(judged["data"]["remarks"]) == 1
    assert "It pushes" not in (project / "main.py").read_text()


def test_runs_that_were_not_read_are_counted(house, logs, groq, stubs) -> None:
    groq(stubs.completion(NOTHING))
    project = house.project()
    for number in range(5):
        drop(project, f"r{number}", stuck_log(logs, 4 + number))
    done = house.run("cadenza", "env", "train", project, "--max-runs", "3")
    assert done.stdout.startswith("3 runs (2 older logs left out")
    assert house.events("RunsJudged")[0]["data"]["left_out"] == 2


def test_an_interrupted_judging_says_so(house, logs, groq, stubs) -> None:
    slow = stubs.completion(remedy("r1")) | {"drip": 0.05}
    stub = groq(slow)
    project = house.project()
    drop(project, "r1", stuck_log(logs))
    command = [str(Path(sys.executable).parent / "cadenza"), "env", "train", str(project)]
    process = subprocess.Popen(command, env=house.environ, stderr=subprocess.PIPE, text=True)
    house.until(lambda: stub.requests, "Groq is asked")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    (line,) = said.splitlines()
    assert line.startswith("interrupted: job ")


def test_a_file_that_is_read_only_is_not_written(house, logs, groq, stubs) -> None:
    groq(stubs.completion(remedy("r1")))
    project = house.project()
    source = project / "main.py"
    before = source.read_bytes()
    source.chmod(0o444)
    drop(project, "r1", stuck_log(logs))
    done = house.run("cadenza", "env", "train", project)
    assert source.read_bytes() == before
    assert prompt_of(house)["pending"] == 1
    assert "read-only" in prompt_of(house)["reason"]
    assert "read-only" in done.stdout


def test_a_prompt_in_a_text_that_main_reads_is_rewritten_and_rolled_back(
    house, logs, groq, stubs
) -> None:
    groq(stubs.completion(remedy("r1")))
    project = house.project()
    text = project / "prompt.txt"
    text.write_bytes(b"Be good.\r\n- when near victim: signal_found\r\nGo on.")
    code = b'from pathlib import Path\n\nSYSTEM_PROMPT = Path("prompt.txt").read_text().strip()\n'
    (project / "main.py").write_bytes(code)
    before = text.read_bytes()
    drop(project, "r1", stuck_log(logs))
    house.run("cadenza", "env", "train", project)
    assert b"walk_backward distance_m=0.4\r\n" in text.read_bytes()
    assert (project / "main.py").read_bytes() == code
    (written,) = house.events("PromptRewritten")
    assert written["data"]["file"] == "prompt.txt"
    text.write_bytes(text.read_bytes() + b" And on.")
    house.run("cadenzactl", "prompt", project, "rollback")
    assert text.read_bytes() == before + b" And on."
    assert prompt_of(house)["version"] is None or prompt_of(house)["state"] != "rewritten"


def test_what_keeps_a_prompt_comes_with_what_to_do(house, logs, groq, stubs) -> None:
    groq(stubs.completion(remedy("r1")))
    project = house.project()
    drop(project, "r1", stuck_log(logs))
    (project / "main.py").write_text("x = 1\n")
    done = house.run("cadenza", "env", "train", project, check=False)
    assert "no .py file has a module-level SYSTEM_PROMPT" in done.stderr
    assert "into main.py" in done.stderr


def test_a_dry_run_sends_and_writes_nothing(house, logs, groq, stubs) -> None:
    stub = groq(stubs.completion(remedy("r1")))
    project = house.project()
    drop(project, "r1", stuck_log(logs))
    shutil.rmtree(house.state)
    done = house.run("cadenza", "env", "train", project, "--dry-run")
    assert "stuck@enter_debris" in done.stdout
    assert "r1:1-5" in done.stdout
    assert stub.requests == []
    assert not (house.state / "events.db").exists()


def test_a_proposal_waits_for_its_approval(house, logs, groq, stubs) -> None:
    groq(stubs.completion(remedy("r1")))
    house.configure(improve=QUICK.replace("[judge]", "[judge]\nmode = 'propose'"))
    project = house.project()
    before = (project / "main.py").read_bytes()
    drop(project, "r1", stuck_log(logs))
    house.once()
    assert prompt_of(house)["pending"] == 1
    assert (project / "main.py").read_bytes() == before

    # when it is approved
    house.run("cadenzactl", "prompt", "rescue", "approve")
    assert b"[cadenzad rules" in (project / "main.py").read_bytes()
    assert prompt_of(house)["version"] == 1
    assert prompt_of(house)["pending"] is None


def test_a_rejected_proposal_is_gone(house, logs, groq, stubs) -> None:
    groq(stubs.completion(remedy("r1")))
    house.configure(improve=QUICK.replace("[judge]", "[judge]\nmode = 'propose'"))
    project = house.project()
    drop(project, "r1", stuck_log(logs))
    house.once()
    house.run("cadenzactl", "prompt", "rescue", "reject")
    assert prompt_of(house)["pending"] is None
    refused = house.run("cadenzactl", "prompt", "rescue", "approve", check=False)
    assert refused.returncode == 1
    assert "no proposed prompt version" in refused.stderr


def test_an_edited_block_is_a_conflict_that_is_shown(house, logs, groq, stubs) -> None:
    groq(stubs.completion(remedy("r1")))
    project = house.project()
    drop(project, "r1", stuck_log(logs))
    house.run("cadenza", "env", "train", project)
    source = project / "main.py"
    source.write_text(source.read_text().replace("distance_m=0.4", "distance_m=0.6"))
    touched = source.read_bytes()

    refused = house.run("cadenza", "env", "train", project, check=False)
    assert refused.returncode == 1
    assert "somebody edited the managed block" in refused.stderr
    assert source.read_bytes() == touched
    assert house.events("PromptConflictFound")


@pytest.mark.parametrize(
    ("step", "code", "exit_code"),
    [
        ({"status": 401, "body": {"error": {"message": f"bad key {KEY}"}}}, "unauthorized", 1),
        ({"status": 404, "body": {}}, "no_such_model", 1),
        ({"status": 413, "body": {}}, "too_long", 1),
        ({"status": 307, "headers": {"location": "http://127.0.0.1:9/"}}, "redirected", 1),
        ({"status": 200, "body": "<html>", "type": "text/html"}, "not_json", 1),
        ("length", "truncated", 1),
        ("made-up", "no_verified_findings", 0),
        ({"status": 429, "headers": {"retry-after": "900"}, "body": {}}, "rate_limited", 1),
        ({"status": 503, "body": {}}, "unavailable", 1),
    ],
)
def test_whatever_goes_wrong_the_prompt_is_as_it_was(
    step, code, exit_code, house, logs, groq, stubs
) -> None:
    # given
    if step == "length":
        step = stubs.completion(remedy("r1"), finish="length")
    elif step == "made-up":
        step = stubs.completion(remedy("r1", cites=["r1:2-900"]))
    groq(step)
    project = house.project()
    drop(project, "r1", stuck_log(logs))
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}

    # when
    done = house.run("cadenza", "env", "train", project, check=False)

    # then
    assert done.returncode == exit_code, done.stderr
    assert {path: path.read_bytes() for path in before} == before
    (kept,) = house.events("PromptKept")
    assert kept["data"]["code"] == code
    judged = house.events("RunsJudged")[0]["data"]
    assert judged["findings"]
    assert judged["usage"]["calls"] == {"too_long": 2, "truncated": 2, "unavailable": 3}.get(
        code, 1
    )
    if code in ("rate_limited", "unavailable"):
        (failed,) = house.events("JobFailed")
        assert failed["data"]["error"].startswith("Groq answered")
        assert failed["data"]["retry_at_us"]
    assert KEY not in done.stdout + done.stderr
    assert KEY.encode() not in everything(house)


def test_a_file_that_changes_meanwhile_is_left_alone(house, logs, groq, stubs) -> None:
    # given an answer that takes a while, and an editor that is quicker
    slow = stubs.completion(remedy("r1"))
    stub = groq(slow | {"drip": 0.002})
    house.configure(improve=QUICK)
    project = house.project()
    house.start()
    drop(project, "r1", stuck_log(logs))
    house.until(lambda: stub.requests, "Groq is asked")
    source = project / "main.py"
    source.write_bytes(source.read_bytes() + b"# edited\n")
    edited = source.read_bytes()

    # then the proposal is kept and the file is the editor's
    house.until(lambda: prompt_of(house)["pending"] == 1, "the proposal is kept")
    assert source.read_bytes() == edited
    assert "changed meanwhile" in prompt_of(house)["reason"]


POINTS = {
    "handlers.judge.prompt.versions:save:before:1": True,
    "handlers.judge.prompt.versions:write_file:after:2": True,
    "handlers.judge.prompt.versions:sync:after:1": True,
    "handlers.judge.rewrite:note:before:1": True,
    "handlers.recovery:write_file:after:1": True,
    "handlers.judge.rewrite:swap:before:1": True,
    "handlers.project.writing:_expect:before:2": True,
    "handlers.project.writing:_expect:after:2": True,
    "handlers.project.writing:sync:before:1": False,
    "handlers.judge.rewrite:swap:after:1": False,
}
"""Where a judging is killed, and whether the file is still the old one then."""


@pytest.mark.parametrize(("point", "old"), POINTS.items(), ids=POINTS)
def test_killed_at_any_step_the_file_is_whole_and_the_log_comes_to_agree(
    point, old, house, logs, groq, stubs
) -> None:
    # given a judging that is killed
    groq(stubs.completion(remedy("r1")))
    house.configure(improve=QUICK.replace("[judge]", "[judge]\nmode = 'off'"))
    project = house.project()
    source = project / "main.py"
    before = source.read_bytes()
    drop(project, "r1", stuck_log(logs))
    house.once()
    kill_judging(house, project, point)

    # then the file is the old one or the new one, whole
    assert (source.read_bytes() == before) is old
    assert ast.parse(source.read_bytes())
    assert house.events("PromptRewritten") == []

    # and the next judging leaves one version, one event, and the file it speaks of
    house.configure(improve=QUICK)
    house.run("cadenza", "env", "train", project)
    (written,) = house.events("PromptRewritten")
    assert written["data"]["version"] == 1
    assert written["data"]["after_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert house.run("cadenzactl", "prompt", "rescue", "rollback")
    assert source.read_bytes() == before
    assert not list(project.glob(".*.partial"))
