"""A real daemon whose wall clock is set under it: everything goes on."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import shims
from judging import drop, stuck_log

HOUR = 3600.0
JUDGING = "[judge]\ndebounce = 2\nmax_wait = 4\nseeds = 0\n[lora]\nretrain = false\n"


@pytest.fixture
def clock(house) -> Path:
    """The file that says what the house's daemons take for the time."""
    file = house.root / "clock"
    shims.set_clock(file, 0)
    house.environ |= shims.with_clock(file)
    return file


@pytest.fixture
def told(house) -> Iterator[Callable[[str], int]]:
    """`told("WATCHDOG=1")`: how often the service manager heard that."""
    path = house.root / "notify"
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(str(path))
    server.setblocking(False)
    house.environ |= {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "600000"}
    said: list[str] = []

    def count(start: str) -> int:
        while True:
            try:
                said.extend(server.recv(65536).decode().splitlines())
            except BlockingIOError:
                return sum(line.startswith(start) for line in said)

    yield count
    server.close()


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param(0, (-HOUR, HOUR), id="an-hour-back-and-forward"),
        pytest.param(60 - time.time(), (0.0,), id="a-boot-in-1970-put-right"),
    ],
)
def test_scans_pings_and_a_queued_job_go_on(house, logs, clock, told, first, then) -> None:
    # given a daemon
    project = house.project()
    house.configure(every=0.5, improve=JUDGING)
    shims.set_clock(clock, first)
    house.start()

    for number, jump in enumerate(then):
        # with a job that waits, when the clock is set
        drop(project, f"r{number}", stuck_log(logs) + b"\n" * number)  # a copy is no further run
        house.until(lambda n=number: len(house.events("JobQueued")) == n + 1, "a queued job")
        shims.set_clock(clock, jump)
        pings, scans = told("WATCHDOG=1"), told("STATUS=")

        # then the watchdog is fed, everything is scanned, and the job is done
        house.until(lambda n=pings: told("WATCHDOG=1") >= n + 3, "three more pings")
        house.until(lambda n=scans: told("STATUS=") >= n + 3, "three more scans")

        def is_done(count: int = number + 1) -> bool:
            told("")  # who does not listen makes the daemon wait
            return len(house.events("JobSucceeded")) == count

        house.until(is_done, "the job, which gives way to all else", 90)
        house.until(lambda: told("") and house.ask("ping")[0] == 0, "a pong")

    # and the log goes by position, whatever the clock said
    code, out, _ = house.ask("verify")
    assert code == 0, out
