"""An encoder imports what its trust covers, as it was when it was trusted, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch")

from handlers.lora.model.encoders.imports import Covered
from handlers.lora.model.encoders.own import ProjectEncoder
from handlers.project.code import imported_code
from store.errors import InputError

ENCODER = """
{imports}
import torch
class Encoder(torch.nn.Module):
    hidden_dim = 4
    def forward(self, text, images=None):
        {late}
        return torch.ones(len(text), 1, 4) * {value}
def build_encoder(max_seq_len):
    return Encoder()
"""
OWN_PATH = "import os, sys; sys.path.insert(0, os.path.dirname(__file__))"


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    modules, finders = set(sys.modules), list(sys.meta_path)
    yield
    sys.meta_path[:] = finders
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def encoder_file(folder: Path, imports: str = "", late: str = "pass", value: str = "1") -> Path:
    path = folder / "lora_encoder.py"
    path.write_text(ENCODER.format(imports=imports, late=late, value=value))
    return path


def test_what_it_imports_is_run_as_it_was_when_it_was_read(tmp_path: Path) -> None:
    # given a module, a package, and another that is imported only when a text is read
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "__init__.py").write_text("from .base import two\n")
    (tmp_path / "net" / "base.py").write_text("two = 2.0\n")
    (tmp_path / "late_one.py").write_text("three = 3.0\n")
    path = encoder_file(tmp_path, "import net", "import late_one", "net.two * late_one.three")
    code = imported_code(tmp_path, path)
    # when the files change meanwhile
    for name in ("net/base.py", "late_one.py"):
        (tmp_path / name).write_text("raise SystemExit(7)\n")
    encoder = ProjectEncoder(code)
    # then the trusted bytes are what runs
    assert encoder.encode(["one"]).shape == (1, 4)
    assert sys.modules["net.base"].__file__ == str(tmp_path / "net" / "base.py")
    assert encoder.identity == code.sha256


@pytest.mark.parametrize(
    "imports",
    [
        f"{OWN_PATH}; import importlib; importlib.import_module('hid' + 'den')",
        f"{OWN_PATH}; __import__('hidden')",
        f"{OWN_PATH}; __import__('folder.module')",
        f"{OWN_PATH}; import net; __import__('net.hidden')",
    ],
)
def test_nothing_else_of_the_project_is_imported(tmp_path: Path, imports: str) -> None:
    marker = tmp_path / "ran"
    for name in ("hidden", "folder/module", "net/hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").write_text(f"open({str(marker)!r}, 'w')\n")
    (tmp_path / "net" / "__init__.py").write_text("")
    path = encoder_file(tmp_path, imports)
    with pytest.raises(InputError, match="its trust does not cover"):
        ProjectEncoder(path)
    assert not marker.exists()


def test_what_is_installed_comes_before_the_project(tmp_path: Path) -> None:
    (tmp_path / "colorsys.py").write_text("raise SystemExit(7)\n")
    path = encoder_file(tmp_path, f"{OWN_PATH.split(';')[0]}\nimport colorsys")
    assert ProjectEncoder(path).encode(["one"]).shape == (1, 4)


def test_one_projects_modules_are_not_anothers(tmp_path: Path) -> None:
    made = []
    for name, value in (("one", "1.0"), ("two", "-1.0")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "helper.py").write_text(f"value = {value}\n")
        path = encoder_file(folder, "import helper", value="helper.value")
        made.append(ProjectEncoder(path).encode(["x"])[0, 0].item())
    assert made == [0.5, -0.5]
    assert len([finder for finder in sys.meta_path if isinstance(finder, Covered)]) == 1
