"""What trust in a file of a project covers: the file and what it imports of the project."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from handlers.project import code as project_code
from handlers.project.code import imported_code, is_installed, lies_in
from store.errors import InputError, UnsafePathError


@pytest.fixture
def main(tmp_path: Path) -> Path:
    return tmp_path / "lora_encoder.py"


def put(folder: Path, **files: str) -> None:
    """Modules by name; `a__b` is b in the folder a."""
    for name, text in files.items():
        path = folder / Path(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_code_that_imports_nothing_of_the_project_is_its_own_hash(main: Path) -> None:
    # given: as trust was given before imports were looked at
    main.write_text("import torch\nimport json.decoder\nfrom os import path\n")
    put(main.parent, json="raise SystemExit", helper="x = 1")
    trusted = imported_code(main.parent, main).trusted
    assert trusted.sha256 == hashlib.sha256(main.read_bytes()).hexdigest()
    assert trusted.files == ("lora_encoder.py",)


def test_every_import_statement_is_followed_wherever_it_stands(main: Path) -> None:
    main.write_text(
        "def late():\n    from net import blocks\n    import shared.deep.words as w\n"
        "try:\n    import absent\nexcept ImportError:\n    import fallback\n"
    )
    put(main.parent, fallback="", other="", shared__deep__words="from . import near\n")
    put(main.parent, shared__deep__near="from ..far import x\n", shared__far="x = 1\n")
    (main.parent / "net").mkdir()
    put(main.parent / "net", __init__="from .base import Base\n")
    (main.parent / "net" / "__init__.py").write_text("from .base import Base\n")
    put(main.parent / "net", base="class Base: pass\n", blocks="import fallback\n", unused="")
    code = imported_code(main.parent, main)
    assert set(code.modules) == {
        *("net", "net.base", "net.blocks", "fallback"),
        *("shared", "shared.deep", "shared.deep.words", "shared.deep.near", "shared.far"),
    }
    assert code.trusted.files == (
        "lora_encoder.py",
        "fallback.py",
        "net/__init__.py",
        "net/base.py",
        "net/blocks.py",
        "shared/deep/near.py",
        "shared/deep/words.py",
        "shared/far.py",
    )


def test_a_change_of_what_is_imported_changes_the_hash_and_no_other_does(main: Path) -> None:
    main.write_text("import helper\n")
    put(main.parent, helper="x = 1\n", other="y = 1\n")
    before = imported_code(main.parent, main).sha256
    put(main.parent, other="y = 2\n")
    assert imported_code(main.parent, main).sha256 == before
    put(main.parent, helper="x = 2\n")
    assert imported_code(main.parent, main).sha256 != before
    # so does a file that a module's name leads to from then on
    put(main.parent, helper="x = 1\n")
    (main.parent / "helper").mkdir()
    (main.parent / "helper" / "__init__.py").write_text("x = 1\n")
    assert imported_code(main.parent, main).sha256 != before


def test_a_module_that_leads_out_of_the_project_is_refused(tmp_path: Path) -> None:
    project = tmp_path / "project"
    put(project, lora_encoder="import helper\n")
    put(tmp_path, outside="x = 1\n")
    (project / "helper.py").symlink_to(tmp_path / "outside.py")
    with pytest.raises(UnsafePathError, match="leads out of the project"):
        imported_code(project, project / "lora_encoder.py")


def test_too_much_is_refused(main: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_code, "MAX_FILES", 2)
    main.write_text("import a1, a2, a3\n")
    put(main.parent, a1="", a2="", a3="")
    with pytest.raises(InputError, match="too much code to be trusted"):
        imported_code(main.parent, main)


def test_code_that_is_no_python_imports_nothing(main: Path) -> None:
    main.write_bytes(b"import helper\nthis is not Python\0")
    assert imported_code(main.parent, main).modules == {}


def test_a_project_on_the_path_is_no_installation_and_an_environment_in_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, helper_of_mine="x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert not is_installed("helper_of_mine", tmp_path)
    assert is_installed("pytest", tmp_path)
    assert is_installed("json", tmp_path)
    # what this interpreter's own folders hold is installed, also below the project
    spec = pytest.__spec__
    assert spec is not None
    assert not lies_in(spec, Path(sys.prefix).resolve())
