"""A wait is over by either clock, and none is longer than was asked for."""

from __future__ import annotations

import pytest

from cadenzad.waits import Waits, age_s, stamp

NOW = 1_790_000_000.0
HOUR, YEAR = 3600.0, 365 * 86400.0


class Clocks:
    """Both clocks of a machine, and somebody who sets the one on the wall."""

    def __init__(self) -> None:
        self.wall, self.monotonic = NOW, 1000.0

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def waits(clocks: Clocks) -> Waits:
    return Waits(lambda: clocks.wall, lambda: clocks.monotonic)


def test_clocks_that_nobody_sets_agree(clocks: Clocks, waits: Waits) -> None:
    assert waits.left("a", NOW + 30, 30) == 30
    clocks.pass_(29)
    assert waits.left("a", NOW + 30, 30) == 1
    clocks.pass_(1)
    assert waits.left("a", NOW + 30, 30) == 0
    assert waits.left("b", NOW - 5, 30) == 0


@pytest.mark.parametrize("back", [60.0, HOUR, NOW])
def test_set_back_it_waits_no_longer(clocks: Clocks, waits: Waits, back: float) -> None:
    waits.left("a", NOW + 30, 30)
    clocks.pass_(10)
    clocks.wall -= back
    assert waits.left("a", NOW + 30, 30) == 20
    clocks.pass_(20)
    assert waits.left("a", NOW + 30, 30) == 0


def test_set_forward_its_time_has_come(clocks: Clocks, waits: Waits) -> None:
    waits.left("a", NOW + 30, 30)
    clocks.wall += HOUR
    assert waits.left("a", NOW + 30, 30) == 0


def test_a_boot_in_the_past_waits_for_what_was_asked_and_not_for_decades(
    clocks: Clocks, waits: Waits
) -> None:
    # given a wait from the time before, and a boot that begins in 1970
    clocks.wall = 12.0
    assert waits.left("a", NOW + 30, 45) == 45
    clocks.pass_(40)
    assert waits.left("a", NOW + 30, 45) == 5

    # when the clock is put right
    clocks.wall = NOW + YEAR
    assert waits.left("a", NOW + 30, 45) == 0


def test_another_time_is_another_wait(clocks: Clocks, waits: Waits) -> None:
    waits.left("a", NOW + 30, 30)
    clocks.pass_(20)
    assert waits.left("a", NOW + 50, 50) == 30
    waits.keep({"b"})
    clocks.wall -= HOUR
    assert waits.left("a", NOW + 50, 50) == 50


def test_an_age_is_told_by_the_clock_that_nobody_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    stamped = stamp()
    monkeypatch.setattr("time.monotonic", lambda: float(stamped["monotonic"]) + 5)
    for jump in (-HOUR, 0.0, YEAR):
        monkeypatch.setattr("time.time", lambda jump=jump: float(stamped["wall"]) + 5 + jump)
        assert age_s(stamped) == 5
    # after another boot only the wall clock is left
    assert age_s(stamped | {"boot": "another"}) == YEAR + 5
