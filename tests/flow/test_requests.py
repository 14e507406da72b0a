"""Requests: with a daemon, without one, before one starts, in its way. The real commands."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from cadenzad.config.paths import make_state_dir
from handlers.project.scaffold import recorded_run


@pytest.fixture
def project(house) -> Path:
    """A sample project with its recorded run, which no daemon knows yet."""
    made = house.project()
    shutil.copyfile(recorded_run(), made / ".cadenza-env" / "first.log.jsonl")
    return made


def facts(house, *types: str) -> list[dict]:
    """Events without what differs from one history to another."""
    events = house.events(*types)
    begin = {event["position"]: index for index, event in enumerate(events)}
    return [
        {
            "type": event["type"],
            "path": event["path"],
            "data": event["data"],
            "cause": begin.get(event["causation"]),
            "chain": begin.get(event["correlation"]),
        }
        for event in events
    ]


def leave(house, kind: str, body: dict, name: str = "") -> Path:
    """Put a request into the inbox by hand."""
    request_id = name or uuid.uuid4().hex
    inbox = make_state_dir(house.state) / "inbox"
    path = inbox / f"{request_id}.json"
    draft = inbox / f".{request_id}"
    draft.write_text(json.dumps({"id": request_id, "kind": kind, "body": body}))
    return draft.rename(path)


# -- by hand, with and without a daemon ------------------------------------------------------------


def test_an_export_by_hand_is_the_same_history_with_and_without_a_daemon(house, project) -> None:
    # given the same wish, without a daemon and with one
    output = house.root / "records.jsonl"
    words = ("env", "finetune", project, "first", "-o", output, "--min-reward", "-0.5")
    house.run("cadenza", *words)
    alone, bytes_alone = facts(house), output.read_bytes()
    shutil.rmtree(house.state)
    output.unlink()
    house.start()
    manual = "ExportRequested", "RunExported"
    house.until(lambda: house.events("RunExported"), "the daemon's own export")
    before = len(facts(house, *manual))

    # when
    house.run("cadenza", *words)
    house.until(lambda: len(facts(house, *manual)) == before + 2, "the export by hand")

    # then
    requested, exported = house.events(*manual)[before:]
    assert exported["causation"] == requested["position"] == exported["correlation"]
    assert [(fact["type"], fact["path"], fact["data"]) for fact in alone] == [
        (event["type"], event["path"], event["data"]) for event in (requested, exported)
    ]
    assert (alone[1]["cause"], alone[1]["chain"]) == (0, 0)
    assert output.read_bytes() == bytes_alone
    assert house.project_status()["exports"]["current"] == 1
    assert house.run("cadenzactl", "verify").returncode == 0


def records(path: Path) -> list[list[tuple[str, object]]]:
    """Records with the order of their keys; how they are spaced and escaped is no content."""
    return [list(json.loads(line).items()) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("mission", ["rescue-dog", "keepout"])
def test_by_hand_and_by_the_daemon_the_export_is_the_golden_one(house, recorded, mission) -> None:
    # given recorded runs, exported by the daemon
    source, target = recorded / "missions" / mission, house.workspace / mission
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    target.chmod(0o755)  # the recordings may be read-only
    (target / ".cadenza-env").mkdir()
    logs = [Path(shutil.move(log, target / ".cadenza-env")) for log in target.glob("*.log.jsonl")]
    house.once()

    # when / then
    output = house.root / "out.jsonl"
    for log in logs:
        run = log.name.removesuffix(".log.jsonl")
        house.run("cadenza", "env", "finetune", mission, run, "-o", output)
        assert records(output) == records(target / f"{run}.finetune.jsonl")
        exported = log.parent / "exports" / f"{run}.finetune.jsonl"
        assert output.read_bytes() == exported.read_bytes()


def test_a_rebuild_is_the_same_history_with_and_without_a_daemon(house, project) -> None:
    house.once()
    house.run("cadenzactl", "db", "rebuild")
    house.start()
    assert "the same as before" in house.run("cadenzactl", "db", "rebuild").stdout
    (first, second) = house.events("ViewRebuilt")
    assert first["data"]["same"]
    assert second["data"]["same"]
    for requested, rebuilt in zip(
        house.events("RebuildRequested"), house.events("ViewRebuilt"), strict=True
    ):
        assert rebuilt["causation"] == requested["position"]
    assert list((house.state / "inbox").iterdir()) == []


# -- the inbox -------------------------------------------------------------------------------------


def test_a_request_left_while_no_daemon_ran_is_carried_out_once(house, project) -> None:
    # given
    house.once()
    request = leave(house, "rebuild", {"requested_by": "test"})
    again = house.root / "again"
    shutil.copyfile(request, again)

    # when a daemon starts
    daemon = house.start()
    assert len(house.events("ViewRebuilt")) == 1
    assert not request.exists()

    # and the same file comes once more, to it and to the next one
    shutil.copyfile(again, request)
    house.until(lambda: not request.exists(), "the request is taken")
    house.stop(daemon)
    shutil.copyfile(again, request)
    house.start()

    # then
    assert not request.exists()
    assert len(house.events("ViewRebuilt", "RebuildRequested")) == 2


def test_what_is_no_request_is_refused_and_left_and_harms_nobody(house, project) -> None:
    # given all sorts of things in the inbox before the start
    inbox = house.state / "inbox"
    leave(house, "dance", {}, "unknown")
    leave(house, "record-export", {"project": "/\ud800"}, "half-a-character")
    leave(house, "cancel-job", {"job": 10**30, "by": "test"}, "huge-number")
    (inbox / "garbage.json").write_bytes(os.urandom(100))
    (inbox / "folder.json").mkdir()
    os.mkfifo(inbox / "pipe.json")
    (inbox / "dangling.json").symlink_to("nowhere")
    (inbox / os.fsdecode(b"odd\xff\n.json")).write_text("[1]")
    (inbox / "notes.txt").write_text("mine")

    # when
    house.start()
    (inbox / "late.json").write_text("[1]")
    house.until(lambda: (inbox / "late.json.refused").exists(), "the refusal of a late one")
    assert house.run("cadenzactl", "ping").returncode == 0

    # then each is still there, under a name that is not looked at again, and said in one line
    links = ("pipe", "dangling")
    refused = ("unknown", "half-a-character", "huge-number", "garbage", "folder", *links, "late")
    left = {path.name for path in inbox.iterdir()}
    others = {"notes.txt", os.fsdecode(b"odd\xff\n.json.refused")}
    assert left == {f"{name}.json.refused" for name in refused} | others
    log = house.log()
    assert "Traceback" not in log
    for name in refused:
        assert [line for line in log.splitlines() if name in line and "WARNING" in line], name


def test_a_state_directory_that_was_replaced_is_no_traceback(house, project) -> None:
    house.start()
    shutil.rmtree(house.state / "inbox")
    ping = house.run("cadenzactl", "ping", "--timeout", "1", check=False)
    assert ping.returncode == 1
    assert len(ping.stderr.splitlines()) <= 2


# -- races -----------------------------------------------------------------------------------------


def test_commands_that_race_each_leave_their_history(house, project) -> None:
    # given no daemon
    house.once()
    before = len(house.events("ExportRequested"))

    def finetune(number: int) -> int:
        output = house.root / f"{number}.jsonl"
        return house.run("cadenza", "env", "finetune", project, "first", "-o", output).returncode

    # when six commands write at once, two of them the whole view
    with ThreadPoolExecutor(6) as pool:
        exports = [pool.submit(finetune, number) for number in range(4)]
        rebuilds = [pool.submit(house.run, "cadenzactl", "db", "rebuild") for _ in range(2)]
        assert [done.result() for done in exports] == [0] * 4
        assert [done.result().returncode for done in rebuilds] == [0] * 2

    # then
    assert len(house.events("ExportRequested")) == before + 4
    assert len(house.events("ViewRebuilt")) == 2
    assert list((house.state / "inbox").iterdir()) == []
    assert house.run("cadenzactl", "verify").returncode == 0


def test_commands_that_race_with_a_start_are_all_in_the_history(house, project) -> None:
    house.once()
    with ThreadPoolExecutor(3) as pool:
        rebuilds = [pool.submit(house.run, "cadenzactl", "db", "rebuild") for _ in range(3)]
        house.start()
        assert [done.result().returncode for done in rebuilds] == [0] * 3
    assert len(house.events("ViewRebuilt")) == 3


# -- a daemon that does not answer -----------------------------------------------------------------


def test_ping_gives_up_on_a_stopped_daemon_with_one_line(house, project) -> None:
    daemon = house.start()
    daemon.send_signal(signal.SIGSTOP)
    try:
        ping = house.run("cadenzactl", "ping", "--timeout", "0.3", check=False)
        status = house.run("cadenzactl", "status", check=False)
    finally:
        daemon.send_signal(signal.SIGCONT)
    assert (ping.returncode, ping.stdout) == (1, "")
    assert f"the daemon (pid {daemon.pid}) did not answer in 0.3 s" in ping.stderr.splitlines()[0]
    assert len(ping.stderr.splitlines()) == 2
    assert (status.returncode, "not responding" in status.stdout) == (3, True)
    assert list((house.state / "inbox").iterdir()) == []
    assert house.run("cadenzactl", "ping").returncode == 0


# -- following -------------------------------------------------------------------------------------


def test_follow_shows_what_comes_while_it_comes(house, project, logs) -> None:
    # given
    house.start()
    house.until(lambda: house.events("RunExported"), "the first export")
    command = ["cadenzactl", "events", "--follow", "--type", "RunRecorded", "--json"]
    following = subprocess.Popen(
        [Path(sys.executable).parent / command[0], *command[1:]],
        env=house.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["data"]["run_id"] == "first"

        # when
        (project / ".cadenza-env" / "second.log.jsonl").write_bytes(logs.run(2))

        # then
        assert json.loads(following.stdout.readline())["data"]["run_id"] == "second"
        following.send_signal(signal.SIGINT)
        _, err = following.communicate(timeout=20)
        assert (following.returncode, err) == (130, "")
    finally:
        following.kill()
        following.communicate()


# -- what is in the daemon's way -------------------------------------------------------------------


def test_odd_names_and_closed_folders_do_not_end_a_daemon(house, project, logs) -> None:
    # given a daemon for whom permissions count, and names that are no text
    odd = house.workspace / os.fsdecode(b"odd\xff")
    shutil.copytree(project, odd)
    newline = house.workspace / "new\nline"
    shutil.copytree(project, newline)
    closed = house.workspace / "closed"
    shutil.copytree(project, closed)
    house.configure(every=0.2)
    binary = str(Path(sys.executable).parent / "cadenzad")
    house.start(command=[*unprivileged(), binary])
    house.until(lambda: len(house.events("RunExported")) == 3, "the first exports")

    # when a folder is closed for some scans, then opened
    (closed / ".cadenza-env").chmod(0)
    try:
        house.until(
            lambda: any(
                "closed" in item["detail"] for item in house.status()["daemon"]["degraded"]
            ),
            "the closed folder is told",
        )
    finally:
        (closed / ".cadenza-env").chmod(0o755)
    for name in ("closed", "new\nline"):
        folder = house.workspace / name / ".cadenza-env"
        (folder / "second.log.jsonl").write_bytes(logs.run(2))
        house.until(
            lambda name=name: house.project_status(name)["exports"]["current"] == 2,
            f"both exports of {name!r}",
        )

    # then
    assert "Traceback" not in house.log()
    assert not house.events("FileRemoved", "ProjectRemoved", "ReactionFailed")
    assert any("odd\\xff" in item["detail"] for item in house.status()["daemon"]["degraded"])
    assert house.run("cadenzactl", "ping").returncode == 0


def test_a_project_that_may_not_be_written_is_told_and_exported_when_it_may(
    house, project, logs
) -> None:
    # given
    house.start(command=[*unprivileged(), str(Path(sys.executable).parent / "cadenzad")])
    house.until(lambda: house.project_status()["exports"]["current"] == 1, "the first export")
    exports = project / ".cadenza-env" / "exports"
    exports.chmod(0o500)

    # when
    (project / ".cadenza-env" / "second.log.jsonl").write_bytes(logs.run(2))
    house.until(lambda: house.project_status()["exports"]["failed"] == 1, "the failure")
    (failure,) = house.project_status()["exports"]["failures"]
    assert "Permission denied" in failure["reason"]
    exports.chmod(0o755)

    # then a touched mission asks again
    env = project / "env.json"
    env.write_text(env.read_text() + "\n")
    house.until(lambda: house.project_status()["exports"]["current"] == 2, "both exports")


def unprivileged() -> list[str]:
    """What makes permissions count for root too; nothing for anybody else."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("no setpriv")
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search"]


