"""Versions on disk: built aside, made whole in one step, switched by rename, checked before use."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from adapter_files import ENTRIES, FACTS, fill

from handlers.lora.model.files import read_head, seal
from handlers.lora.model.names import HEAD, NEEDED, WEIGHTS
from handlers.lora.registry import Registry, version_before
from store.errors import InputError, UnsafePathError
from store.reads.improvements import AdapterRow

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


@pytest.mark.parametrize("name", [WEIGHTS, "adapter_config.json"])
def test_files_that_are_not_those_that_were_trained_are_refused(name: str, tmp_path: Path) -> None:
    fill(tmp_path)
    for other in (b"", b"weight", b"other!!", b'{"lora_alpha": 64}'):
        (tmp_path / name).write_bytes(other)
        with pytest.raises(InputError, match=f"{name}: is not the file that was trained"):
            read_head(tmp_path)


@pytest.mark.parametrize("name", NEEDED)
def test_a_file_that_is_a_symlink_is_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    folder.mkdir()
    fill(folder)
    (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    with pytest.raises(InputError, match="is not a plain file"):
        read_head(folder)


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


def changed(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change head.json, its own hash with it."""
    shape = json.loads((folder / HEAD).read_bytes())
    change(shape)
    (folder / HEAD).write_text(json.dumps({**shape, "sha256": seal(shape)}))


def test_a_head_that_was_changed_by_hand_is_damaged(tmp_path: Path) -> None:
    fill(tmp_path)
    text = (tmp_path / HEAD).read_text()
    (tmp_path / HEAD).write_text(text.replace('"familiar":0.25', '"familiar":0.15'))
    with pytest.raises(InputError, match="is damaged"):
        read_head(tmp_path)
    changed(tmp_path, lambda shape: None)
    assert read_head(tmp_path)[0].gate.familiar == 0.15


@pytest.mark.parametrize(
    "change",
    [
        lambda shape: shape["entries"][0].update(words=5),
        lambda shape: shape["entries"][0].update(words=""),
        lambda shape: shape["entries"][0].update(words="walk #far"),
        lambda shape: shape["entries"][0].update(words="walk"),
        lambda shape: shape["entries"][0].update(quantities=[["m", "2"]]),
        lambda shape: shape["entries"][0].update(quantities=[["parsec", 2.0]]),
        lambda shape: shape["entries"][0].update(plan=[["jump", {"extension": {"slot": 0}}]]),
        lambda shape: shape["entries"][0].update(plan=[["walk_forward", {"speed": float("nan")}]]),
        lambda shape: shape["entries"][0].update(plan=[["walk_forward", {"speed": {"slot": -1}}]]),
        lambda shape: shape["facts"]["gate"].update(familiar="x"),
        lambda shape: shape["facts"]["gate"].update(familiar=float("nan")),
        lambda shape: shape["facts"]["gate"].update(familiar=float("inf")),
        lambda shape: shape["facts"]["gate"].update(familiar=-7.0),
        lambda shape: shape["facts"].update(threads=0),
        lambda shape: shape["facts"].update(threads=1e9),
        lambda shape: shape["facts"].update(width=-1),
        lambda shape: shape["facts"].update(encoder="groq"),
        lambda shape: shape["facts"]["gate"].update(probe=[float("nan")]),
        lambda shape: shape["hashes"].update({"../../x": "0" * 64}),
    ],
)  # fmt: skip
def test_values_that_make_no_sense_are_one_clear_error(
    change: Callable[[dict[str, Any]], object], tmp_path: Path
) -> None:
    fill(tmp_path)
    changed(tmp_path, change)
    with pytest.raises(InputError, match="is damaged") as caught:
        read_head(tmp_path)
    assert len(caught.value.message) < 400


def test_a_head_of_another_format_says_so(tmp_path: Path) -> None:
    fill(tmp_path)
    shape = json.loads((tmp_path / HEAD).read_bytes())
    (tmp_path / HEAD).write_text(json.dumps({**shape, "format": 99}))
    with pytest.raises(InputError, match="has format 99"):
        read_head(tmp_path)


# -- versions --------------------------------------------------------------------------------------


def test_without_adapters_there_is_none(registry: Registry) -> None:
    assert (registry.versions(), registry.deployed()) == ([], None)


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


def test_a_symlink_is_no_version(
    registry: Registry, make: Callable[[int], Path], tmp_path: Path
) -> None:
    # given a whole adapter outside of the project
    make(1).rename(tmp_path / "outside")
    registry.folder(2).symlink_to(tmp_path / "outside")
    (registry.root / "deployed").symlink_to("0002")
    # then it neither counts nor serves
    assert (registry.versions(), registry.deployed()) == ([], None)
    with pytest.raises(InputError, match="is a symlink"):
        registry.promote(2)
    draft = registry.stage()
    with pytest.raises(InputError, match="is there already"):
        registry.commit(draft, 2)


def test_what_another_builds_is_left_alone(registry: Registry, tmp_path: Path) -> None:
    other = Registry(tmp_path)
    draft = other.stage()
    registry.tidy()
    assert registry.stage() != draft
    assert draft.is_dir()


def test_a_rollback_without_a_number_goes_to_what_is_still_there(
    registry: Registry, make: Callable[[int], Path]
) -> None:
    def row(version: int, promoted: int) -> AdapterRow:
        return AdapterRow(version, "retired", "", "", "", None, [], [], [], 1, 1, promoted)

    rows = [row(1, 5), row(2, 9), row(3, 0), row(4, 12)]
    for version in (1, 3, 4):  # 2 was pruned
        make(version)
    registry.promote(4)
    assert version_before(rows, registry) == 1
    assert version_before(rows[1:], registry) is None
    assert version_before(rows, registry, pulled={1}) is None
