"""What a scorecard simulates with: the project's scene and flat ground, or why there is neither."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlers.lora.model.interface import Decoder
from handlers.lora.rollout.course import Course
from handlers.lora.rollout.driving import phase_plans
from handlers.lora.rollout.flat import Flat
from handlers.lora.scorecard.driven import Driven, drive
from handlers.lora.scorecard.safety import library_problem
from handlers.lora.settings import LoraSettings
from handlers.project.library import ActionLibrary
from handlers.project.project import Project
from handlers.spread import Spread
from store.errors import CadenzaError, InputError, MissingExtraError


@dataclass(frozen=True, slots=True)
class Simulation:
    """`missing` says why nothing can be simulated; "" where it can."""

    project: Project
    library: ActionLibrary
    settings: LoraSettings
    course: Course | None = None
    flat: Flat | None = None
    missing: str = ""

    @classmethod
    def open(
        cls,
        project: Project,
        library: ActionLibrary,
        settings: LoraSettings,
        folder: Path | None,
        report: Callable[[Mapping[str, Any]], None],
        spread: Spread | None = None,
    ) -> Simulation:
        """`folder`: where outcomes are remembered; `spread`: who else drives."""
        from handlers.mission.world.model import mujoco

        try:
            mujoco()
            flat = Flat(project, folder=folder, report=report)
            course = Course(project, library=library, folder=folder, report=report, spread=spread)
        except MissingExtraError as error:
            missing = f"{error.message}: {error.hint}"
        except CadenzaError as error:
            missing = error.message
        else:
            return cls(project, library, settings, course, flat)
        return cls(project, library, settings, missing=missing)

    def drive(self, decoder: Decoder) -> Driven:
        """The mission under what a decoder makes of its phases' goals, as `env run` drives it."""
        if self.course is None:
            return Driven(missing=self.missing)
        try:
            plans = phase_plans(decoder, self.project.spec)
        except InputError as error:
            return Driven(missing=error.message)
        problem = library_problem(plans, self.library)
        if problem:
            return Driven(missing=problem)
        return drive(self.course, plans, self.settings.falls, self.settings.mission)
