"""Every event the system can record: EVENT_TYPES, and how a stored one is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from store.errors import SchemaError
from store.events.adapter import (
    AdapterBlocked,
    AdapterPromoted,
    AdapterRolledBack,
    AdapterScored,
    AdapterTrained,
    CodeTrusted,
    RetrainRequested,
)
from store.events.base import Event
from store.events.exports import (
    DatasetUpdated,
    ExportFailed,
    ExportLost,
    ExportRequested,
    RunExported,
)
from store.events.files import (
    ExamplesRecorded,
    FileMoved,
    FilePruned,
    FileRejected,
    FileRemoved,
    ProjectChanged,
    ProjectChecked,
    ProjectDiscovered,
    ProjectPaused,
    ProjectRemoved,
    ProjectResumed,
    RecordingDropped,
    RunExtended,
    RunRecorded,
    RunReplaced,
)
from store.events.fleet import OfferDeclined, OfferKept, OfferReceived, OfferWithdrawn
from store.events.process import (
    DaemonStarted,
    DaemonStopped,
    JobCancelled,
    JobFailed,
    JobPostponed,
    JobQueued,
    JobRequeued,
    JobRetried,
    JobStarted,
    JobSucceeded,
    ReactionFailed,
    RebuildRequested,
    ViewRebuilt,
    WatchDegraded,
    WatchRestored,
)
from store.events.prompt import (
    CandidatesWeighed,
    JudgeRequested,
    PromptConflictFound,
    PromptKept,
    PromptProposed,
    PromptRejected,
    PromptRewritten,
    PromptRolledBack,
    PromptTried,
    PromptWatchEnded,
    RunsJudged,
)

EVENT_TYPES: Mapping[str, type[Event]] = {
    cls.type_name(): cls
    for cls in (
        DaemonStarted,
        DaemonStopped,
        WatchDegraded,
        WatchRestored,
        ProjectDiscovered,
        ProjectChanged,
        ProjectChecked,
        ProjectRemoved,
        RunRecorded,
        RunExtended,
        RunReplaced,
        FileMoved,
        FileRemoved,
        FilePruned,
        ProjectPaused,
        ProjectResumed,
        ExamplesRecorded,
        FileRejected,
        RecordingDropped,
        ExportRequested,
        RunExported,
        ExportFailed,
        ExportLost,
        DatasetUpdated,
        JobQueued,
        JobPostponed,
        JobStarted,
        JobSucceeded,
        JobFailed,
        JobRequeued,
        JobCancelled,
        JobRetried,
        JudgeRequested,
        RunsJudged,
        CandidatesWeighed,
        PromptProposed,
        PromptRewritten,
        PromptTried,
        PromptKept,
        PromptConflictFound,
        PromptRejected,
        PromptRolledBack,
        PromptWatchEnded,
        RetrainRequested,
        AdapterTrained,
        AdapterScored,
        AdapterPromoted,
        AdapterBlocked,
        AdapterRolledBack,
        CodeTrusted,
        OfferReceived,
        OfferDeclined,
        OfferWithdrawn,
        OfferKept,
        ReactionFailed,
        RebuildRequested,
        ViewRebuilt,
    )
}

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTS: Mapping[tuple[str, int], Upcast] = {}
"""(type, version) -> a function from that version's data to the next version's."""


def decode(
    type_name: str,
    schema_version: int,
    data: str | bytes,
    upcasts: Mapping[tuple[str, int], Upcast] = UPCASTS,
    types: Mapping[str, type[Event]] = EVENT_TYPES,
) -> Event:
    """The event that was stored, upcast to today's shape.

    Raises SchemaError when the type is unknown or newer than this program.
    """
    cls = types.get(type_name)
    if cls is None:
        raise SchemaError(
            f"the log holds an event of unknown type {type_name!r}",
            hint="it was written by a newer version: upgrade cadenzad",
        )
    try:
        if schema_version == cls.schema_version:
            return cls.of_json(data)
        if schema_version > cls.schema_version:
            raise SchemaError(
                f"{type_name} has schema version {schema_version}, newer than "
                f"{cls.schema_version} which this program knows",
                hint="upgrade cadenzad",
            )
        shape: dict[str, Any] = json.loads(data)
        for version in range(schema_version, cls.schema_version):
            shape = upcasts[type_name, version](shape)
        return cls.of_shape(shape)
    except ValueError as error:
        raise SchemaError(f"a stored {type_name} is not readable: {error}") from None
