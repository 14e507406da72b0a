"""What a run of a project is set in: its scene, with the robot's model in it."""

from __future__ import annotations

import os
from pathlib import Path

from handlers.mission.episode.proving import proven_scene
from handlers.mission.world.assets import model_files
from handlers.mission.world.model import SceneModel, require_built_in
from handlers.project.paths import ACTIONS_FILE, SPEC_FILE
from handlers.project.project import Project


def own_model(project: Project, xml: Path | None = None) -> Path | None:
    """The user's model of the robot: `xml`, which may be any file, else env.json's `xml_path`.

    None where the built-in one is meant. Raises UnsafePathError for an `xml_path` that leaves the
    project, ProjectError where a robot has no model.
    """
    spec = project.spec
    if xml is None and spec.xml_path is not None:
        xml = project.inside(spec.xml_path)
    if xml is None:
        require_built_in(spec.robot)
    return xml


def scene_of(project: Project, xml: Path | None = None) -> SceneModel:
    """The compiled scene, for any number of runs. `xml` as for `own_model`, and it must walk."""
    return proven_scene(project.spec.scene.objects, own_model(project, xml))


def mission_files(project: Project) -> list[Path]:
    """The files of a project that its mission is simulated with, all that a copy needs of it.

    Raises UnsafePathError for a model, or a part of one, that lies outside of the project.
    """
    found = [project.path / SPEC_FILE]
    if (project.path / ACTIONS_FILE).is_file():
        found.append(project.path / ACTIONS_FILE)
    if project.spec.xml_path is not None:
        found += filter(Path.is_file, model_files(project.path / project.spec.xml_path))
    found = [Path(os.path.normpath(path)) for path in found]
    for path in found:
        project.inside(path)
    return found
