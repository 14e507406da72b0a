"""Whether what lies on disk is what the log says: for whoever shows a project. Light."""

from __future__ import annotations

import os

from handlers.project.paths import ADAPTERS_DIR
from store.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from store.database.backend import Readable
    from store.reads.improvements import PromptRow


def unrecorded(view: Readable, project: str) -> list[int]:
    """Adapter versions that the log does not know: of a copied project, or of a log that is lost.

    They are left alone.
    """
    try:
        names = os.listdir(os.path.join(project, ADAPTERS_DIR))
    except OSError:
        return []
    from store.reads.improvements import adapters

    known = {row.version for row in adapters(view, project)}
    return sorted({int(name) for name in names if name.isdecimal()} - known)


def changed(view: Readable, project: str) -> str:
    """What is to be said of the file, in one line; empty when it is as recorded."""
    query = "SELECT 1 FROM view_prompts WHERE project = ? LIMIT 1"
    if view.execute(query, (project,)).fetchone() is None:
        return ""  # as for most projects, which do not pay for the rows of the others
    from store.reads.improvements import prompt_versions

    for row in reversed(prompt_versions(view, project)):
        if row.state == "proposed" and _sha256(project, row) == row.after_sha256:
            return f"version {row.version} is in {row.file} already; `approve` records that"
        if row.state == "theirs":
            return f"{row.file} was changed by hand: {row.watch.removeprefix('ended: ')}"
        if row.state == "current":
            return _changed(project, row)
    return ""


def _changed(project: str, row: PromptRow) -> str:
    if _sha256(project, row) in (row.after_sha256, None):
        return ""
    from pathlib import Path

    from cadenzad.config.prompt import prompt_setting
    from handlers.judge.prompt.drift import changed_by_hand

    try:
        named = prompt_setting(Path(project))
    except ConfigError:
        named = ""  # as the daemon goes on, and says
    reason = changed_by_hand(Path(project), row, named)
    return f"{row.file} was changed by hand: {reason}" if reason else ""


def _sha256(project: str, row: PromptRow) -> str | None:
    import hashlib  # OpenSSL with it, and most projects have no version to compare

    try:
        with open(os.path.join(project, row.file), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return None
