"""`cadenzactl status`: now and at any past moment, for people and programs, whatever the names."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cadenzad.cli.programs import cadenzactl as main
from cadenzad.requests.inbox import DAEMON_ROLE
from store.events.envelope import DAEMON_STREAM, NewEvent
from store.events.process import JobFailed, JobQueued, JobSucceeded, RebuildRequested
from store.lock import WriterLock
from store.opening import open_writer
from store.writer import Transaction


@pytest.fixture
def recorded_home(home):
    """One project with one exported run."""
    home.log(home.project())
    home.once()
    return home


def status(run_cli, *words):
    code, out, _ = run_cli(main, "status", *words, "--json")
    return code, json.loads(out)


# -- what it says ----------------------------------------------------------------------------------


def test_before_any_daemon_there_is_nothing_and_that_is_an_answer(home, run_cli) -> None:
    code, answer = status(run_cli)
    assert (code, answer["daemon"]["state"], answer["projects"]) == (3, "stopped", [])
    code, out, err = run_cli(main, "status")
    assert (code, err) == (3, "")
    assert "holds no event log yet" in out


def test_without_a_daemon_the_last_known_state_is_shown(recorded_home, run_cli) -> None:
    code, answer = status(run_cli)
    assert code == 3
    assert answer["schema"] == 1
    assert answer["daemon"]["position"] == len(recorded_home.events())
    assert answer["daemon"]["lag"] == 0
    (project,) = answer["projects"]
    assert (project["project"], project["state"]) == ("rescue", "ready")
    assert project["path"] == str(recorded_home.workspace / "rescue")
    assert project["runs"]["total"] == project["exports"]["current"] == 1
    code, out, err = run_cli(main, "status")
    assert (code, err) == (3, "")
    assert "daemon: stopped, at position" in out
    assert [line for line in out.splitlines() if line.startswith("rescue ")]


def test_another_command_that_writes_is_no_running_daemon(recorded_home, run_cli) -> None:
    with WriterLock(recorded_home.state, "cadenza").acquire():
        code, answer = status(run_cli)
    assert (code, answer["daemon"]["state"], answer["daemon"]["pid"]) == (3, "stopped", None)


def test_a_project_in_no_workspace_of_the_daemon_is_shown_as_not_watched(home, run_cli) -> None:
    # given two known projects, and a daemon that watches the workspace of one
    home.project()
    home.project(str(home.root / "elsewhere" / "arm"))
    home.once(home.workspace, home.root / "elsewhere")
    live = {
        "pid": os.getpid(),
        "state": "running",
        "started_at": "2026-11-26T08:00:00Z",
        "version": "1",
        "workspaces": [str(home.workspace)],
        "watching": {"projects": 1, "directories": 3},
    }
    with WriterLock(home.state, DAEMON_ROLE).acquire():
        writer = open_writer(home.state)
        writer.run(lambda step: step.set_progress("daemon", live))

        # when
        _, answer = status(run_cli)
        _, out, _ = run_cli(main, "status")
        writer.close()

    # then
    assert {p["project"]: p["watched"] for p in answer["projects"]} == {
        "arm": False,
        "rescue": True,
    }
    assert "arm: not watched: it lies in no workspace of the daemon" in out
    assert "rescue: not watched" not in out


def test_what_somebody_should_look_at_is_a_note(home, run_cli) -> None:
    # given
    project = home.project()
    (project / ".cadenza-env" / "bad\n.log.jsonl").write_bytes(b"[1]\n")
    (project / "env.json").write_text('{"name": "x", "phases": []}')
    home.once()

    # when
    _, out, _ = run_cli(main, "status")

    # then
    notes = out.split("\n\n")[-1].splitlines()
    assert [note for note in notes if note.startswith("rescue: invalid: env.json: phases")]
    assert [note for note in notes if "rejected .cadenza-env/bad\\n.log.jsonl: " in note]


# -- which project ---------------------------------------------------------------------------------


def test_of_many_projects_those_to_look_at_come_first_and_the_rest_is_counted(
    home, run_cli
) -> None:
    # given more projects than a screen has room for, the last of them with a mistake
    for number in range(21):
        home.project(f"robot-{number:02}")
    (home.workspace / "robot-20" / "env.json").write_text("{")
    home.once()

    # when
    _, out, _ = run_cli(main, "status")

    # then
    rows = [line.split()[0] for line in out.splitlines() if line.startswith("robot-")]
    assert rows[:2] == ["robot-20", "robot-00"]
    assert "robot-19" not in rows
    last = "not shown: 1, 0 of them to look at; `--all` shows every project"
    assert out.splitlines()[-1] == last
    _, out, _ = run_cli(main, "status", "--all")
    assert "robot-19 " in out
    assert "not shown" not in out
    assert len(status(run_cli)[1]["projects"]) == 21


def test_a_project_is_found_by_name_and_path(recorded_home, run_cli, monkeypatch) -> None:
    recorded_home.project("other")
    recorded_home.once()
    (recorded_home.root / "link").symlink_to(recorded_home.workspace / "rescue")
    monkeypatch.chdir(recorded_home.workspace)
    for wish in (
        "rescue",
        "./rescue",
        "rescue/",
        recorded_home.workspace / "rescue",
        recorded_home.root / "link",
    ):
        _, answer = status(run_cli, wish)
        assert [project["project"] for project in answer["projects"]] == ["rescue"]


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("nobody", 4, "no project 'nobody'"),
        ("", 2, "must not be empty"),
        ("a\nb", 4, "no project 'a\\nb'"),
        (os.fsdecode(b"\xff"), 4, "no project"),
        ("x" * 10_000, 4, "no project"),
        ("~nobody-of-that-name", 4, "no project"),
    ],
)
def test_an_unknown_project_is_one_line(recorded_home, run_cli, one_error, name, code, reason):
    done, out, err = run_cli(main, "status", name)
    assert (done, out) == (code, "")
    assert reason in one_error(err)


def test_an_unknown_project_without_an_event_log_is_one_line(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "status", "nobody")
    assert code == 1
    assert "no event log" in one_error(err)


def test_two_projects_of_one_name_are_told_apart_by_path(home, run_cli, one_error) -> None:
    # given
    first = home.project()
    second = home.root / "more" / "rescue"
    home.project(str(second))
    home.once(home.workspace, second.parent)

    # when
    code, _, err = run_cli(main, "status", "rescue")

    # then
    assert code == 4
    assert one_error(err) == "'rescue' names 2 projects"
    assert str(first) in err
    assert str(second) in err
    assert status(run_cli, second)[1]["projects"][0]["path"] == str(second)
    _, out, _ = run_cli(main, "status")
    shown = [line.split()[0] for line in out.splitlines() if " 0 current" in line]
    assert shown == ["more/rescue", "robots/rescue"]
    assert status(run_cli, "more/rescue")[1]["projects"][0]["path"] == str(second)
    _, out, _ = run_cli(main, "events", "--type", "ProjectDiscovered")
    assert {line.split()[2] for line in out.splitlines()} == set(shown)


def test_a_job_of_no_project_that_was_given_up_is_told(home, run_cli) -> None:
    # given one that was given up, then another that was, then one that told its news
    home.begin_log()
    writer = open_writer(home.state)

    def ended(kind: str, end: type[JobFailed] | type[JobSucceeded], **more: str) -> None:
        job = JobQueued(kind=kind, spec={"first": 1}, reason="BLOCK")
        (queued,) = writer.append(NewEvent(DAEMON_STREAM, job))
        writer.append(NewEvent(DAEMON_STREAM, end(job=queued.position, attempt=1, **more)))

    ended("notify-url", JobFailed, error="nobody answers")
    ended("notify-argv", JobFailed, error="no such command")
    ended("notify-argv", JobSucceeded, summary="told 2")
    writer.close()

    # then
    _, answer = status(run_cli)
    assert [(job["kind"], job["state"]) for job in answer["jobs"]] == [
        ("notify-argv", "succeeded"),
        ("notify-url", "failed"),
    ]
    _, out, _ = run_cli(main, "status")
    assert "(notify-url) failed: nobody answers" in out
    assert "no such command" not in out, "the next one told it"


@pytest.mark.parametrize("name", ["my rescue", "räscue ✓", "a\nb", "-rescue", "'$(x)'", "7"])
def test_odd_names_are_shown_on_their_line(home, run_cli, name) -> None:
    home.log(home.project(name), "run " + name)
    home.once()
    code, answer = status(run_cli, str(home.workspace / name))
    assert code == 3
    assert [project["project"] for project in answer["projects"]] == [name]
    assert answer["projects"][0]["exports"]["current"] == 1
    _, out, _ = run_cli(main, "status")
    rows = [line for line in out.splitlines() if "1 current" in line]
    assert len(rows) == 1
    assert rows[0].startswith(name.replace("\n", "\\n"))


# -- as of -----------------------------------------------------------------------------------------


def test_at_shows_any_past_moment(recorded_home, run_cli) -> None:
    # given
    positions = {record.type: record for record in recorded_home.events()}
    recorded, exported = positions["RunRecorded"], positions["RunExported"]
    moment = recorded.recorded_at

    def of(at: object) -> tuple[int, int, int]:
        answer = status(run_cli, "--at", at)[1]
        runs = [project["runs"]["total"] for project in answer["projects"]]
        exports = [project["exports"]["current"] for project in answer["projects"]]
        return answer["as_of"], sum(runs), sum(exports)

    # then
    assert of(0) == (0, 0, 0)
    assert of(recorded.position) == (recorded.position, 1, 0)
    assert of(exported.position) == (exported.position, 1, 1)
    assert of(10**30)[1:] == (1, 1)
    assert of("00000000000000000000000")[0] == 0
    assert of(moment.isoformat())[1] == 1
    assert of((moment - timedelta(days=1)).isoformat()) == (0, 0, 0)
    assert of((moment + timedelta(days=1)).isoformat())[1:] == (1, 1)
    assert of(moment.astimezone().replace(tzinfo=None).isoformat())[1] == 1
    assert of((moment + timedelta(days=2)).strftime("%Y-%m-%d"))[1:] == (1, 1)
    assert of("1969-12-31T00:00:00Z") == (0, 0, 0)
    assert datetime.now(UTC) > moment


@pytest.mark.parametrize(
    "at",
    [
        "",
        "yesterday",
        "-5",
        "1.5",
        "²",
        "٣٤",
        "nan",
        "2026-13-01",
        "0001-01-01",
        "9999-12-31T23:59:59-12:00",
        "12:00",
        "9\n",
        os.fsdecode(b"\xff"),
    ],
)
def test_a_moment_that_is_none_is_a_usage_error(recorded_home, run_cli, one_error, at) -> None:
    code, out, err = run_cli(main, "status", f"--at={at}")
    assert (code, out) == (2, "")
    assert one_error(err)


def test_a_clock_that_was_set_back_does_not_mix_up_moments(
    home, run_cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a run recorded at noon, and another after the clock was set back a year
    import store.log

    project = home.project()
    home.log(project, "one")
    home.once()
    noon = home.events("RunRecorded")[0].recorded_at
    real = store.log.now_us
    monkeypatch.setattr("store.opening.Writer", _writer_with_clock(lambda: real() - 365 * 86_400))
    home.log(project, "two")
    home.once()

    # then time still only moves on, and "until noon" has the first run alone
    times = [record.recorded_at_us for record in home.events()]
    assert times == sorted(times)
    answer = status(run_cli, "--at", noon.isoformat())[1]
    assert answer["projects"][0]["runs"]["total"] == 1


def _writer_with_clock(clock):
    from store.writer import Writer

    def make(*arguments, **options):
        return Writer(*arguments, **options, clock=clock)

    return make


# -- what is in the way ----------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
@pytest.mark.parametrize(
    "words", [["status"], ["status", "--at", "1"], ["events"], ["db", "rebuild"], ["verify"]]
)
def test_an_event_log_that_is_garbage_is_one_line(home, run_cli, one_error, content, words) -> None:
    (home.state / "events.db").write_bytes(content)
    code, out, err = run_cli(main, *words)
    assert (code, out) == (1, "")
    assert "events.db" in one_error(err)
    assert (home.state / "events.db").read_bytes() == content


@pytest.mark.parametrize(
    "words", [["status"], ["status", "--at", "2"], ["events"], ["db", "rebuild"], ["verify"]]
)
def test_an_event_log_damaged_in_its_middle_is_no_traceback(recorded_home, run_cli, words) -> None:
    # given every page but the first overwritten
    database = recorded_home.state / "events.db"
    data = bytearray(database.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    database.write_bytes(data)

    # when
    code, out, err = run_cli(main, *words)

    # then
    assert code == 1
    assert "malformed" in err + out
    assert len(err.splitlines()) <= 2


def test_a_view_of_another_version_is_one_line_and_a_rebuild_away(
    recorded_home, run_cli, one_error
) -> None:
    connection = sqlite3.connect(recorded_home.state / "events.db")
    connection.execute("ALTER TABLE view_projects DROP COLUMN paused")
    connection.execute("UPDATE projections SET code_version = 0")
    connection.commit()
    connection.close()
    code, _, err = run_cli(main, "status", "rescue")
    assert code == 1
    assert "another version's" in one_error(err)
    assert run_cli(main, "db", "rebuild")[0] == 0
    assert status(run_cli, "rescue")[1]["projects"][0]["state"] == "ready"


def test_a_folder_in_place_of_the_event_log_is_one_line(home, run_cli, one_error) -> None:
    (home.state / "events.db").mkdir()
    code, _, err = run_cli(main, "status")
    assert code == 1
    assert "events.db" in one_error(err)


@pytest.mark.parametrize("state", ["file", "file/below", "missing", "x" * 300])
def test_a_state_directory_that_is_none_holds_no_event_log(tmp_path: Path, run_cli, state) -> None:
    (tmp_path / "file").touch()
    code, _, err = run_cli(main, "status", "--state", tmp_path / state)
    assert code in (1, 3)
    assert len(err.splitlines()) <= 2


def test_a_state_directory_that_cannot_be_read_is_one_line(
    recorded_home, run_cli, one_error, without_privilege
) -> None:
    recorded_home.state.chmod(0)
    try:
        with without_privilege():
            code, _, err = run_cli(main, "status")
    finally:
        recorded_home.state.chmod(0o700)
    assert code == 1
    assert "Permission denied" in one_error(err)


def test_an_unknown_home_is_a_usage_error(run_cli, one_error) -> None:
    code, _, err = run_cli(main, "status", "--state", "~nobody-of-that-name/x")
    assert code == 2
    assert "~nobody-of-that-name" in one_error(err)


def test_it_reads_while_somebody_writes(recorded_home, run_cli) -> None:
    # given a writer in the middle of a transaction
    writer = open_writer(recorded_home.state)
    in_it, go_on = threading.Event(), threading.Event()

    def unit(transaction: Transaction) -> None:
        transaction.append(NewEvent(DAEMON_STREAM, RebuildRequested(requested_by="test")))
        in_it.set()
        assert go_on.wait(20)

    before = status(run_cli)[1]["daemon"]["position"]
    done = writer.submit(unit)
    assert in_it.wait(20)

    # when / then it shows what is committed, and does not wait
    assert status(run_cli)[1]["daemon"]["position"] == before
    go_on.set()
    done.result(20)
    assert status(run_cli)[1]["daemon"]["position"] == before + 1
    writer.close()


def test_watch_ends_quietly_when_its_reader_leaves(recorded_home) -> None:
    watching = subprocess.Popen(
        [sys.executable, "-m", "cadenzad.cli", "cadenzactl", "status", "--watch"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert watching.stdout is not None
    first = watching.stdout.readline()
    watching.stdout.close()
    assert first.startswith(b"daemon: stopped")
    assert watching.wait(20) == 0
    assert watching.stderr is not None
    assert watching.stderr.read() == b""
    watching.stderr.close()


def test_to_watch_the_past_is_a_usage_error(recorded_home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "status", "--watch", "--at", "2")
    assert code == 2
    assert "one of them" in one_error(err)
