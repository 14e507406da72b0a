"""`cadenzactl db prune`: says what it does, with and without a daemon, and refuses nonsense."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cadenzad.cli.programs import cadenzactl as main
from cadenzad.requests.inbox import waiting
from store.lock import WriterLock, is_held


@pytest.fixture
def project(home) -> Path:
    project = home.project()
    for number in (1, 2, 3):
        home.log(project, f"r{number}", ticks=number)
    home.once()
    return project


@pytest.fixture
def daemon(home, eventually):
    """The real daemon, watching."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cadenzad.cli.daemon", "--workspace", home.workspace],
        stderr=subprocess.PIPE,
    )
    eventually(lambda: b"ready" in process.stderr.readline(), "the daemon is ready")
    yield process
    process.terminate()
    process.communicate(timeout=20)


def logs(project: Path) -> list[str]:
    return sorted(path.name for path in (project / ".cadenza-env").glob("*.log.jsonl"))


def test_a_dry_run_says_what_would_go_and_leaves_it(home, project, run_cli) -> None:
    code, out, err = run_cli(main, "db", "prune", "--keep-last", 2, "--dry-run")
    assert (code, err) == (0, "")
    assert "r1.log.jsonl" in out
    assert "would delete 3 files" in out
    assert logs(project) == ["r1.log.jsonl", "r2.log.jsonl", "r3.log.jsonl"]
    assert not home.events("FilePruned")


def test_without_a_daemon_it_does_the_work_itself(home, project, run_cli) -> None:
    code, out, err = run_cli(main, "db", "prune", "rescue", "--keep-last", 2, "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert [item["kind"] for item in answer["pruned"]] == ["run", "export", "manifest"]
    assert answer["bytes"] == sum(item["bytes"] for item in answer["pruned"])
    assert logs(project) == ["r2.log.jsonl", "r3.log.jsonl"]
    assert is_held(home.state) is None
    assert list(waiting(home.state)) == []
    assert run_cli(main, "verify")[0] == 0


def test_a_daemon_does_the_work_when_there_is_one(home, project, daemon, run_cli) -> None:
    code, out, err = run_cli(main, "db", "prune", "--keep-last", 1, "--what", "logs")
    assert (code, err) == (0, "")
    assert "deleted 2 files" in out
    assert logs(project) == ["r3.log.jsonl"]
    assert [record.event.path for record in home.events("FilePruned")] == [
        ".cadenza-env/r1.log.jsonl",
        ".cadenza-env/r2.log.jsonl",
    ]
    assert is_held(home.state)["pid"] == daemon.pid
    assert len(list((project / ".cadenza-env/exports").glob("*.finetune.jsonl"))) == 3


def test_what_a_rule_protects_is_told_and_is_no_failure(home, project, run_cli) -> None:
    (project / ".cadenza-env/adapters/1").mkdir(parents=True)
    home.record_adapters(project, 1)
    (project / ".cadenza-env/adapters/deployed").symlink_to("1")
    code, out, err = run_cli(main, "db", "prune", "--keep-last", 0, "--what", "adapters")
    assert code == 0
    assert out == "deleted 0 files, 0 bytes\n"
    assert err == "kept rescue/.cadenza-env/adapters/1: it is deployed\n"


def test_what_could_not_be_done_is_a_failure(home, project, run_cli, without_privilege) -> None:
    folder = project / ".cadenza-env/exports"
    folder.chmod(0o500)
    try:
        with without_privilege():
            code, out, _ = run_cli(
                main, "db", "prune", "--keep-last", 2, "--what", "exports", "--json"
            )
    finally:
        folder.chmod(0o700)
    assert code == 1
    answer = json.loads(out)
    assert answer["pruned"] == []
    # Whether the export is read or deleted is for the machine to refuse first.
    export, *manifest = (item["reason"] for item in answer["kept"])
    assert "cannot" in export
    assert manifest in ([], ["its export stays"])


def test_ages_are_those_of_the_files(home, project, run_cli) -> None:
    os.utime(project / ".cadenza-env/r1.log.jsonl", (1e9, 1e9))
    home.once()
    assert run_cli(main, "db", "prune", "--older-than", "30d", "--what", "logs")[0] == 0
    assert logs(project) == ["r2.log.jsonl", "r3.log.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "nothing says what is old"),
        (["--keep-last", "-1"], "--keep-last"),
        (["--keep-last", "many"], "is not a number of files"),
        (["--older-than", "30"], "is not a time span"),
        (["--older-than", "-3d"], "--older-than"),
        (["--older-than", "1e3d"], "is not a time span"),
        (["--older-than", "٣d"], "is not a time span"),
        (["--keep-last", "1", "--what", "prompts"], "is none of logs, exports, adapters"),
        (["--keep-last", "1", "--what", ""], "is none of"),
    ],
)
def test_nonsense_is_a_usage_error(home, run_cli, one_error, arguments, expected) -> None:
    code, out, err = run_cli(main, "db", "prune", *arguments)
    assert (code, out) == (2, "")
    assert expected in one_error(err)


def test_an_unknown_project_is_code_four(project, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "db", "prune", "--keep-last", 1, "rescue", "nobody")
    assert code == 4
    assert one_error(err) == "no project 'nobody'"
    assert len(logs(project)) == 3


def test_without_a_log_there_is_nothing_to_prune(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "db", "prune", "--keep-last", 1)
    assert code == 1
    assert "there is no event log yet" in one_error(err)


def test_a_daemon_that_never_answers_ends_with_one_line(
    home, project, run_cli, one_error, monkeypatch
) -> None:
    monkeypatch.setattr("cadenzad.cli.ctl.operate.db.prune.TIMEOUT_S", 0.05)
    with WriterLock(home.state, "cadenzad").acquire():
        code, _, err = run_cli(main, "db", "prune", "--keep-last", 1)
    (left,) = waiting(home.state)
    assert code == 1
    assert one_error(err) == f"no outcome in 0.05 s: the request waits in {left}"
    # and the next daemon does what was asked
    home.once()
    assert logs(project) == ["r3.log.jsonl"]
