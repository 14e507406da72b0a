"""The user's own model: used when it fits, refused in one line when it does not."""

import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT

pytest.importorskip("mujoco")

from handlers.mission.world import model
from handlers.mission.world.model import compile_scene
from handlers.project.scene import Box
from store.errors import InputError, MissingExtraError


@pytest.mark.parametrize(
    "content", ["<mujoco>", "nonsense", "<mujoco><worldbody><geom/></worldbody></mujoco>"]
)
def test_bad_xml_is_one_line(tmp_path: Path, content: str) -> None:
    xml = tmp_path / "bad.xml"
    xml.write_text(content, "utf-8")
    with pytest.raises(InputError) as error:
        compile_scene(xml=xml)
    assert "bad.xml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        compile_scene(xml=tmp_path / "none.xml")


def test_without_mujoco_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(model, "import_module", missing)
    with pytest.raises(MissingExtraError) as error:
        compile_scene()
    assert "cadenzad[sim]" in error.value.hint


def test_naming_the_commands_loads_neither_mujoco_nor_numpy() -> None:
    code = (
        "import cadenzad.cli.env.run, sys; sys.exit(bool({'mujoco', 'numpy'} & set(sys.modules)))"
    )
    root = ROOT
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)


@pytest.mark.parametrize(
    ("far", "size"), [(1e8, 1e8), (1e200, 1e200), (1e308, 1e308), (1e9, 0.1), (0.0, 90.0)]
)
def test_a_scene_in_millimetres_is_refused_by_the_object_that_makes_it_so(
    far: float, size: float
) -> None:
    near = Box(type="box", position=(-1.0, 0, 0.04), size=(0.2, 0.5, 0.04))
    huge = Box(type="box", position=(-far, 0, 0), size=(size, size, size))
    with pytest.raises(InputError, match=r"scene.objects\[1\]|not a usable model") as error:
        compile_scene([near, huge])
    assert "\n" not in str(error.value)
