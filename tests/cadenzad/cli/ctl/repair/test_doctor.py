"""`cadenzactl doctor`: a line for each finding, the fix below it, and an exit code."""

from __future__ import annotations

import json
import sqlite3

import pytest

from cadenzad import doctor
from cadenzad.cli.programs import cadenzactl as main
from cadenzad.doctor import Finding
from cadenzad.doctor.findings import Mend
from store.events.envelope import DAEMON_STREAM, NewEvent
from store.events.process import JobFailed, JobQueued
from store.opening import open_writer


@pytest.fixture
def findings(monkeypatch):
    """What the checks will have found."""
    found: list[Finding] = []
    monkeypatch.setattr(doctor, "diagnose", lambda situation: found)
    return found


def test_a_real_look_at_a_real_home_has_no_failure(home, run_cli) -> None:
    home.log(home.project())
    home.once()
    code, out, err = run_cli(main, "doctor", "--json")
    answer = json.loads(out)
    failed = [check for check in answer["checks"] if check["level"] == "FAIL"]
    assert (code, err, failed) == (0, "", [])
    assert {"sqlite", "inotify", "disk", "daemon", "key"} <= {c["check"] for c in answer["checks"]}


def test_a_line_each_and_the_fix_below(home, findings, run_cli) -> None:
    findings += [
        Finding("sqlite", "ok", "3.51.3"),
        Finding("key", "warn", "none", "export it\nnow"),
    ]
    code, out, err = run_cli(main, "doctor")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "ok    sqlite  3.51.3",
        "warn  key     none",
        "              fix: export it\\nnow",
        "",
        "0 FAIL, 1 warn, 1 ok",
    ]


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_failure_is_code_one(home, findings, run_cli, form) -> None:
    findings.append(Finding("disk", "FAIL", "full", "make room"))
    code, out, err = run_cli(main, "doctor", *form)
    assert (code, err) == (1, "")
    assert "make room" in out


def test_a_wrong_configuration_is_a_finding(home, run_cli) -> None:
    config = home.root / "cadenzad.toml"
    config.write_text("wach = 1\n")
    code, out, _ = run_cli(main, "doctor", "--config", config, "--json")
    (finding,) = [c for c in json.loads(out)["checks"] if c["check"] == "config"]
    assert code == 1
    assert finding["level"] == "FAIL"
    assert "wach" in finding["text"]


def test_a_damaged_log_is_a_finding(home, run_cli) -> None:
    (home.state / "events.db").write_bytes(b"not a database" * 1000)
    code, out, _ = run_cli(main, "doctor", "--json")
    failed = [c for c in json.loads(out)["checks"] if c["level"] == "FAIL"]
    assert code == 1
    assert [finding["check"] for finding in failed] == ["state"]
    assert "events.db" in failed[0]["text"]


def test_before_anything_was_set_up_it_answers_too(tmp_path, run_cli) -> None:
    code, out, err = run_cli(main, "doctor", "--state", tmp_path / "none")
    assert (code, err) == (0, "")
    assert "not there yet" in out


def test_the_key_is_never_shown(home, run_cli, monkeypatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk_never_to_be_shown")
    for form in ([], ["--json"]):
        _, out, err = run_cli(main, "doctor", *form)
        assert "GROQ_API_KEY is set" in out
        assert "never_to_be_shown" not in out + err


def test_fix_does_what_is_safe_says_it_and_leaves_the_rest(home, run_cli) -> None:
    # given rights that are too wide, a view of another version, and a workspace that is not there
    home.log(home.project())
    home.once()
    home.state.chmod(0o755)
    (home.workspace / "rescue" / ".cadenza-env").chmod(0o500)
    with sqlite3.connect(home.state / "events.db") as connection:
        connection.execute("UPDATE projections SET code_version = 0")
    connection.close()
    config = home.root / "cadenzad.toml"
    config.write_text(f"workspaces = ['{home.root / 'nowhere'}']\n")
    code, out, _ = run_cli(main, "doctor", "--config", config)
    assert code == 1
    assert "fix: chmod 700" in out
    assert out.count(" *\n") >= 2
    assert home.state.stat().st_mode & 0o777 == 0o755, "it is only said"

    # when
    code, out, _ = run_cli(main, "doctor", "--config", config, "--fix", "--json")

    # then
    answer = json.loads(out)
    assert f"mended: chmod 700 {home.state}" in answer["mended"]
    assert "mended: fold the state view anew" in answer["mended"]
    assert home.state.stat().st_mode & 0o777 == 0o700
    failed = [check["text"] for check in answer["checks"] if check["level"] == "FAIL"]
    assert failed == [f"{home.root / 'nowhere'}: no such folder"]
    assert not (home.root / "nowhere").exists()
    _, out, _ = run_cli(main, "doctor", "--config", config, "--fix")
    assert out.splitlines()[0] == "nothing to mend"


def test_a_mend_that_fails_is_told(home, findings, run_cli) -> None:
    def refuse() -> None:
        raise PermissionError(1, "Operation not permitted")

    findings.append(Finding("state", "warn", "open", "chmod 700", Mend("chmod 700 /x", refuse)))
    _, out, _ = run_cli(main, "doctor", "--fix")
    assert out.splitlines()[0] == ("not mended: chmod 700 /x: [Errno 1] Operation not permitted")


def test_news_that_was_given_up_is_a_failure_with_the_way_back(home, run_cli) -> None:
    home.begin_log()
    writer = open_writer(home.state)
    job = JobQueued(kind="notify-url", spec={"first": 1}, reason="BLOCK")
    (queued,) = writer.append(NewEvent(DAEMON_STREAM, job))
    failed = JobFailed(job=queued.position, attempt=3, error="hook answered 500")
    writer.append(NewEvent(DAEMON_STREAM, failed))
    writer.close()
    code, out, _ = run_cli(main, "doctor")
    assert code == 1
    assert "(notify-url) was given up: hook answered 500" in out
    assert f"cadenzactl jobs retry {queued.position}" in out
