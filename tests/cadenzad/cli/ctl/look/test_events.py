"""`cadenzactl events`: every fact once, oldest first, one line each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import timedelta

import pytest

from cadenzad.cli.programs import cadenzactl as main
from store.events.envelope import DAEMON_STREAM, NewEvent
from store.events.process import RebuildRequested
from store.opening import open_writer


@pytest.fixture
def recorded_home(home):
    """One project with one exported run."""
    home.log(home.project())
    home.once()
    return home


def listed(run_cli, *words):
    code, out, err = run_cli(main, "events", "--json", *words)
    assert (code, err) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def test_json_is_one_object_a_line_in_order(recorded_home, run_cli) -> None:
    events = listed(run_cli)
    assert [event["position"] for event in events] == list(range(1, len(events) + 1))
    by_type = {event["type"]: event for event in events}
    exported, recorded = by_type["RunExported"], by_type["RunRecorded"]
    assert exported["causation"] == recorded["position"] == exported["correlation"]
    assert exported["project"] == "rescue"
    assert exported["path"] == str(recorded_home.workspace / "rescue")
    assert exported["recorded_at"].endswith("Z")
    assert set(exported) == {
        "position",
        "type",
        "project",
        "path",
        "recorded_at",
        "causation",
        "correlation",
        "schema_version",
        "data",
    }


def test_lines_for_people_say_what_happened_to_what(recorded_home, run_cli) -> None:
    code, out, err = run_cli(main, "events")
    assert (code, err) == (0, "")
    (line,) = [line for line in out.splitlines() if "RunRecorded" in line]
    assert "rescue" in line
    assert ".cadenza-env/one.log.jsonl" in line
    assert "succeeded after 3 ticks" in line
    assert len(out.splitlines()) == len(recorded_home.events())


def test_a_name_with_a_newline_stays_on_its_line(home, run_cli) -> None:
    home.log(home.project("a\nb"), "c\nd")
    home.once()
    code, out, _ = run_cli(main, "events")
    assert code == 0
    assert len(out.splitlines()) == len(home.events())
    assert "c\\nd.log.jsonl" in out


def test_filters_choose_by_type_project_and_moment(recorded_home, run_cli) -> None:
    # given a second project
    recorded_home.log(recorded_home.project("other"), "two")
    recorded_home.once()
    every = listed(run_cli)
    first = next(event for event in every if event["type"] == "RunExported")

    # then
    types = {event["type"] for event in listed(run_cli, "--type", "RunRecorded")}
    assert types == {"RunRecorded"}
    both = listed(run_cli, "--type", "RunRecorded", "--type", "RunExported")
    assert [event["type"] for event in both] == ["RunRecorded", "RunExported"] * 2
    assert {event["project"] for event in listed(run_cli, "--project", "other")} == {"other"}
    path = recorded_home.workspace / "other"
    assert listed(run_cli, "--project", path) == listed(run_cli, "--project", "other")
    position = first["position"]
    assert listed(run_cli, "--since", position) == every[position:]
    moment = recorded_home.events("RunExported")[0].recorded_at
    assert first in listed(run_cli, "--since", moment.isoformat())
    assert first not in listed(run_cli, "--since", (moment + timedelta(microseconds=1)).isoformat())
    assert listed(run_cli, "--since", 0) == every
    for beyond in (len(every), 10**9, 10**18, 10**19, "9" * 5000, "2999-01-01"):
        assert listed(run_cli, "--since", beyond) == []


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["--type", "Nothing"], 2, "no event type 'Nothing'"),
        (["--type", "runrecorded"], 2, "no event type"),
        (["--project", "nobody"], 4, "no project 'nobody'"),
        (["--project", ""], 2, "must not be empty"),
        (["--project", os.fsdecode(b"\xff\n")], 4, "no project"),
        (["--since", "²"], 2, "neither a position nor a time"),
        (["--since", ""], 2, "neither a position nor a time"),
        (["--since=-1"], 2, "neither a position nor a time"),
        (["--since", "0001-01-01"], 2, "neither a position nor a time"),
        (["--since"], 2, "expected one argument"),
        (["extra"], 2, "unrecognized arguments: extra"),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_line(
    recorded_home, run_cli, one_error, words, code, reason
) -> None:
    done, out, err = run_cli(main, "events", *words)
    assert (done, out) == (code, "")
    assert reason in one_error(err)


def test_without_an_event_log_it_says_so(home, run_cli, one_error) -> None:
    code, out, err = run_cli(main, "events", "--follow")
    assert (code, out) == (1, "")
    assert "there is no event log yet" in one_error(err)


def test_an_event_of_a_newer_version_is_named(recorded_home, run_cli, one_error) -> None:
    # given
    writer = open_writer(recorded_home.state)
    writer.append(NewEvent(DAEMON_STREAM, RebuildRequested(requested_by="test")))
    writer.run(
        lambda transaction: transaction.connection.execute(
            "INSERT INTO events SELECT position + 1, stream, version + 1, 'RobotDanced', 1, data,"
            " meta, NULL, NULL, position + 1, recorded_at_us, NULL FROM events"
            " ORDER BY position DESC LIMIT 1"
        )
    )
    writer.close()

    # when / then what came before is shown, then why it ends
    code, out, err = run_cli(main, "events", "--type", "RebuildRequested")
    assert (code, len(out.splitlines())) == (0, 1)
    code, out, err = run_cli(main, "events")
    assert code == 1
    assert "unknown type 'RobotDanced'" in one_error(err)


def test_a_reader_that_leaves_early_is_no_error(recorded_home) -> None:
    # given more output than a pipe holds
    writer = open_writer(recorded_home.state)
    event = RebuildRequested(requested_by="x" * 1000)
    writer.append(*[NewEvent(DAEMON_STREAM, event)] * 300)
    writer.close()

    # when
    command = [sys.executable, "-m", "cadenzad.cli", "cadenzactl", "events", "--json"]
    listing = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert listing.stdout is not None
    first = json.loads(listing.stdout.readline())
    listing.stdout.close()

    # then
    assert first["position"] == 1
    assert listing.wait(20) == 0
    assert listing.stderr is not None
    assert listing.stderr.read() == b""
    listing.stderr.close()


def test_follow_shows_what_is_there_and_what_comes(recorded_home) -> None:
    # given somebody who follows
    before = len(recorded_home.events())
    command = [sys.executable, "-m", "cadenzad.cli", "cadenzactl", "events", "--follow", "--json"]
    following = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert following.stdout is not None
    killer = threading.Timer(20, following.kill)
    killer.start()
    try:
        seen = [json.loads(following.stdout.readline()) for _ in range(before)]

        # when another run arrives
        recorded_home.log(recorded_home.workspace / "rescue", "two")
        recorded_home.once()

        # then it is shown at once, and an interrupt ends it without a word
        new = [json.loads(following.stdout.readline()) for _ in range(2)]
        assert [event["position"] for event in seen + new] == list(range(1, before + 3))
        assert [event["type"] for event in new] == ["RunRecorded", "RunExported"]
        following.send_signal(2)
        assert following.wait(20) == 130
        assert following.stderr is not None
        assert following.stderr.read() == b""
    finally:
        following.kill()
        following.communicate()
        killer.cancel()
        killer.join()
