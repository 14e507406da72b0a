"""The table of contents: which events lead to what (REACTIONS), who does slow work (JOBS), and what
is made good after a job that was killed (EFFECTS).

A reaction runs once for every event of its types, in log order, and its cursor commits with the
events it returned. A job's function is named as text, so that the daemon never imports what it
needs (torch, groq, mujoco).
"""

from __future__ import annotations

from collections.abc import Mapping

from handlers.away import Away
from handlers.dataset.folder.reactions import update_on_change
from handlers.dataset.folder.recovery import DATASETS
from handlers.export.reactions import (
    export_on_loss,
    export_on_request,
    export_on_requests,
    export_on_run,
    export_on_runs,
    request_on_project,
)
from handlers.extras import Extra
from handlers.judge.prompt.recovery import PROMPTS
from handlers.judge.reactions import judge_on_resume, judge_on_run, monitor_prompt, take_offers
from handlers.lora.reactions import retrain_on_data, take_adapter_offers
from handlers.lora.recovery import ADAPTERS
from handlers.mission.check.reactions import check_on_project
from handlers.notify.news import DELIVERIES
from handlers.notify.reactions import notify_on_news
from handlers.project.paths import ADAPTERS_DIR
from handlers.reactions import Reaction
from handlers.recovery import Effect
from handlers.takein.reactions import KIND as TAKE_IN_KIND
from handlers.takein.reactions import take_in_recording
from handlers.tracking.reactions import TRACK, track_on_change
from store.events.adapter import (
    AdapterBlocked,
    AdapterPromoted,
    AdapterRolledBack,
    AdapterScored,
    AdapterTrained,
    CodeTrusted,
)
from store.events.base import Event
from store.events.exports import ExportLost, ExportRequested
from store.events.files import (
    ExamplesRecorded,
    FileMoved,
    FileRemoved,
    ProjectChanged,
    ProjectDiscovered,
    ProjectResumed,
    RecordingDropped,
    RunExtended,
    RunRecorded,
    RunReplaced,
)
from store.events.fleet import OfferDeclined, OfferKept, OfferReceived, OfferWithdrawn
from store.events.process import JobFailed, WatchDegraded
from store.events.prompt import (
    PromptConflictFound,
    PromptProposed,
    PromptRejected,
    PromptRewritten,
    PromptRolledBack,
    PromptWatchEnded,
)

EXPORT_RUN = Reaction("export_run", export_on_run, export_on_runs)
EXPORT_REQUESTED = Reaction("export_requested", export_on_request, export_on_requests)
EXPORT_LOST = Reaction("export_lost", export_on_loss)
REQUEST_EXPORTS = Reaction("request_exports", request_on_project)
MONITOR_PROMPT = Reaction("watch_prompt", monitor_prompt)
JUDGE_RUNS = Reaction("judge_runs", judge_on_run)
JUDGE_RESUMED = Reaction("judge_resumed", judge_on_resume)
TAKE_OFFERS = Reaction("take_offers", take_offers)
RETRAIN = Reaction("retrain", retrain_on_data)
TAKE_ADAPTERS = Reaction("take_adapters", take_adapter_offers)
TAKE_IN = Reaction("take_in", take_in_recording)
KEEP_DATASET = Reaction("keep_dataset", update_on_change)
CHECK = Reaction("check_project", check_on_project)
TELL = Reaction("notify", notify_on_news)
TRACK_CHANGE = Reaction("track", track_on_change)

