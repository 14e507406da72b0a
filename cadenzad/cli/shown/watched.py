"""What the monitor says now of the prompt version in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from store.database.backend import Readable
    from store.reads.improvements import PromptRow


def watched(view: Readable, project: str, row: PromptRow | None) -> dict[str, Any] | None:
    """The monitor's reason and numbers; None for a version that is not watched."""
    if row is None or not row.watching:
        return None
    from handlers.judge.monitor.samples import monitor

    look = monitor(view, project, row)
    return {"watch": look.reason, "test": look.test, "evidence": dict(look.evidence)}
