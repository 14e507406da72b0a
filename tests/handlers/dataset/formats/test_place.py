"""What is in an export's way stays, unless somebody insists and it is an export itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.dataset.formats.place import MANIFEST, replacing
from store.errors import InputError


def make(target: Path, *, force: bool) -> None:
    with replacing(target, force=force) as new:
        new.mkdir()
        (new / MANIFEST).write_text("{}")


@pytest.mark.parametrize("names", [["thesis.txt"], ["env.json"], ["env.json", MANIFEST]])
def test_a_folder_that_is_no_export_is_never_replaced(tmp_path: Path, names: list[str]) -> None:
    target = tmp_path / "precious"
    target.mkdir()
    for name in names:
        (target / name).write_text("mine")
    with pytest.raises(InputError, match="no export made"):
        make(target, force=True)
    assert {path.name for path in target.iterdir()} == set(names)


def test_an_export_and_an_empty_folder_are_replaced_with_force_alone(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    make(target, force=True)
    with pytest.raises(InputError, match="is there already"):
        make(target, force=False)
    (target / "left.parquet").write_text("old")
    make(target, force=True)
    assert [path.name for path in target.iterdir()] == [MANIFEST]
