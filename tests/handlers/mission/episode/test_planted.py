"""The judgment in real runs: planted bad actions are found, and the driver is not blamed."""

from pathlib import Path

import pytest

pytest.importorskip("mujoco")

from planting import Tally, drive
from scenes import KINDS, random_spec

from handlers.project.spec import load_spec

SAMPLE = Path(__file__).parents[4] / "handlers" / "project" / "sample" / "mission"


def test_the_driver_gets_through_each_kind_of_mission_and_is_not_blamed_for_it() -> None:
    tally = Tally()
    for seed in range(len(KINDS)):
        drive(random_spec(seed), seed, tally)
    assert tally.lost == []
    assert tally.blamed == []


def test_planted_bad_actions_are_found_and_fair_ones_are_not_blamed() -> None:
    tally = Tally()
    for seed in range(500, 500 + len(KINDS)):
        drive(random_spec(seed), seed, tally, plant=0.4, vary=0.5)
    assert tally.planted.total() >= 15
    assert tally.recall >= 0.9, tally.missed
    assert tally.false_rate <= 0.05, tally.blamed


def test_the_sample_is_driven_as_planned_and_the_person_reported_once_and_not_touched() -> None:
    tally = Tally()
    records = drive(load_spec(SAMPLE), 7, tally)
    assert (tally.won, tally.blamed) == (1, [])
    assert [r["signal_event"] for r in records if r["is_signal"]] == ["correct"]
    assert not any(record["touched_person"] for record in records)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_two_hundred_layouts_and_every_recorded_mission(recorded: Path) -> None:
    tally = Tally()
    for seed in range(20_000, 20_200):
        drive(random_spec(seed), seed, tally)
    assert tally.won >= 190, tally.lost
    for folder in sorted((recorded / "missions").iterdir()):
        for seed in range(3):
            drive(load_spec(folder), seed, tally)
    for seed in range(10):
        drive(load_spec(SAMPLE), seed, tally)
    assert tally.false_rate < 0.1, tally.blamed


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_planted_bad_actions_in_a_hundred_layouts() -> None:
    tally = Tally()
    for seed in range(30_000, 30_100):
        drive(random_spec(seed), seed, tally, plant=0.3, vary=0.5)
    assert tally.recall >= 0.9, tally.missed
    assert tally.false_rate <= 0.05, tally.blamed
