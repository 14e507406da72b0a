"""Who breaks off a command that runs a job leaves nothing running, and is told in one line."""

from __future__ import annotations

import signal
import subprocess

import pytest
from houses import BIN


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_job_by_hand_that_is_broken_off_is_cancelled(house, number, code) -> None:
    # given a command that runs a job itself, and the job under way
    process = subprocess.Popen(
        [BIN / "cadenzactl", "selftest"],
        env=house.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    house.until(
        lambda: (house.state / "events.db").exists() and house.events("JobStarted"), "the job"
    )

    # when it is broken off
    process.send_signal(number)
    out, err = process.communicate(timeout=30)

    # then the job is cancelled, nothing runs, and one line says so
    assert (process.returncode, out) == (code, "")
    assert err.splitlines() == ["interrupted: job 1 is cancelled"]
    assert [event["type"] for event in house.events()][-1] == "JobCancelled"
    _, listed, _ = house.ask("jobs", "--json")
    assert '"running"' not in listed
    assert house.ask("verify")[0] == 0
