"""A project, opened: where it really is, its mission, and the actions its robot knows.

Opened once by a job or a command and handed on from there: everything that is done speaks of the
same env.json, whatever becomes of the file meanwhile.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.project.paths import SPEC_FILE, inside_real
from handlers.project.spec import ProjectSpec, parse_spec, read_spec

if TYPE_CHECKING:
    from handlers.project.library import ActionLibrary


@dataclass(frozen=True)
class Project:
    """`path` is the project's real path, `spec` its env.json as it was when it was opened.

    `env_sha256` is of the bytes of env.json; None for a mission that was not read from a file.
    """

    path: Path
    spec: ProjectSpec
    env_sha256: str | None = None

    @classmethod
    def open(cls, folder: Path, *, actions: bool = False) -> Project:
        """Read env.json; with `actions` the action library as well, else when it is asked for.

        Raises ProjectNotFound without an env.json, SpecError for one that is not a valid mission,
        and with `actions` what `library` raises.
        """
        path = Path(os.path.realpath(folder))
        data = read_spec(path / SPEC_FILE)
        spec = parse_spec(data, str(path / SPEC_FILE))
        project = cls(path, spec, hashlib.sha256(data).hexdigest())
        if actions:
            project.library  # noqa: B018 - read now, so that an unknown robot is told now
        return project

    @cached_property
    def library(self) -> ActionLibrary:
        """The robot's actions and the project's signals.

        Raises ProjectError when nobody knows the robot, or its actions.json is not usable. An
        unknown robot may be asked of another package, which takes seconds: an export or a map,
        which need no actions, must not wait for that, nor fail by it.
        """
        from handlers.project.library import library_for

        return library_for(self.spec.robot, self.path, self.spec.signals)

    def inside(self, candidate: Path | str) -> Path:
        """The real path of something in the project. Raises UnsafePathError when it is not."""
        return inside_real(self.path, Path(candidate))
