"""What a service manager expects: READY, WATCHDOG, reload, stop; jobs that end with the daemon."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import urllib.request

import pytest


@pytest.fixture
def manager(house):
    """A notification socket such as systemd's; `heard()` gives all that was said."""
    path = house.root / "notify"
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(str(path))
    server.setblocking(False)
    house.environ["NOTIFY_SOCKET"] = str(path)
    said: list[str] = []

    def heard() -> list[str]:
        while True:
            try:
                said.extend(server.recv(65536).decode().splitlines())
            except BlockingIOError:
                return said

    yield heard
    server.close()


def test_ready_is_told_after_the_startup_scan_is_in_the_log(house, logs, manager):
    # given
    project = house.project()
    for index in range(20):
        log = project / ".cadenza-env" / f"{index}.log.jsonl"
        log.write_bytes(logs.run(2))
        os.utime(log, (1, 1))

    # when
    house.start(wait=False)
    house.until(lambda: "READY=1" in manager(), "READY=1")

    # then
    assert len(house.events("RunRecorded")) == 20
    assert any(line.startswith("STATUS=watching 1 project") for line in manager())


def test_the_watchdog_is_fed_and_a_dead_watcher_starves_it(house, manager):
    house.project()
    house.environ["WATCHDOG_USEC"] = "400000"
    daemon = house.start()
    house.until(lambda: manager().count("WATCHDOG=1") >= 3, "three watchdog pings")

    # when the inbox can no longer be watched or written
    shutil.rmtree(house.state / "inbox")
    (house.state / "inbox").write_text("in the way")
    house.until(lambda: "is not watched" in house.log() or "cannot write" in house.log(), "a word")
    fed = manager().count("WATCHDOG=1")
    house.until(lambda: house.log().count("watchdog:") >= 4, "more failed rounds")
    assert manager().count("WATCHDOG=1") <= fed + 1
    house.stop(daemon)


def test_stopping_is_told_and_in_good_order(house, manager):
    house.project()
    daemon = house.start()
    assert house.stop(daemon) == 0
    assert "STOPPING=1" in manager()
    assert house.events()[-1]["type"] == "DaemonStopped"


def test_a_reload_takes_over_a_good_configuration_and_refuses_a_bad_one(house, logs, manager):
    # given
    project = house.project()
    other = house.root / "others"
    other.mkdir()
    shutil.copytree(project, other / "second")
    daemon = house.start()

    # when the file is broken
    good = house.config.read_text()
    house.config.write_text("workspace = 3\n")
    daemon.send_signal(signal.SIGHUP)
    house.until(lambda: "not reloaded" in house.log(), "the refusal")
    assert "workspaces" in house.log()
    assert house.status()["daemon"]["workspaces"] == [str(house.workspace)]

    # and then names one more workspace
    house.config.write_text(
        good.replace(f"['{house.workspace}']", json.dumps([str(house.workspace), str(other)]))
    )
    daemon.send_signal(signal.SIGHUP)
    house.until(lambda: len(house.status()["projects"]) == 2, "the second project")
    (other / "second" / ".cadenza-env" / "one.log.jsonl").write_bytes(logs.run(2))
    house.until(lambda: house.project_status("second")["exports"]["current"] == 1, "its export")
    assert "RELOADING=1" in manager()


def test_a_job_runs_in_the_daemon_and_shows_in_status(house):
    house.project()
    house.start()
    done = house.run("cadenzactl", "selftest", "rescue", "--json")
    assert json.loads(done.stdout)["state"] == "succeeded"
    (job,) = house.project_status()["jobs"]
    assert (job["kind"], job["state"]) == ("selftest", "succeeded")
    assert "2 folders writable" in job["result"]
    assert house.run("cadenzactl", "verify").returncode == 0


def test_a_paused_project_records_and_catches_up_when_resumed(house, logs):
    project = house.project()
    house.start()
    assert "paused" in house.run("cadenzactl", "pause", "rescue").stdout
    (project / ".cadenza-env" / "one.log.jsonl").write_bytes(logs.run(2))
    house.until(lambda: house.project_status()["runs"]["total"] == 1, "the run is recorded")
    assert house.run("cadenzactl", "ping").returncode == 0
    house.until(lambda: house.status()["daemon"]["lag"] == 0, "the reactor is through")
    assert house.project_status()["exports"]["current"] == 0
    assert house.project_status()["paused"]
    house.run("cadenzactl", "resume", "rescue")
    house.until(lambda: house.project_status()["exports"]["current"] == 1, "the export")
    assert "already" in house.run("cadenzactl", "resume", "rescue").stdout


def test_a_project_may_ask_for_more_patience(house, logs):
    # given a project whose logs are written in bursts that are further apart than usual
    project = house.project()
    (project / "cadenzad.toml").write_text("[watch]\nsettle = 1.5\n")
    house.start()
    log = project / ".cadenza-env" / "one.log.jsonl"

    # when a log is closed and goes on within its patience
    log.write_bytes(logs.tick(1))
    with log.open("ab") as stream:
        stream.write(logs.tick(2))

    # then it is read once, whole
    house.until(lambda: house.project_status()["exports"]["records"] == 2, "the export")
    assert not house.events("RunExtended")

    # and a file that asks for what a project may not have is named
    (project / "cadenzad.toml").write_text("[watch]\nsettle = 0.001\n")
    house.stop(house.daemons[-1])
    house.start()
    reasons = house.status()["daemon"]["degraded"]
    assert any("cadenzad.toml" in reason["detail"] for reason in reasons), reasons


def test_metrics_are_written_and_served_on_loopback(house, logs):
    # given
    project = house.project()
    target = house.root / "cadenzad.prom"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with house.config.open("a") as config:
        config.write(f"[metrics]\ntextfile = '{target}'\nevery = 1\nport = {port}\n")

    # when
    house.start()
    (project / ".cadenza-env" / "one.log.jsonl").write_bytes(logs.run(2))
    house.until(lambda: house.project_status()["exports"]["current"] == 1, "the export")

    # then
    house.until(target.exists, "the textfile")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        served = answer.read().decode()
    for text in (target.read_text(), served):
        assert "cadenzad_" in text
        assert text.endswith("\n")