# -- whose it is -----------------------------------------------------------------------------------


def test_what_is_ours_is_nobody_elses_whatever_the_umask(house, project) -> None:
    # given a daemon and commands of somebody who shares what he makes
    before = os.umask(0)
    try:
        daemon = house.start()
        house.until(lambda: house.events("RunExported"), "the export")
        house.run("cadenzactl", "selftest")
        leave(house, "cancel-job", {"job": 1, "by": "me"}, "late")
        house.run("cadenzactl", "db", "rebuild")
        seen = private(house.state)
        house.stop(daemon)
        house.run("cadenzactl", "pause", "rescue")
    finally:
        os.umask(before)

    # then nobody else can look into the state directory or any file in it, then or later
    assert {"events.db", "events.db-wal", "writer.lock", "inbox"} <= seen | private(house.state)


def private(state: Path) -> set[str]:
    """The names in a state directory, each of which is its owner's alone."""
    for path in (state, *state.rglob("*")):
        with suppress(FileNotFoundError):
            assert path.stat().st_mode & 0o077 == 0, path
    return {path.name for path in state.rglob("*")}


@pytest.mark.parametrize("name", ["", "inbox"])
def test_a_state_directory_that_others_can_write_is_used_by_nobody(house, project, name) -> None:
    house.once()
    before = house.events()
    place = house.state / name
    place.chmod(0o770)
    commands = [
        ("cadenzad", "--config", house.config, "--once"),
        ("cadenzactl", "pause", "rescue"),
        ("cadenzactl", "db", "rebuild"),
        ("cadenzactl", "db", "restore", house.state / "events.db"),
        ("cadenzactl", "selftest"),
    ]
    for command in commands:
        done = house.run(*command, check=False)
        assert (done.returncode, "others can write to it" in done.stderr) == (1, True), command
        assert done.stderr.splitlines()[1:] == [f"  chmod go-w {place}"]
    doctor = house.run("cadenzactl", "doctor", check=False).stdout
    assert f"chmod go-w {place}" in doctor
    assert house.events() == before
    place.chmod(0o700)
    house.run("cadenzactl", "pause", "rescue")
