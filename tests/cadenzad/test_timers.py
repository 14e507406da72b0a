"""Intervals that no wall clock can stop."""

from __future__ import annotations

from cadenzad.timers import Timers


def calls_at(timers: Timers, now: float, called: list[str]) -> list[str]:
    called.clear()
    for call in timers.due(now):
        call()
    return list(called)


def test_each_comes_round_at_its_interval() -> None:
    timers, called = Timers(), []
    timers.every(10, lambda: called.append("scan"), "scan", now=100)
    timers.every(4, lambda: called.append("ping"), "ping", now=100)
    assert timers.next_deadline() == 104
    assert calls_at(timers, 103.9, called) == []
    assert calls_at(timers, 104, called) == ["ping"]
    assert calls_at(timers, 110, called) == ["ping", "scan"]
    assert timers.next_deadline() == 112


def test_late_rounds_are_one_and_the_beat_is_kept() -> None:
    timers, called = Timers(), []
    timers.every(10, lambda: called.append("scan"), "scan", now=0)
    assert calls_at(timers, 57, called) == ["scan"]
    assert timers.next_deadline() == 60


def test_a_name_set_again_has_its_new_interval_only() -> None:
    timers, called = Timers(), []
    timers.every(10, lambda: called.append("old"), "scan", now=0)
    timers.every(3, lambda: called.append("new"), "scan", now=8)
    assert calls_at(timers, 10.5, called) == []
    assert calls_at(timers, 11, called) == ["new"]


def test_nothing_is_due_without_any() -> None:
    assert Timers().next_deadline() is None
    assert Timers().due(1e9) == []
