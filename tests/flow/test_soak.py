"""Minutes of churn: memory, descriptors and the write-ahead log stay flat."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest
from judging import drop

MINUTES = float(os.environ.get("CADENZA_SOAK_MINUTES", "30"))
SAMPLES = 60


@pytest.mark.long
@pytest.mark.timeout(int(MINUTES * 60) + 300)
def test_a_daemon_that_is_kept_busy_stays_as_it_is(house, logs) -> None:
    # given a daemon, and logs that come, grow, move and go, as fast as they are exported
    project = house.project()
    house.configure(settle=0.005, settle_open=0.02, every=5)
    daemon = house.start()
    process = psutil.Process(daemon.pid)
    folder = project / ".cadenza-env"
    begin, number, samples = time.monotonic(), 0, []

    # when
    while (passed := time.monotonic() - begin) < MINUTES * 60:
        number += 1
        drop(project, f"n{number}", logs.run(2 + number % 50))
        if number % 5 == 0:
            with (folder / f"n{number}.log.jsonl").open("ab") as log:
                log.write(logs.tick(99))
        if number % 7 == 0:
            (folder / f"n{number - 3}.log.jsonl").replace(folder / f"moved{number}.log.jsonl")
        if number > 40:
            for name in (f"n{number - 40}", f"moved{number - 37}"):
                (folder / f"{name}.log.jsonl").unlink(missing_ok=True)
        if number % 20 == 0:
            # At its pace: what waits to be looked at takes memory, too.
            last = folder / "exports" / f"n{number}.finetune.jsonl"
            house.until(last.exists, "it keeps up", 60)
        if passed > (len(samples) + 0.5) * MINUTES * 60 / SAMPLES:
            samples.append(look(process, house.state))

    # then
    house.until(lambda: house.status()["daemon"]["lag"] == 0, "no lag", 60)
    early, late = samples[len(samples) // 4], samples[-1]
    events = house.status()["daemon"]["position"]
    print(f"\n{number} logs, {events} events, {MINUTES:g} minutes; a quarter in, at the end, most:")
    for name, *values in zip(NAMES, early, late, map(max, zip(*samples, strict=True)), strict=True):
        print(f"  {name:16}" + "".join(f"{value:14,}" for value in values))
    assert late[0] < early[0] + 8 * 2**20, "memory grows"
    assert max(sample[1] for sample in samples[1:]) <= early[1] + 4, "descriptors grow"
    assert late[2] <= early[2] + 1, "threads grow"
    assert max(sample[3] for sample in samples) < 64 * 2**20, "the write-ahead log grows"
    # Which logs are gone is recorded by the next scan.
    house.until(lambda: house.ask("verify")[0] == 0, "all of it verified", 60)
    assert house.stop(daemon) == 0


NAMES = ("memory (bytes)", "descriptors", "threads", "write-ahead log")


def look(process: psutil.Process, state: Path) -> tuple[int, int, int, int]:
    wal = state / "events.db-wal"
    size = wal.stat().st_size if wal.exists() else 0
    return process.memory_info().rss, process.num_fds(), process.num_threads(), size
