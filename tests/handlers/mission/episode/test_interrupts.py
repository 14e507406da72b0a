"""A signal that asks to stop waits for the end of what must be whole."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from handlers.mission.episode.interrupts import held_back


def test_a_signal_in_the_block_acts_at_its_end() -> None:
    done = []

    def block() -> None:
        with held_back():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("all of the block")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        block()
    assert done == ["all of the block"]
    assert signal.getsignal(signal.SIGINT) is before


def test_an_ignored_signal_stays_ignored_and_an_error_passes() -> None:
    def block() -> None:
        with held_back():
            os.kill(os.getpid(), signal.SIGTERM)
            raise ZeroDivisionError

    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with pytest.raises(ZeroDivisionError):
            block()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_another_thread_than_the_main_one_holds_nothing_back() -> None:
    passed = []

    def work() -> None:
        with held_back():
            passed.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert passed == [True]
