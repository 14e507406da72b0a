"""`cadenzactl logs`: from the file, or from the journal of the unit that runs the daemon."""

from __future__ import annotations

import json
import logging
import os

import pytest

from cadenzad.cli.programs import cadenzactl as main
from cadenzad.logfiles import daemon_log, logged_to
from cadenzad.service_manager import install as services
from store.lock import WriterLock


@pytest.fixture
def logged(home, caplog):
    """A daemon's log of three lines."""
    home.begin_log()
    caplog.set_level("INFO", logger="cadenzad")
    with logged_to(daemon_log(home.state)):
        log = logging.getLogger("cadenzad")
        log.info("ready: \x1b[2J", extra={"projects": 2})
        log.warning("slow")
        try:
            raise ValueError("boom")
        except ValueError:
            log.exception("it broke")
    return home


def test_a_line_each_with_its_moment_and_its_fields(logged, run_cli) -> None:
    code, out, err = run_cli(main, "logs")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0][4] == "-"
    assert lines[0].endswith("Z INFO ready: \\x1b[2J projects=2")
    assert lines[1].endswith(" WARNING slow")
    assert lines[-1] == "    ValueError: boom"


def test_only_the_last_or_the_worst_and_as_json(logged, run_cli) -> None:
    _, out, _ = run_cli(main, "logs", "--level", "warning", "--last", "2", "--json")
    records = [json.loads(line) for line in out.splitlines()]
    assert [(item["level"], item["message"]) for item in records] == [
        ("warning", "slow"),
        ("error", "it broke"),
    ]


def test_no_log_is_one_line(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "logs")
    assert code == 1
    assert "no daemon has logged here yet" in one_error(err)


@pytest.mark.parametrize("last", ["-1", "many"])
def test_a_number_of_lines_that_is_none_is_a_usage_error(home, run_cli, last) -> None:
    assert run_cli(main, "logs", f"--last={last}")[0] == 2


JOURNALCTL = """#!/bin/sh
echo "$@" > "$HOME/asked"
cat <<'END'
{"__REALTIME_TIMESTAMP":"1764212778000000","PRIORITY":"4","MESSAGE":"slow job=7","CADENZAD_JOB":"7"}
{"__REALTIME_TIMESTAMP":"1764212779000000","PRIORITY":"6","MESSAGE":[104,105,255]}
END
"""


def test_where_a_unit_runs_the_daemon_the_journal_is_asked(
    logged, run_cli, monkeypatch, tmp_path
) -> None:
    # given
    monkeypatch.setenv("HOME", str(tmp_path))
    tool = tmp_path / "bin" / "journalctl"
    tool.parent.mkdir()
    tool.write_text(JOURNALCTL)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(services, "manager_runs", lambda scope: scope == "user")
    monkeypatch.setattr(services, "shown", lambda service: {"MainPID": str(os.getpid())})

    # when
    with WriterLock(logged.state, "cadenzad").acquire():
        _, text, _ = run_cli(main, "logs", "--last", "5")
        _, out, _ = run_cli(main, "logs", "--json")

    # then
    assert text.splitlines() == [
        "2025-11-27T03:06:18Z WARNING slow job=7",
        "2025-11-27T03:06:19Z INFO hi\\xff",
    ]
    first = json.loads(out.splitlines()[0])
    assert (first["level"], first["job"]) == ("warning", "7")
    assert "--user-unit cadenzad.service" in (tmp_path / "asked").read_text()
