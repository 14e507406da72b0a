"""What a verdict allows: an adapter that did not pass is deployed by nobody's oversight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.events.adapter import AdapterPromoted, AdapterRolledBack
from store.events.envelope import project_stream
from store.log import History
from store.reads.improvements import adapters

if TYPE_CHECKING:
    from store.database.backend import Readable

FORCE = "--force deploys it all the same, and status says so for as long as it serves"


def why_not(history: Readable, project: str, version: int) -> str:
    """Why a version may not be deployed again unless somebody insists; "" when it may.

    It may when it was deployed before (by force does not count), or when its last scorecard says
    DEPLOY. Of a scorecard that lies beside it, and not in the log, nobody knows who wrote it.
    """
    row = next((row for row in adapters(history, project) if row.version == version), None)
    if (row is not None and row.verdict == "DEPLOY") or _was_deployed(history, project, version):
        return ""
    verdict = row.verdict if row is not None else None
    said = f"its verdict is {verdict}" if verdict else "it has no verdict here"
    return f"version {version} was never deployed, and {said}"


def is_unknown(history: Readable, project: str, version: int) -> bool:
    """Whether the log knows nothing of a version. To record that it serves, where it does, deploys
    nothing and takes nobody's insistence; but it passed no gate that this log knows of.
    """
    return all(row.version != version for row in adapters(history, project))


def _was_deployed(history: Readable, project: str, version: int) -> bool:
    names = (AdapterPromoted.type_name(), AdapterRolledBack.type_name())
    records = History(history).read(stream=project_stream(project), types=names)
    return any(
        record.event.version == version
        for record in records
        if isinstance(record.event, AdapterPromoted)
        or (isinstance(record.event, AdapterRolledBack) and not record.event.forced)
    )
