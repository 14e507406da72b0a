"""What a killed job of an adapter did is completed; what it did not come to, never happened."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from handlers.lora.model.names import SCORECARD, WEIGHTS
from handlers.lora.recovery import complete
from handlers.lora.registry import Registry
from store.events.adapter import AdapterPromoted, AdapterRolledBack, AdapterScored, AdapterTrained


def promoted(version: int) -> AdapterPromoted:
    return AdapterPromoted(version=version, previous=None, by="cadenzad")


def trained(registry: Registry, version: int) -> AdapterTrained:
    return AdapterTrained(
        version=version, path="", sha256=registry.sha256(version), dataset_sha256="",
        base_sha256="", encoder="light", rows=1, exam_rows=1, epochs=1, seed=0, threads=1,
    )  # fmt: skip


def test_a_switch_is_made_good(
    tmp_path: Path, registry: Registry, make: Callable[[int], Path]
) -> None:
    make(1)
    make(2)
    events = (trained(registry, 1), promoted(1))
    for _ in range(2):  # and again, until it is recorded
        assert complete(tmp_path, events) == events
        assert registry.deployed() == 1
    back = (AdapterRolledBack(version=2, previous=1, by="me", reason="asked for"),)
    assert complete(tmp_path, back) == back
    assert registry.deployed() == 2


def test_that_none_serves_any_more_is_made_good(
    tmp_path: Path, registry: Registry, make: Callable[[int], Path]
) -> None:
    make(1)
    registry.promote(1)
    back = (AdapterRolledBack(version=None, previous=1, by="cadenzad", reason="pulled"),)
    for _ in range(2):
        assert complete(tmp_path, back) == back
        assert registry.deployed() is None
        assert registry.link() is None


def test_a_version_that_never_came_into_being_is_no_version(
    tmp_path: Path, registry: Registry, make: Callable[[int], Path]
) -> None:
    make(1)
    events = (trained(registry, 1), promoted(1))
    (registry.folder(1) / "more").write_text("another folder than the one that was trained")
    assert complete(tmp_path, events) == ()
    registry.folder(1).rename(registry.root / "away")
    assert complete(tmp_path, events) == ()
    assert registry.deployed() is None


def test_a_scorecard_that_was_not_written_was_not_measured(
    tmp_path: Path, registry: Registry, make: Callable[[int], Path]
) -> None:
    card = make(1) / SCORECARD
    scored = AdapterScored(
        version=1, verdict="DEPLOY", held_out=True, checks=(), reasons=(), next_steps=(),
        scorecard="", scorecard_sha256=hashlib.sha256(b"new").hexdigest(),
    )  # fmt: skip
    card.write_bytes(b"old")
    assert complete(tmp_path, (scored, promoted(1))) == ()
    assert registry.deployed() is None
    card.write_bytes(b"new")
    assert len(complete(tmp_path, (scored, promoted(1)))) == 2
    assert registry.deployed() == 1


def test_a_version_that_was_damaged_since_is_not_deployed(
    tmp_path: Path, registry: Registry, make: Callable[[int], Path]
) -> None:
    (make(1) / WEIGHTS).write_bytes(b"x")
    events = (trained(registry, 1), promoted(1))
    assert complete(tmp_path, events) == events[:1]
    assert registry.deployed() is None
