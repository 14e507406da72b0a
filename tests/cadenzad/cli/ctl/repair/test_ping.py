"""`cadenzactl ping`: an answer, or one line that says who did not answer."""

from __future__ import annotations

import json
import threading

import pytest

from cadenzad.cli.programs import cadenzactl as main
from cadenzad.requests import inbox
from cadenzad.requests.handle import carry_out
from store.lock import WriterLock
from store.opening import open_writer


@pytest.fixture
def answering(home):
    """A thread that does a daemon's part: it takes what is in the inbox."""
    lock = WriterLock(home.state, inbox.DAEMON_ROLE).acquire()
    writer = open_writer(home.state)
    stop = threading.Event()

    def answer() -> None:
        while not stop.wait(0.005):
            for path in inbox.waiting(home.state):
                carry_out(inbox.read(path), writer)
                inbox.done(path)

    daemon = threading.Thread(target=answer)
    daemon.start()
    yield
    stop.set()
    daemon.join()
    writer.close()
    lock.release()


def test_an_answer_says_who_and_how_fast(answering, home, run_cli, eventually) -> None:
    code, out, err = run_cli(main, "ping")
    assert (code, err) == (0, "")
    assert out.startswith("pong from pid ")
    code, out, _ = run_cli(main, "ping", "--json")
    assert json.loads(out)["milliseconds"] > 0
    # the answer is committed first, then the request's file goes
    eventually(lambda: not list((home.state / "inbox").iterdir()), "an empty inbox")


def test_without_a_daemon_the_code_is_three(home, run_cli, one_error) -> None:
    code, out, err = run_cli(main, "ping")
    assert (code, out) == (3, "")
    assert one_error(err) == f"no daemon runs on {home.state}"


def test_another_command_is_no_daemon(home, run_cli, one_error) -> None:
    with WriterLock(home.state, "cadenza").acquire():
        code, _, err = run_cli(main, "ping", "--timeout", "0.1")
    assert code == 3
    assert "no daemon runs" in one_error(err)


def test_silence_ends_with_one_line_and_no_request_left(home, run_cli, one_error) -> None:
    home.begin_log()
    with WriterLock(home.state, inbox.DAEMON_ROLE).acquire():
        code, out, err = run_cli(main, "ping", "--timeout", "0.05")
    assert (code, out) == (1, "")
    assert "did not answer in 0.05 s" in one_error(err)
    assert list((home.state / "inbox").iterdir()) == []


@pytest.mark.parametrize("timeout", ["nan", "inf", "0", "-1", "soon", ""])
def test_a_timeout_that_is_none_is_a_usage_error(home, run_cli, one_error, timeout) -> None:
    code, _, err = run_cli(main, "ping", f"--timeout={timeout}")
    assert code == 2
    assert "--timeout" in one_error(err)


def test_an_inbox_that_is_gone_is_one_line(home, run_cli, one_error) -> None:
    (home.state / "inbox").rmdir()
    with WriterLock(home.state, inbox.DAEMON_ROLE).acquire():
        code, _, err = run_cli(main, "ping", "--timeout", "0.05")
    assert code == 1
    assert "cannot be left there" in one_error(err)


def test_a_state_directory_that_is_a_file_has_no_daemon(home, run_cli, one_error) -> None:
    (home.root / "file").touch()
    code, _, err = run_cli(main, "ping", "--state", home.root / "file")
    assert code == 3
    assert one_error(err)
