"""What a project is called: its folder's name, or as much of its path as tells it from another."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from store.database.backend import Readable


class Names:
    """Names of projects, each asked for once. `shown(path)` can be typed: `find_project` takes it.

    Of a project that is not known, the folder's name.
    """

    def __init__(self, view: Readable) -> None:
        self._view = view
        self._known: dict[str, str] = {}

    def shown(self, project: str) -> str:
        """A project's name by its absolute path; "" for what is no project's."""
        if not project:
            return ""
        if project not in self._known:
            query = "SELECT path FROM view_projects WHERE name = ?"
            found = self._view.execute(query, (os.path.basename(project),))
            self._known[project] = told_apart(project, [path for (path,) in found])
        return self._known[project]


def told_apart(project: str, others: Sequence[str]) -> str:
    """The last parts of a path, as few as no other of `others` ends with."""
    parts = project.strip("/").split("/")
    rest = [other.strip("/").split("/") for other in others if other != project]
    for count in range(1, len(parts) + 1):
        if all(other[-count:] != parts[-count:] for other in rest):
            return "/".join(parts[-count:])
    return project
