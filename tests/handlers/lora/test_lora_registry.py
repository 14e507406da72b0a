"""Versions on disk: built aside, made whole in one step, switched by rename, checked before use."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from handlers.lora.model.files import HEAD, NEEDED, WEIGHTS, Facts, read_head, write_head
from handlers.lora.model.lexicon import Action, Entry, Slot
from handlers.lora.model.text import read
from handlers.lora.registry import Registry
from store.adapterevents import AdapterBlocked, AdapterPromoted
from store.errors import InputError, UnsafePathError
from store.events import Event

KINDS = {"str": "light", "int": 2, "float": 0.25, "bool": True, "list[float]": [0.5, -1.0]}
FACTS = Facts(**{item.name: KINDS[str(item.type)] for item in fields(Facts)})  # type: ignore[arg-type]
ENTRIES = [
    Entry(read("walk 2 m"), (Action("walk_forward", (("distance_m", Slot(0)), ("speed", 1.5))),)),
    Entry(read("ruhe «dich» aus"), (Action("sit"), Action("stand")), deduced=True),
]


def fill(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")
    (folder / WEIGHTS).write_bytes(b"weights")
    write_head(folder, ENTRIES, FACTS)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


@pytest.fixture
def make(registry: Registry) -> Callable[[int], Path]:
    """`make(version)`: a whole version."""

    def made(version: int) -> Path:
        draft = registry.stage()
        fill(draft)
        return registry.commit(draft, version)

    return made


# -- head.json -------------------------------------------------------------------------------------


def test_what_was_written_is_read(tmp_path: Path) -> None:
    fill(tmp_path)
    assert read_head(tmp_path) == (FACTS, ENTRIES)


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match=f"is no adapter: {name} is missing"):
        read_head(tmp_path)


def test_weights_that_are_not_those_that_were_trained_are_refused(tmp_path: Path) -> None:
    fill(tmp_path)
    for other in (b"", b"weight", b"other!!"):
        (tmp_path / WEIGHTS).write_bytes(other)
        with pytest.raises(InputError, match="is not the file that was trained"):
            read_head(tmp_path)


def test_every_truncation_of_the_head_is_one_clear_error(tmp_path: Path) -> None:
    fill(tmp_path)
    whole = (tmp_path / HEAD).read_bytes()
    for length in range(0, len(whole) - 2, 7):
        (tmp_path / HEAD).write_bytes(whole[:length])
        with pytest.raises(InputError, match="is damaged"):
            read_head(tmp_path)


@pytest.mark.parametrize(
    "damage",
    ["[]", "null", "7", '"x"', "{}", "facts", "more facts", "plan", "words", "parameters", "slot",
     "quantities", "entries", "nan", "\ufffe"],
)  # fmt: skip
def test_a_head_of_another_shape_is_one_clear_error(damage: str, tmp_path: Path) -> None:
    fill(tmp_path)
    shape = json.loads((tmp_path / HEAD).read_bytes())
    entry = shape["entries"][0]
    match damage:
        case "facts":
            del shape["facts"]["rank"]
        case "more facts":
            shape["facts"]["surprise"] = 1
        case "plan":
            entry["plan"] = 7
        case "words":
            entry["words"] = None
        case "parameters":
            entry["plan"][0][1] = ["distance_m"]
        case "slot":
            entry["plan"][0][1] = {"distance_m": {}}
        case "quantities":
            entry["quantities"] = [["m", "far"]]
        case "entries":
            shape["entries"] = "x"
        case "nan":
            entry["plan"][0][1] = {"distance_m": "x"}
        case _:
            (tmp_path / HEAD).write_text(damage)
            shape = None
    if shape is not None:
        (tmp_path / HEAD).write_text(json.dumps(shape))
    with pytest.raises(InputError, match="is damaged"):
        read_head(tmp_path)


def test_a_head_of_another_format_says_so(tmp_path: Path) -> None:
    fill(tmp_path)
    shape = json.loads((tmp_path / HEAD).read_bytes())
    (tmp_path / HEAD).write_text(json.dumps({**shape, "format": 99}))
    with pytest.raises(InputError, match="has format 99"):
        read_head(tmp_path)


# -- versions --------------------------------------------------------------------------------------


def test_without_adapters_there_is_none(registry: Registry) -> None:
    assert (registry.versions(), registry.deployed()) == ([], None)
    assert registry.noted(set()) == ()


def test_a_version_comes_into_being_whole(registry: Registry) -> None:
    draft = registry.stage()
    fill(draft)
    assert registry.versions() == []
    folder = registry.commit(draft, 7)
    assert (folder.name, registry.versions(), draft.exists()) == ("0007", [7], False)
    assert read_head(folder) == (FACTS, ENTRIES)
    assert folder.stat().st_mode & 0o777 == 0o755


def test_leftovers_of_others_are_removed(registry: Registry) -> None:
    left = registry.stage()
    (left / "half").write_text("x")
    assert registry.stage() != left
    assert not left.exists()


def test_a_version_is_never_replaced(registry: Registry, make: Callable[[int], Path]) -> None:
    before = (make(1) / HEAD).read_bytes()
    draft = registry.stage()
    with pytest.raises(InputError, match="is there already"):
        registry.commit(draft, 1)
    assert (registry.folder(1) / HEAD).read_bytes() == before


def test_versions_are_numbers_and_sorted_as_such(
    registry: Registry, make: Callable[[int], Path]
) -> None:
    for version in (2, 10_000, 1):
        make(version)
    (registry.root / "notes").mkdir()
    assert registry.versions() == [1, 2, 10_000]


def test_adapters_that_lead_out_of_the_project_are_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "project" / ".cadenza-env").mkdir(parents=True)
    (tmp_path / "project" / ".cadenza-env" / "adapters").symlink_to(tmp_path / "out")
    with pytest.raises(UnsafePathError):
        Registry(tmp_path / "project")


def test_the_hash_is_of_names_and_bytes(registry: Registry, make: Callable[[int], Path]) -> None:
    folder, other = make(1), make(2)
    assert registry.sha256(1) == registry.sha256(2)
    (other / "more").write_text("x")
    one = registry.sha256(2)
    (other / "more").write_text("y")
    two = registry.sha256(2)
    (other / "more").rename(other / "renamed")
    assert len({registry.sha256(1), one, two, registry.sha256(2)}) == 4
    assert folder.is_dir()


# -- promotion -------------------------------------------------------------------------------------


def test_the_link_is_relative_and_switched_by_a_rename(
    registry: Registry, make: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a version that serves
    make(1)
    make(2)
    registry.promote(1)
    link = registry.root / "deployed"
    assert os.readlink(link) == "0001"

    # when another is to serve, the old one does until the very rename
    seen: list[tuple[str, str]] = []
    replace = os.replace

    def watched(source: Path, target: Path) -> None:
        seen.append((os.readlink(target), os.readlink(source)))
        replace(source, target)

    monkeypatch.setattr("handlers.lora.registry.os.replace", watched)
    registry.promote(2)

    # then
    assert seen == [("0001", "0002")]
    assert registry.deployed() == 2
    assert sorted(item.name for item in registry.root.iterdir()) == ["0001", "0002", "deployed"]
    moved = registry.root.parent.rename(registry.root.parent.with_name("elsewhere"))
    assert (moved / "adapters" / "deployed" / HEAD).is_file()


def test_what_is_missing_or_damaged_is_not_promoted(
    registry: Registry, make: Callable[[int], Path]
) -> None:
    make(1)
    registry.promote(1)
    for name in NEEDED:
        version = len(registry.versions()) + 1
        make(version)
        (registry.folder(version) / name).unlink()
        with pytest.raises(InputError):
            registry.promote(version)
    with pytest.raises(InputError, match="is no adapter"):
        registry.promote(99)
    assert registry.deployed() == 1


@pytest.mark.parametrize("target", ["0009", "notes", "../../x", "."])
def test_a_link_to_no_version_deploys_none(
    target: str, registry: Registry, make: Callable[[int], Path]
) -> None:
    make(1)
    (registry.root / "notes").mkdir()
    (registry.root / "deployed").symlink_to(target)
    assert registry.deployed() is None
    registry.promote(1)
    assert registry.deployed() == 1


# -- what a killed job was about to record ---------------------------------------------------------

PROMOTED: list[Event] = [AdapterPromoted(version=1, previous=None, by="cadenzad")]
BLOCKED: list[Event] = [AdapterBlocked(version=1, serving=None, reasons=("safety: fell",))]


def test_a_note_is_told_and_its_switch_made_good(
    registry: Registry, make: Callable[[int], Path]
) -> None:
    make(1)
    registry.note(1, PROMOTED)
    assert registry.deployed() is None
    assert registry.noted(set()) == tuple(PROMOTED)
    assert registry.deployed() == 1
    # and again, until it is recorded
    assert registry.noted(set()) == tuple(PROMOTED)
    assert registry.noted({1}) == ()
    assert list(registry.root.glob(".pending-*")) == []
    assert registry.deployed() == 1


def test_a_note_of_a_version_that_is_not_deployed_switches_nothing(
    registry: Registry, make: Callable[[int], Path]
) -> None:
    make(1)
    registry.note(1, BLOCKED)
    assert registry.noted(set()) == tuple(BLOCKED)
    assert registry.deployed() is None


def test_a_note_without_its_version_is_forgotten(registry: Registry) -> None:
    registry.stage().rmdir()
    registry.note(1, PROMOTED)
    assert registry.noted(set()) == ()
    assert list(registry.root.iterdir()) == []


def test_versions_that_nobody_recorded_are_removed_unless_one_serves(
    registry: Registry, make: Callable[[int], Path]
) -> None:
    for version in (1, 2, 3):
        make(version)
    registry.promote(2)
    assert registry.noted({1}) == ()
    assert registry.versions() == [1, 2]


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[7]", '[{"type": "Nonsense", "data": {}}]', "[{}]",
             '[{"type": "AdapterPromoted", "data": {"version": "x"}}]']
)  # fmt: skip
def test_a_note_that_cannot_be_read_is_as_none(
    text: str, registry: Registry, make: Callable[[int], Path]
) -> None:
    make(1)
    make(2)
    (registry.root / ".pending-0002.json").write_text(text)
    assert registry.noted({1}) == ()
    assert registry.versions() == [1]
    assert list(registry.root.glob(".pending-*")) == []


def test_a_note_whose_version_was_damaged_since_is_as_none(
    registry: Registry, make: Callable[[int], Path]
) -> None:
    (make(1) / WEIGHTS).write_bytes(b"x")
    registry.note(1, PROMOTED)
    assert registry.noted(set()) == ()
    assert (registry.versions(), registry.deployed()) == ([], None)


def test_the_weights_hash_is_that_of_the_file(tmp_path: Path) -> None:
    fill(tmp_path)
    shape = json.loads((tmp_path / HEAD).read_bytes())
    assert shape["weights_sha256"] == hashlib.sha256(b"weights").hexdigest()
