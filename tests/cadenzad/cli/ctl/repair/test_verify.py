"""`cadenzactl verify`: says exactly what does not agree."""

from __future__ import annotations

import json
import os
import sqlite3
import threading

import pytest

from cadenzad.cli.programs import cadenzactl as main


@pytest.fixture
def recorded_home(home):
    home.log(home.project())
    home.once()
    return home


def change(home, *statements: str) -> None:
    """Change the database behind everybody's back."""
    connection = sqlite3.connect(home.state / "events.db", isolation_level=None)
    connection.executescript("DROP TRIGGER events_no_update; DROP TRIGGER events_no_delete;")
    for statement in statements:
        connection.execute(statement)
    connection.close()


def verdict(run_cli):
    code, out, err = run_cli(main, "verify", "--json")
    answer = json.loads(out)
    assert err == ""
    assert code == (0 if answer["ok"] else 1)
    return {check["check"]: check["problems"] for check in answer["checks"]}


def test_what_was_recorded_is_found_sound(recorded_home, run_cli) -> None:
    assert verdict(run_cli) == {
        "integrity": [], "positions": [], "view": [], "files": [], "adapters": [], "datasets": []
    }  # fmt: skip
    code, out, _ = run_cli(main, "verify")
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["integrity", "ok"],
        ["positions", "ok"],
        ["view", "ok"],
        ["files", "ok"],
        ["adapters", "ok"],
        ["datasets", "ok"],
    ]


def test_a_log_that_has_grown_is_sound_and_one_that_was_changed_is_not(
    recorded_home, run_cli
) -> None:
    log = recorded_home.workspace / "rescue" / ".cadenza-env" / "one.log.jsonl"
    with log.open("ab") as stream:
        stream.write(b"{}\n")
    assert verdict(run_cli)["files"] == []
    data = bytearray(log.read_bytes())
    data[20] ^= 1
    log.write_bytes(data)
    assert verdict(run_cli)["files"] == [f"{log}: not the bytes that were recorded"]
    log.write_bytes(data[:10])
    assert verdict(run_cli)["files"] == [f"{log}: not the bytes that were recorded"]
    log.unlink()
    assert verdict(run_cli)["files"] == [f"{log}: No such file or directory"]
    log.mkdir()
    assert verdict(run_cli)["files"] == [f"{log}: Is a directory"]


def test_an_export_that_was_changed_or_removed_is_named(recorded_home, run_cli) -> None:
    export = recorded_home.workspace / "rescue/.cadenza-env/exports/one.finetune.jsonl"
    export.write_bytes(export.read_bytes() + b"x\n")
    assert verdict(run_cli)["files"] == [f"{export}: not the bytes that were recorded"]
    export.unlink()
    assert verdict(run_cli)["files"] == [f"{export}: No such file or directory"]


def test_a_pipe_in_a_files_place_is_not_waited_for(recorded_home, run_cli) -> None:
    log = recorded_home.workspace / "rescue" / ".cadenza-env" / "one.log.jsonl"
    log.unlink()
    os.mkfifo(log)
    found: list[list[str]] = []
    checking = threading.Thread(target=lambda: found.append(verdict(run_cli)["files"]))
    checking.start()
    checking.join(5)
    if checking.is_alive():  # let it end, whatever it waits for
        os.close(os.open(log, os.O_WRONLY | os.O_NONBLOCK))
        checking.join()
    assert found == [[f"{log}: not a regular file"]]


def test_an_event_that_was_removed_leaves_a_gap(recorded_home, run_cli) -> None:
    change(recorded_home, "DELETE FROM events WHERE position = 2")
    found = verdict(run_cli)
    total = len(recorded_home.events())
    assert f"{total} events, but positions run from 1 to {total + 1}" in found["positions"]
    assert any(problem.startswith("stream project:") for problem in found["positions"])
    assert found["view"]


def test_an_event_that_was_changed_makes_the_view_differ(recorded_home, run_cli) -> None:
    change(
        recorded_home,
        "UPDATE events SET data = replace(data, 'succeeded', 'failed') WHERE type = 'RunRecorded'",
    )
    found = verdict(run_cli)
    assert found["view"] == ["the state view differs from a replay: run `cadenzactl db rebuild`"]
    assert found["positions"] == []


def test_an_event_that_cannot_be_read_is_named(recorded_home, run_cli) -> None:
    change(recorded_home, "UPDATE events SET data = '{' WHERE type = 'RunExported'")
    (problem,) = verdict(run_cli)["view"]
    assert "a stored RunExported is not readable" in problem


def test_a_cause_that_does_not_exist_is_named(recorded_home, run_cli) -> None:
    change(recorded_home, "UPDATE events SET causation = 999 WHERE type = 'RunExported'")
    assert any("foreign key" in problem for problem in verdict(run_cli)["integrity"])


def test_a_project_that_is_gone_is_not_looked_into(recorded_home, run_cli) -> None:
    import shutil

    shutil.rmtree(recorded_home.workspace / "rescue")
    assert verdict(run_cli)["files"] != []
    recorded_home.once()
    assert verdict(run_cli)["files"] == []


def test_files_that_may_not_be_read_are_named(recorded_home, run_cli, without_privilege) -> None:
    folder = recorded_home.workspace / "rescue" / ".cadenza-env"
    folder.chmod(0)
    try:
        with without_privilege():
            problems = verdict(run_cli)["files"]
    finally:
        folder.chmod(0o755)
    assert problems
    assert all(problem.endswith("Permission denied") for problem in problems)


def test_a_problem_is_one_line_whatever_a_file_is_called(home, run_cli) -> None:
    log = home.log(home.project(), "a\nb")
    home.once()
    log.unlink()
    code, out, _ = run_cli(main, "verify")
    assert code == 1
    assert [line for line in out.splitlines() if "a\\nb.log.jsonl: No such file" in line]
    assert len(out.splitlines()) == 7
