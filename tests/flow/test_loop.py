"""The loop: a dropped run log becomes events, an export and a status line. The real daemon."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest


@pytest.fixture
def watched(house):
    """A sample project with the daemon watching it."""
    project = house.project()
    house.daemon = house.start()
    return project / ".cadenza-env"


def types(house, *wanted):
    return [event["type"] for event in house.events(*wanted)]


def test_a_dropped_log_becomes_an_event_an_export_and_a_status_line(house, watched, logs):
    # when
    (watched / "one.log.jsonl").write_bytes(logs.run(3))

    # then
    house.until(lambda: house.project_status()["exports"]["current"] == 1, "the export")
    project = house.project_status()
    assert project["runs"]["total"] == project["runs"]["succeeded"] == 1
    assert project["runs"]["last"]["run"] == "one"
    assert project["exports"] == {
        "current": 1,
        "stale": 0,
        "failed": 0,
        "missing": 0,
        "records": 3,
        "failures": [],
        "losses": [],
    }
    recorded, exported = house.events("RunRecorded", "RunExported")
    assert exported["causation"] == recorded["position"]
    assert exported["correlation"] == recorded["correlation"]
    export = watched / "exports" / "one.finetune.jsonl"
    records = [json.loads(line) for line in export.read_text().splitlines()]
    assert [record["tick"] for record in records] == [1, 2, 3]
    assert records[0]["action"] == "walk_forward"
    manifest = json.loads((watched / "exports" / "one.finetune.manifest.json").read_text())
    assert manifest["source"]["hash"] == recorded["data"]["file"]["sha256"]
    assert house.run("cadenzactl", "verify").returncode == 0


@pytest.mark.parametrize("shape", ["close", "rename", "hardlink", "move_dir", "hold_open"])
def test_however_a_log_arrives_it_is_recorded_once(house, watched, logs, shape):
    data, target = logs.run(3), watched / "one.log.jsonl"
    outside = house.root / "outside"
    outside.mkdir()
    held = None
    match shape:
        case "close":
            target.write_bytes(data)
        case "rename":
            (outside / "x").write_bytes(data)
            (outside / "x").rename(target)
        case "hardlink":
            (outside / "x").write_bytes(data)
            os.link(outside / "x", target)
        case "move_dir":
            shutil.copytree(watched.parent, outside / "other")
            (outside / "other" / ".cadenza-env" / "one.log.jsonl").write_bytes(data)
            (outside / "other").rename(house.workspace / "other")
        case "hold_open":
            held = target.open("wb")
            held.write(data)
            held.flush()
    house.until(lambda: types(house, "RunExported"), "the export")
    if held is not None:
        held.close()
    assert house.run("cadenzactl", "ping").returncode == 0
    assert types(house, "RunRecorded", "RunExtended", "RunReplaced") == ["RunRecorded"]


def test_a_log_that_grows_is_extended_and_exported_again(house, watched, logs):
    # given
    log = watched / "one.log.jsonl"
    first = b"".join(logs.tick(number) for number in (1, 2))
    log.write_bytes(first)
    house.until(lambda: types(house, "RunExported"), "the first export")

    # when it grows, with a torn line at its end
    last = logs.tick(3, terminated=True, mission_success=True)
    with log.open("ab") as stream:
        stream.write(last[:40])
    with log.open("ab") as stream:
        stream.write(last[40:])

    # then
    house.until(lambda: len(types(house, "RunExported")) == 2, "the second export")
    (extended,) = house.events("RunExtended")
    assert extended["data"]["previous_size"] == len(first)
    project = house.project_status()
    assert (project["runs"]["total"], project["runs"]["succeeded"]) == (1, 1)
    assert project["exports"]["records"] == 3


def test_the_same_bytes_again_are_nothing(house, watched, logs):
    log = watched / "one.log.jsonl"
    log.write_bytes(logs.run(3))
    house.until(lambda: types(house, "RunExported"), "the export")
    before = house.status()["daemon"]["position"]

    # when it is touched, and rewritten with the same bytes, in place and by rename
    os.utime(log)
    log.write_bytes(logs.run(3))
    (house.root / "x").write_bytes(logs.run(3))
    (house.root / "x").rename(log)
    (watched / "two.log.jsonl").write_bytes(logs.run(2))

    # then
    house.until(lambda: len(types(house, "RunExported")) == 2, "the other run")
    time_of = [event["data"]["run_id"] for event in house.events("RunRecorded")]
    assert time_of == ["one", "two"]
    assert all(event["type"] in ("RunRecorded", "RunExported") for event in house.events()[before:])


def test_a_copy_is_a_run_of_its_own_that_names_its_twin(house, watched, logs):
    (watched / "one.log.jsonl").write_bytes(logs.run(3))
    house.until(lambda: types(house, "RunExported"), "the export")
    shutil.copyfile(watched / "one.log.jsonl", watched / "two.log.jsonl")
    house.until(lambda: house.project_status()["exports"]["current"] == 2, "the copy's export")
    copy = house.events("RunRecorded")[1]["data"]
    assert copy["twin_of"] == ".cadenza-env/one.log.jsonl"


def test_a_rewritten_or_truncated_log_is_replaced(house, watched, logs):
    log = watched / "one.log.jsonl"
    log.write_bytes(logs.run(3))
    house.until(lambda: types(house, "RunExported"), "the export")
    log.write_bytes(logs.run(4, success=False, start=2))
    house.until(lambda: len(types(house, "RunExported")) == 2, "the export of the rewritten log")
    os.truncate(log, len(logs.tick(2)))
    house.until(lambda: len(types(house, "RunExported")) == 3, "the export of the truncated log")
    assert types(house, "RunRecorded", "RunExtended", "RunReplaced") == [
        "RunRecorded",
        "RunReplaced",
        "RunReplaced",
    ]
    assert house.project_status()["runs"]["total"] == 1


def test_a_renamed_log_is_the_same_run_under_its_new_name(house, watched, logs):
    (watched / "one.log.jsonl").write_bytes(logs.run(3))
    house.until(lambda: types(house, "RunExported"), "the export")
    (watched / "one.log.jsonl").rename(watched / "two.log.jsonl")
    house.until(lambda: types(house, "FileMoved"), "the move")
    house.until(lambda: house.project_status()["exports"]["current"] == 1, "the export")
    assert [path.name for path in sorted((watched / "exports").iterdir())] == [
        "two.finetune.jsonl",
        "two.finetune.manifest.json",
    ]
    assert house.project_status()["runs"]["total"] == 1
    assert house.run("cadenzactl", "verify").returncode == 0


def test_a_bad_log_is_rejected_with_its_reason_and_left_alone(house, watched):
    bad = watched / "bad.log.jsonl"
    bad.write_bytes(b"[1]\nnull\n\xff\xfe\n")
    house.until(lambda: house.project_status()["runs"]["rejected"] == 1, "the rejection")
    (shown,) = house.project_status()["runs"]["rejected_files"]
    assert shown["path"] == ".cadenza-env/bad.log.jsonl"
    assert shown["line"] == 1
    assert bad.read_bytes() == b"[1]\nnull\n\xff\xfe\n"
    table = house.run("cadenzactl", "status").stdout
    assert "rejected .cadenza-env/bad.log.jsonl" in table


def test_a_changed_env_json_makes_exports_stale_and_exports_again(house, watched, logs):
    # given
    for name in ("one", "two"):
        (watched / f"{name}.log.jsonl").write_bytes(logs.run(3))
    house.until(lambda: house.project_status()["exports"]["current"] == 2, "two exports")

    # when
    env = watched.parent / "env.json"
    mission = json.loads(env.read_text())
    mission["vla_finetune"] = {"prompt_template": "{goal_prompt} ->"}
    env.write_text(json.dumps(mission))

    # then
    house.until(lambda: len(types(house, "RunExported")) == 4, "two new exports")
    house.until(lambda: house.project_status()["exports"]["current"] == 2, "both are current")
    (changed,) = house.events("ProjectChanged")
    requested = house.events("ExportRequested")
    assert {event["causation"] for event in requested} == {changed["position"]}
    record = json.loads((watched / "exports" / "one.finetune.jsonl").read_text().splitlines()[0])
    assert record["prompt"] == "walk forward 1.0 meters ->"


def test_a_broken_env_json_is_named_and_its_repair_exports_what_waited(house, watched, logs):
    env = watched.parent / "env.json"
    good = env.read_text()
    env.write_text('{"name": "x", "phases": []}')
    house.until(lambda: house.project_status()["state"] == "invalid", "the project is invalid")
    assert "phases" in house.project_status()["reason"]
    (watched / "one.log.jsonl").write_bytes(logs.run(3))
    house.until(lambda: house.project_status()["exports"]["failed"] == 1, "the failed export")
    env.write_text(good)
    house.until(lambda: house.project_status()["exports"]["current"] == 1, "the export")
    assert house.project_status()["state"] == "ready"


def test_a_new_project_is_found_while_running(house, watched, logs):
    other = house.workspace / "other"
    other.mkdir()
    # the empty folder has been seen when an answer comes: env.json arrives in a known folder
    house.run("cadenzactl", "ping")
    shutil.copyfile(watched.parent / "env.json", other / "env.json")
    house.until(
        lambda: any(p["project"] == "other" for p in house.status()["projects"]), "the project"
    )
    (other / ".cadenza-env").mkdir()
    (other / ".cadenza-env" / "one.log.jsonl").write_bytes(logs.run(2))
    house.until(lambda: house.project_status("other")["exports"]["current"] == 1, "its export")


def test_examples_exams_and_orchestrator_logs_are_taken_up(house, watched):
    row = {"goal": "walk one meter", "actions": [{"action": "walk_forward", "distance_m": 1.0}]}
    line = json.dumps(row).encode() + b"\n"
    before = house.project_status()["examples"]
    (watched / "more.examples.jsonl").write_bytes(line * 3)
    (watched / "examples").mkdir()
    (watched / "examples" / "held.exam.jsonl").write_bytes(line)
    house.until(
        lambda: (
            house.project_status()["examples"]
            == {"train": before["train"] + 3, "exam": before["exam"] + 1}
        ),
        "the examples",
    )
    session = [
        {"ts": 1.0, "event": "session_start", "robot": "go1", "goal": "g", "target": "ball"},
        {"ts": 2.0, "event": "target_reached", "tick": 3, "distance_m": 0.1},
        {"ts": 3.0, "event": "session_end"},
    ]
    text = "".join(json.dumps(item) + "\n" for item in session)
    (watched.parent / "session.jsonl").write_text(text)
    (watched.parent / "notes.jsonl").write_text('{"my": "own"}\n')
    house.until(lambda: house.project_status()["runs"]["succeeded"] == 1, "the session")
    house.stop(house.daemon)
    assert not house.events("FileRejected", "ReactionFailed")


# -- starting and stopping -------------------------------------------------------------------------


def test_what_was_dropped_before_the_start_is_in_when_the_daemon_is_ready(house, logs):
    project = house.project()
    for index in range(5):
        log = project / ".cadenza-env" / f"{index}.log.jsonl"
        log.write_bytes(logs.run(2))
        os.utime(log, (1, 1))
    house.start()
    assert house.project_status()["runs"]["total"] == 5


def test_a_restart_records_nothing_twice(house, watched, logs):
    (watched / "one.log.jsonl").write_bytes(logs.run(3))
    house.until(lambda: types(house, "RunExported"), "the export")
    assert house.stop(house.daemon) == 0
    before = types(house)
    daemon = house.start()
    assert house.stop(daemon, signal.SIGINT) == 0
    assert types(house)[len(before) :] == ["DaemonStarted", "DaemonStopped"]


def test_a_second_daemon_says_who_holds_the_lock(house, watched):
    second = house.run("cadenzad", "--config", house.config, check=False)
    assert second.returncode == 1
    assert f"cadenzad (pid {house.daemon.pid})" in second.stderr
    assert house.run("cadenzactl", "ping").returncode == 0


def test_status_works_without_a_daemon_and_says_so(house, watched, logs):
    (watched / "one.log.jsonl").write_bytes(logs.run(3))
    house.until(lambda: house.project_status()["exports"]["current"] == 1, "the export")
    house.stop(house.daemon, signal.SIGKILL)
    answer = house.run("cadenzactl", "status", "--json", check=False)
    assert answer.returncode == 3
    status = json.loads(answer.stdout)
    assert status["daemon"]["state"] == "stopped"
    assert status["daemon"]["pid"] is None
    assert status["projects"][0]["exports"]["current"] == 1
    assert house.run("cadenzactl", "ping", check=False).returncode == 3


def test_once_does_everything_there_is_to_do(house, logs):
    project = house.project()
    (project / ".cadenza-env" / "one.log.jsonl").write_bytes(logs.run(3))
    house.once()
    assert house.project_status()["exports"]["current"] == 1
    before = house.status()["daemon"]["position"]
    house.once()
    assert house.status()["daemon"]["position"] == before
    assert house.status()["daemon"]["lag"] == 0


# -- what a watch misses ---------------------------------------------------------------------------


def test_a_workspace_that_is_deleted_and_made_anew_is_watched_again(house, watched, logs):
    spare = house.root / "spare"
    shutil.copytree(watched.parent, spare)
    shutil.rmtree(house.workspace)
    house.until(lambda: house.status()["daemon"]["degraded"], "a degraded reason")
    house.workspace.mkdir()
    shutil.move(spare, house.workspace / "rescue")
    house.run("cadenzactl", "ping")
    (watched / "late.log.jsonl").write_bytes(logs.run(2))
    house.until(lambda: types(house, "RunExported"), "the export")
    assert types(house, "WatchDegraded")


def test_an_overflow_ends_in_a_scan_and_a_reason(house, watched, logs):
    # given a daemon that cannot read its queue while it fills
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 50_000:
        pytest.skip(f"max_queued_events is {limit}")
    os.kill(house.daemon.pid, signal.SIGSTOP)
    try:
        for index in range(limit // 2 + 1000):
            (watched / f".noise-{index}").touch()
        (watched / "lost.log.jsonl").write_bytes(logs.run(2))
    finally:
        os.kill(house.daemon.pid, signal.SIGCONT)

    # then
    house.until(lambda: types(house, "RunExported"), "the export of the file nobody reported")
    reasons = house.status()["daemon"]["degraded"]
    assert [reason["code"] for reason in reasons] == ["overflow"]


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_twenty_thousand_logs_while_the_daemon_stands_still_are_recorded_once(house, watched, logs):
    # given a daemon that stands still, and a project whose exports nobody waits for
    house.run("cadenzactl", "pause", watched.parent)
    os.kill(house.daemon.pid, signal.SIGSTOP)
    data = logs.run(2)

    # when
    try:
        for number in range(20_000):
            (watched / f"{number}.log.jsonl").write_bytes(data)
    finally:
        os.kill(house.daemon.pid, signal.SIGCONT)

    # then
    def recorded():
        return house.project_status()["runs"]["total"]

    house.until(lambda: recorded() == 20_000, "all logs", timeout=900)
    paths = [event["data"]["file"]["path"] for event in house.events("RunRecorded")]
    assert len(paths) == len(set(paths)) == 20_000
    reasons = house.status()["daemon"]["degraded"]
    assert [reason["code"] for reason in reasons] == ["overflow"]
    assert house.stop(house.daemon) == 0


def test_the_periodic_reconcile_finds_what_was_missed_and_clears_reasons(house, logs):
    # given a daemon that can watch nothing, as at the limit of inotify instances
    project = house.project()
    house.configure(every=0.3)
    blind = (
        "import errno, sys\n"
        "from watchdog.observers import inotify_c\n"
        "def refuse(self, *a): raise OSError(errno.EMFILE, 'instance limit reached')\n"
        "inotify_c.InotifyFD.__init__ = refuse\n"
        "from cadenzad.cli.daemon import main\n"
        "sys.exit(main())\n"
    )

    house.start(command=[sys.executable, "-c", blind])

    # when / then
    (project / ".cadenza-env" / "one.log.jsonl").write_bytes(logs.run(3))
    house.until(lambda: house.project_status()["exports"]["current"] == 1, "the export")
    assert house.status()["daemon"]["degraded"]


def test_a_deleted_log_keeps_its_history_and_verify_stays_quiet(house, logs):
    project = house.project()
    house.configure(every=0.3)
    house.start()
    log = project / ".cadenza-env" / "one.log.jsonl"
    log.write_bytes(logs.run(3))
    house.until(lambda: types(house, "RunExported"), "the export")
    log.unlink()
    house.until(lambda: types(house, "FileRemoved"), "the removal")
    assert house.project_status()["runs"]["total"] == 1
    assert house.run("cadenzactl", "verify").returncode == 0


def test_a_link_that_leaves_the_project_is_refused(house, watched, logs):
    outside = house.root / "secret.log.jsonl"
    outside.write_bytes(logs.run(3))
    (watched / "link.log.jsonl").symlink_to(outside)
    house.until(lambda: house.project_status()["runs"]["rejected"] == 1, "the rejection")
    assert (
        "leads out of the project" in house.project_status()["runs"]["rejected_files"][0]["reason"]
    )
    assert not (watched / "exports").exists()
