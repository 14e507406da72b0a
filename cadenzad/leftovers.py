"""What a kill cut short is made good when a daemon starts, and what it left lying about goes."""

from __future__ import annotations

import logging
from pathlib import Path

from cadenzad.maintenance.restore import remove_workshops
from handlers.export.files import tidy as tidy_exports
from handlers.recovery import recover
from handlers.routes import EFFECTS
from store.durable import remove_drafts
from store.errors import StoreError, UnsafePathError
from store.reads.state import State
from store.writer import Writer

log = logging.getLogger("cadenzad")


def recover_everything(state_dir: Path, state: State, writer: Writer) -> None:
    """For the state directory and every project that the log knows. Call it while no job runs."""
    for folder in (state_dir, *filter(Path.is_dir, state_dir.iterdir())):
        remove_drafts(folder, lambda target: target.endswith(".json"))
    remove_workshops(state_dir)
    for project in state.projects():
        try:
            recover(Path(project.path), writer, EFFECTS)
            tidy_exports(Path(project.path))
        except UnsafePathError:
            continue  # nothing of ours lies there
        except (StoreError, OSError) as error:
            log.error("%s: %s", project.path, error)
