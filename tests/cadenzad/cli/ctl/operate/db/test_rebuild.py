"""`cadenzactl db rebuild`: the view anew, the same if it was right, right if it was not."""

from __future__ import annotations

import json
import threading

import pytest

from cadenzad.cli.programs import cadenzactl as main
from cadenzad.requests.client import perform
from cadenzad.requests.commands import Rebuild
from store.errors import DaemonError
from store.lock import WriterLock
from store.opening import open_writer


@pytest.fixture
def recorded_home(home):
    home.log(home.project())
    home.once()
    return home


def test_a_view_that_was_right_stays_the_same(recorded_home, run_cli) -> None:
    before = len(recorded_home.events())
    code, out, err = run_cli(main, "db", "rebuild")
    assert (code, err) == (0, "")
    assert out == f"rebuilt from {before + 1} events: the view is the same as before\n"
    requested, rebuilt = recorded_home.events()[before:]
    assert (requested.type, rebuilt.type) == ("RebuildRequested", "ViewRebuilt")
    assert rebuilt.causation == requested.position
    code, out, _ = run_cli(main, "db", "rebuild", "--json")
    answer = json.loads(out)
    assert (code, answer["same"], answer["position"]) == (0, True, before + 4)


def test_a_view_that_was_wrong_is_right_again(recorded_home, run_cli) -> None:
    writer = open_writer(recorded_home.state)
    writer.run(lambda t: t.connection.execute("UPDATE view_projects SET runs_total = 77"))
    writer.close()
    assert run_cli(main, "verify")[0] == 1
    code, out, _ = run_cli(main, "db", "rebuild")
    assert code == 0
    assert "DIFFERENT" in out
    assert run_cli(main, "verify")[0] == 0


def test_without_an_event_log_it_says_so(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "db", "rebuild")
    assert code == 1
    assert "there is no event log yet" in one_error(err)


def test_another_command_that_writes_is_waited_for(recorded_home, run_cli) -> None:
    # given
    lock = WriterLock(recorded_home.state, "cadenza").acquire()
    letting_go = threading.Timer(0.7, lock.release)
    letting_go.start()

    # when / then
    code, out, err = run_cli(main, "db", "rebuild")
    letting_go.join()
    assert (code, err) == (0, "")
    assert "the same" in out
    assert list((recorded_home.state / "inbox").iterdir()) == []


def test_a_daemon_that_does_not_answer_is_not_waited_for_without_end(recorded_home) -> None:
    with (
        WriterLock(recorded_home.state, "cadenzad").acquire(),
        pytest.raises(DaemonError, match="no outcome in"),
    ):
        perform(recorded_home.state, Rebuild("test"), timeout=0.1, outcome=1)
    assert list((recorded_home.state / "inbox").iterdir()) == []


def test_a_daemon_that_stops_first_leaves_the_request_to_us(recorded_home, run_cli) -> None:
    # given a daemon that took no request and ends
    lock = WriterLock(recorded_home.state, "cadenzad").acquire()
    inbox = recorded_home.state / "inbox"
    ended = threading.Event()

    def end() -> None:
        while not list(inbox.glob("*.json")) and not ended.wait(0.01):
            pass
        lock.release()

    daemon = threading.Thread(target=end)
    daemon.start()

    # when
    code, _, err = run_cli(main, "db", "rebuild")
    ended.set()
    daemon.join()

    # then
    assert (code, err) == (0, "")
    assert list(inbox.iterdir()) == []
    assert recorded_home.types().count("ViewRebuilt") == 1


def test_a_full_disk_is_one_line_and_changes_nothing(
    recorded_home, run_cli, one_error, full_disk
) -> None:
    before = recorded_home.types()
    with full_disk(4096):
        code, out, err = run_cli(main, "db", "rebuild")
    assert (code, out) == (1, "")
    assert one_error(err)
    assert recorded_home.types() == before
    assert run_cli(main, "verify")[0] == 0
