"""A model is all the files that it names."""

from __future__ import annotations

from pathlib import Path

from handlers.mission.world.assets import model_files

MODEL = """<mujoco>
<compiler meshdir="meshes" texturedir="looks"/>
<include file="parts/legs.xml"/>
<asset>
  <mesh file="trunk.obj"/>
  <texture file="skin.png"/>
  <texture fileright="right.png" fileleft="left.png"/>
</asset>
</mujoco>"""


def test_includes_meshes_and_textures_are_found_where_the_compiler_looks(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "robot.xml").write_text(MODEL)
    legs = '<mujoco><include file="robot.xml"/><asset><mesh file="leg.obj"/></asset></mujoco>'
    (tmp_path / "parts" / "legs.xml").write_text(legs)
    found = {str(path.relative_to(tmp_path)) for path in model_files(tmp_path / "robot.xml")}
    assert found == {
        "robot.xml", "parts/legs.xml", "meshes/trunk.obj", "meshes/leg.obj", "looks/skin.png",
        "looks/right.png", "looks/left.png",
    }  # fmt: skip


def test_what_is_no_model_is_alone(tmp_path: Path) -> None:
    (tmp_path / "robot.xml").write_text("<mujoco")
    assert model_files(tmp_path / "robot.xml") == [tmp_path / "robot.xml"]