REACTIONS: Mapping[type[Event], tuple[Reaction, ...]] = {
    RunRecorded: (EXPORT_RUN, KEEP_DATASET, MONITOR_PROMPT, JUDGE_RUNS),
    RunExtended: (EXPORT_RUN, KEEP_DATASET, MONITOR_PROMPT, JUDGE_RUNS),
    RunReplaced: (EXPORT_RUN, KEEP_DATASET, MONITOR_PROMPT, JUDGE_RUNS),
    FileMoved: (EXPORT_RUN, KEEP_DATASET),
    RecordingDropped: (TAKE_IN,),
    ExportRequested: (EXPORT_REQUESTED,),
    ExportLost: (EXPORT_LOST,),
    ProjectDiscovered: (REQUEST_EXPORTS, KEEP_DATASET, CHECK),
    ProjectChanged: (REQUEST_EXPORTS, KEEP_DATASET, RETRAIN, CHECK),
    ProjectResumed: (
        REQUEST_EXPORTS,
        KEEP_DATASET,
        MONITOR_PROMPT,
        TAKE_OFFERS,
        JUDGE_RESUMED,
        TAKE_ADAPTERS,
        RETRAIN,
        CHECK,
    ),
    ExamplesRecorded: (RETRAIN,),
    FileRemoved: (KEEP_DATASET, RETRAIN),
    CodeTrusted: (RETRAIN,),
    AdapterTrained: (TRACK_CHANGE,),
    AdapterScored: (TELL, TRACK_CHANGE),
    AdapterPromoted: (TELL, TRACK_CHANGE, TAKE_ADAPTERS),
    AdapterBlocked: (TELL,),
    AdapterRolledBack: (TELL, TRACK_CHANGE, TAKE_ADAPTERS),
    PromptRewritten: (TELL, TRACK_CHANGE, TAKE_OFFERS),
    PromptProposed: (TELL, TRACK_CHANGE, TAKE_OFFERS),
    PromptRolledBack: (TELL, TRACK_CHANGE, TAKE_OFFERS),
    PromptConflictFound: (TAKE_OFFERS,),
    PromptRejected: (TAKE_OFFERS,),
    PromptWatchEnded: (TAKE_OFFERS,),
    OfferReceived: (TAKE_OFFERS, TAKE_ADAPTERS),
    OfferDeclined: (TAKE_OFFERS, TAKE_ADAPTERS),
    OfferKept: (TAKE_OFFERS, TAKE_ADAPTERS),
    OfferWithdrawn: (TAKE_OFFERS, TAKE_ADAPTERS),
    WatchDegraded: (TELL,),
    JobFailed: (TELL,),
}
"""Event -> the reactions that want it."""

JOBS: Mapping[str, str] = {
    "dataset": "handlers.dataset.folder.job:update",
    TAKE_IN_KIND: "handlers.takein.job:take_in_dropped",
    "check": "handlers.mission.check.job:check_project",
    "judge": "handlers.judge.job:judge",
    "prompt": "handlers.judge.prompt.actions:act",
    "offer": "handlers.judge.offered:consider",
    "retrain": "handlers.lora.job:retrain",
    "score": "handlers.lora.job:rescore",
    "deploy": "handlers.lora.job:roll_back",
    "adopt": "handlers.lora.offered:consider",
    "selftest": "handlers.selftest.run:run",
    TRACK: "handlers.tracking.job:track",
    **dict.fromkeys(sorted(DELIVERIES), "handlers.notify.job:notify"),
}
"""Kind -> the function that does it."""

_LORA = Extra("lora", ("torch", "peft", "safetensors"))
NEEDS: Mapping[str, Extra] = {
    "dataset": Extra("dataset", ("pyarrow", "numpy")),
    "retrain": _LORA,
    "score": _LORA,
    "adopt": _LORA,
    TRACK: Extra("mlflow", ("mlflow",)),
}
"""Kind -> what it cannot do without: until that is installed it waits, one job that says so."""

LAST = frozenset({"check"})
"""Kinds that begin when nothing else is due: a thousand new projects delay no judging."""

BESIDE = DELIVERIES
"""Kinds that wait for no worker: news of a hurt robot is not told when a training has ended."""

AWAY: Mapping[str, Away] = {
    "retrain": Away("handlers.lora.away:pack_training", "handlers.lora.away:land", ADAPTERS_DIR),
    "score": Away("handlers.lora.away:pack_scoring", "handlers.lora.away:land", ADAPTERS_DIR),
}
"""Kinds that can be done on another machine, and what is around them then."""

SPREAD = frozenset({"judge", "export", "offer"})
"""Kinds that stay with the event log, and have parts of them computed wherever there is room."""

PARTS = frozenset(
    {
        "handlers.lora.rollout.course:drive_there",
        "handlers.judge.gates.elsewhere:drive_there",
        "handlers.export.elsewhere:export_there",
    }
)
"""Functions of (folder, part) that may be computed elsewhere: for handlers.spread.Spread."""

KEYED = frozenset({"judge", "offer"})
"""Kinds whose child gets the keys; no other process does, but a proxy that it starts."""

PASSED: Mapping[str, tuple[str, ...]] = {
    TRACK: ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
}
"""Kind -> the variables that its child alone gets: they hold a secret."""

EFFECTS: tuple[Effect, ...] = (ADAPTERS, PROMPTS, DATASETS)
"""What jobs do to a project's files before it is recorded."""
