"""Capabilities: what can be done for a robot project, one package each. Imports `store` only.

`REACTIONS` is the table of contents of the system: which events lead to what. A reaction runs once
for every event of its types, in log order, and its cursor commits with the events it returned.
"""

from __future__ import annotations

from collections.abc import Mapping

from handlers.export.reactions import export_on_request, export_on_run, request_on_project
from handlers.judge.reactions import judge_on_resume, judge_on_run, watch_prompt
from handlers.lora.reactions import retrain_on_data
from handlers.reactions import Reaction
from store.events.adapter import CodeTrusted
from store.events.base import Event
from store.events.files import (
    ExamplesRecorded,
    ExportRequested,
    FileMoved,
    FileRemoved,
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
WATCH_PROMPT = Reaction("watch_prompt", watch_prompt)
JUDGE_RUNS = Reaction("judge_runs", judge_on_run)
JUDGE_RESUMED = Reaction("judge_resumed", judge_on_resume)
RETRAIN = Reaction("retrain", retrain_on_data)

REACTIONS: Mapping[type[Event], tuple[Reaction, ...]] = {
    RunRecorded: (EXPORT_RUN, WATCH_PROMPT, JUDGE_RUNS),
    RunExtended: (EXPORT_RUN, WATCH_PROMPT, JUDGE_RUNS),
    RunReplaced: (EXPORT_RUN, WATCH_PROMPT, JUDGE_RUNS),
    FileMoved: (EXPORT_RUN,),
    ExportRequested: (EXPORT_REQUESTED,),
    ProjectDiscovered: (REQUEST_EXPORTS,),
    ProjectChanged: (REQUEST_EXPORTS, RETRAIN),
    ProjectResumed: (REQUEST_EXPORTS, WATCH_PROMPT, JUDGE_RESUMED, RETRAIN),
    ExamplesRecorded: (RETRAIN,),
    FileRemoved: (RETRAIN,),
    CodeTrusted: (RETRAIN,),
}
