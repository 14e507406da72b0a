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


def test_a_once_that_is_broken_off_leaves_its_job_to_the_next_start(house) -> None:
    # given a scan that came to a job
    house.configure(check=True)
    house.project()
    process = subprocess.Popen(
        [BIN / "cadenzad", "--config", house.config, "--once"],
        env=house.environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    house.until(
        lambda: (house.state / "events.db").exists() and house.events("JobStarted"), "the job"
    )

    # when it is broken off
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)

    # then the last line says what becomes of the job, and the next start does it
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "interrupted: what was recorded is kept" in err.splitlines()[-1]
    assert house.status()["daemon"]["state"] == "stopped"
    assert not house.events("JobSucceeded")
    house.once()
    assert house.events("JobSucceeded")
    assert house.ask("verify")[0] == 0
