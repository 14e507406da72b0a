"""The user's own model: used when it fits, refused in one line when it does not."""

import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from checkout import ROOT

pytest.importorskip("mujoco")

from handlers.mission.episode.sim import Simulator
from handlers.mission.locomotion.skill import Call
from handlers.mission.world import model
from handlers.mission.world.model import compile_scene
from handlers.project.scene import Box
from store.errors import InputError, MissingExtraError


def _own_model() -> str:
    return resources.files("handlers.mission.world").joinpath("go1.xml").read_text("utf-8")


def test_a_model_of_ones_own_walks(tmp_path: Path) -> None:
    xml = tmp_path / "mine.xml"
    xml.write_text(_own_model().replace('kp="200"', 'kp="30"'), "utf-8")
    sim = Simulator(compile_scene(xml=xml))
    assert sim.execute(Call("walk_forward", distance_m=0.3)).ok


def test_a_model_may_hold_other_things_too(tmp_path: Path) -> None:
    # given a model with a loose ball before the robot and the actuators in another order
    text = _own_model().replace(
        "<worldbody>",
        '<worldbody><body pos="3 3 1"><freejoint/><geom size="0.1" mass="1"/></body>',
    )
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if '<position name="FR_hip"' in line)
    lines[first : first + 12] = reversed(lines[first : first + 12])
    xml = tmp_path / "mine.xml"
    xml.write_text("\n".join(lines), "utf-8")
    # when it walks, then it is the robot that walks
    sim = Simulator(compile_scene(xml=xml))
    assert sim.execute(Call("walk_forward", distance_m=0.3)).ok
    assert sim.sense.x == pytest.approx(-0.3, abs=0.02)


def test_what_a_model_lacks_is_named(tmp_path: Path) -> None:
    xml = tmp_path / "mine.xml"
    xml.write_text(_own_model().replace("RL_calf_joint", "RL_knee"), "utf-8")
    with pytest.raises(InputError, match="joint RL_calf_joint") as error:
        compile_scene(xml=xml)
    assert str(xml) in str(error.value)
    assert "\n" not in str(error.value)


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
