"""check: a project before any run, with how its goals were understood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlers.goals.reading import Reading
from handlers.mission.check.findings import LEVELS, Finding
from handlers.mission.check.predicates import impossible
from handlers.mission.check.reach import poses_of
from handlers.mission.check.sight import unseen
from handlers.mission.check.spawn import overlaps
from handlers.mission.check.understanding import in_short, misunderstood, readings
from handlers.mission.route.footing import Footing
from handlers.mission.world.bounds import refuse_far
from handlers.mission.world.model import compile_scene, require_built_in
from handlers.project.library import BUILT_IN
from handlers.project.paths import ACTIONS_FILE, SPEC_FILE
from handlers.project.project import Project
from handlers.project.spec import ProjectSpec
from store.errors import InputError, MissingExtraError, ProjectError


@dataclass(frozen=True, slots=True)
class Report:
    """What was understood, phase by phase, and what was found, the worst first."""

    phases: tuple[tuple[str, Reading], ...]
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        """Whether the mission cannot succeed as it is written."""
        return any(finding.level == "error" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        return {
            "phases": [
                {
                    "name": name,
                    "goal": reading.goal,
                    "steps": [
                        {"action": s.action, **s.parameters, "words": s.words}
                        for s in reading.steps
                    ],
                    "doubts": [
                        {"kind": d.kind, "words": d.words, "why": d.why} for d in reading.doubts
                    ],
                }
                for name, reading in self.phases
            ],
            "findings": [
                {"level": f.level, "place": f.place, "what": f.what, "fix": f.fix}
                for f in self.findings
            ],
        }

    def lines(self) -> list[str]:
        """One line for each phase, then one for each finding."""
        understood = [
            f"{index}. {name}: {in_short(reading)}"
            for index, (name, reading) in enumerate(self.phases, 1)
        ]
        return understood + [str(finding) for finding in self.findings]


def check(project: Project) -> Report:
    """Everything that can be told of a project without running it."""
    spec = project.spec
    found = readings(spec, project.library)
    findings = [*misunderstood(found, project.library), *impossible(spec), *_unread(project)]
    findings += _in_the_world(spec, project.path)
    ordered = sorted(dict.fromkeys(findings), key=lambda finding: LEVELS.index(finding.level))
    return Report(tuple(zip(spec.phase_names, found, strict=True)), tuple(ordered))


def _unread(project: Project) -> Iterator[Finding]:
    """Files that are not read: by the daemon, or because a robot's library is built in."""
    spec = project.path / SPEC_FILE
    if not spec.resolve().is_relative_to(project.path.resolve()):
        what = f"leads to {spec.resolve()}: the daemon follows no link out of a project"
        yield Finding("warning", SPEC_FILE, what, "copy the file into the project")
    robot = project.spec.robot
    if robot.lower() in BUILT_IN and (project.path / ACTIONS_FILE).exists():
        what = f"is not read: the actions of {robot} are built in"
        yield Finding("warning", ACTIONS_FILE, what, "give the robot a name of its own in env.json")


def _in_the_world(spec: ProjectSpec, folder: Path) -> list[Finding]:
    """What needs the scene: spawn, ways, sight."""
    xml = folder / spec.xml_path if spec.xml_path else None
    try:
        refuse_far(spec)
        if xml is None:
            require_built_in(spec.robot)
        scene = compile_scene(spec.scene.objects, xml)
    except MissingExtraError as error:
        fix = "pip install 'cadenzad[sim]'"
        return [Finding("hint", "scene", f"ways and sight are not looked at: {error.message}", fix)]
    except ProjectError as error:
        what = error.message.removeprefix("robot ")
        return [Finding("warning", "robot", what, error.hint or "")]
    except InputError as error:
        place, _, what = error.message.removeprefix("env.json: ").partition(": ")
        return [Finding("error", place, what or error.message, error.hint or "")]
    footing = Footing(scene.terrain)
    poses, unreached = poses_of(spec, footing)
    return [*overlaps(spec, footing), *unreached, *unseen(spec, scene, poses)]
