"""The writer lock: one holder, named; a test of it takes it from nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from store.errors import LockHeldError, StoreError
from store.lock import WriterLock, is_held

HOLD = """
import sys, pathlib
from store.lock import WriterLock
lock = WriterLock(pathlib.Path(sys.argv[1]), "cadenzad").acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_writer_is_told_who_holds_the_lock(tmp_path, holder):
    with pytest.raises(LockHeldError, match=rf"cadenzad \(pid {holder.pid}\)"):
        WriterLock(tmp_path, "other").acquire(patience=0.05)
    assert is_held(tmp_path)["pid"] == holder.pid


def test_the_lock_dies_with_its_process(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert is_held(tmp_path) is None
    with WriterLock(tmp_path, "next").acquire(patience=1):
        assert is_held(tmp_path)["role"] == "next"
    assert is_held(tmp_path) is None


def test_testing_the_lock_all_the_time_keeps_nobody_from_it(tmp_path):
    stop = threading.Event()

    def probe():
        while not stop.is_set():
            is_held(tmp_path)

    threads = [threading.Thread(target=probe) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            WriterLock(tmp_path, "me").acquire(patience=5).release()
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_state_directory_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(StoreError, match="No such file"):
        WriterLock(tmp_path / "nowhere", "me").acquire()
    assert is_held(tmp_path / "nowhere") is None
