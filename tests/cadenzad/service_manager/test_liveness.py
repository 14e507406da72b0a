"""The watchdog: systemd hears of us only when the watcher and the writer both work."""

from __future__ import annotations

import os
from pathlib import Path

from cadenzad.service_manager.liveness import Liveness, interval_s
from store.errors import DaemonError
from store.opening import open_writer


def make(tmp_path: Path, probe):
    told: list[str] = []
    writer = open_writer(tmp_path)
    return Liveness(tmp_path, writer, probe, told.append), writer, told


def test_the_interval_is_systemds_and_only_for_us():
    assert interval_s({}) is None
    assert interval_s({"WATCHDOG_USEC": "nonsense"}) is None
    assert interval_s({"WATCHDOG_USEC": "0"}) is None
    assert interval_s({"WATCHDOG_USEC": "10000000"}) == 10
    assert interval_s({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())}) == 10
    assert interval_s({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}) is None


def test_nothing_is_told_until_the_cookie_came_back_and_the_writer_wrote(tmp_path):
    # given
    cookie = tmp_path / ".cookie"
    watchdog, writer, told = make(tmp_path, lambda folder: cookie.touch() or True)

    # when the cookie is on its way
    watchdog.begin()
    writer.run(lambda transaction: None)
    assert told == []

    # and comes back
    watchdog.came_back(cookie)
    writer.run(lambda transaction: None)
    writer.close()
    assert told == ["WATCHDOG=1"]
    assert not cookie.exists()


def test_where_nothing_is_watched_the_writer_alone_answers(tmp_path):
    watchdog, writer, told = make(tmp_path, lambda folder: False)
    watchdog.begin()
    writer.close()
    assert told == ["WATCHDOG=1"]


def test_a_probe_that_fails_or_a_closed_writer_tells_nothing(tmp_path):
    def fail(folder):
        raise DaemonError("it is not watched")

    watchdog, writer, told = make(tmp_path, fail)
    watchdog.begin()
    writer.close()
    watchdog.came_back(tmp_path / "gone")
    assert told == []
