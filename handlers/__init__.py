"""Capabilities: what can be done for a robot project, one package each. Imports `store` only.

`REACTIONS` is the table of contents of the system: which events lead to what. A reaction runs once
for every event of its types, in log order, and its cursor commits with the events it returned.
"""

from __future__ import annotations

from collections.abc import Mapping

from handlers.export.reactions import export_on_request, export_on_run, request_on_project
from handlers.reactions import Reaction
from store.events import (
    Event,
    ExportRequested,
    FileMoved,
    ProjectChanged,
    ProjectDiscovered,
    ProjectResumed,
    RunExtended,
    RunRecorded,
    RunReplaced,
)

EXPORT_RUN = Reaction("export_run", export_on_run)
EXPORT_REQUESTED = Reaction("export_requested", export_on_request)
REQUEST_EXPORTS = Reaction("request_exports", request_on_project)

REACTIONS: Mapping[type[Event], tuple[Reaction, ...]] = {
    RunRecorded: (EXPORT_RUN,),
    RunExtended: (EXPORT_RUN,),
    RunReplaced: (EXPORT_RUN,),
    FileMoved: (EXPORT_RUN,),
    ExportRequested: (EXPORT_REQUESTED,),
    ProjectDiscovered: (REQUEST_EXPORTS,),
    ProjectChanged: (REQUEST_EXPORTS,),
    ProjectResumed: (REQUEST_EXPORTS,),
}
