"""Each event to what MLflow calls it: a run, a model version with an alias, a prompt version."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from handlers.jobs import JobContext, JobResult
from handlers.lora.hub.curves import columns_of
from handlers.lora.model.names import CURVE
from handlers.tracking.mlflow import Tracker
from handlers.tracking.reactions import TRACKED
from store.events.adapter import AdapterPromoted, AdapterRolledBack, AdapterScored, AdapterTrained
from store.events.envelope import Recorded, project_stream
from store.events.prompt import PromptProposed, PromptRewritten, PromptRolledBack, PromptVersion
from store.log import History
from store.schema import connect_reader

URI = "MLFLOW_TRACKING_URI"
DEPLOYED, CURRENT, PROPOSED = "deployed", "current", "proposed"
"""Aliases: of the adapter that serves, of the prompt in the file, of one that waits."""
AUTHORS = "(as its author wrote it: no rule of ours)"


def track(context: JobContext) -> JobResult:
    """Tell MLflow of what happened from `first` to the end of the log, the oldest first.

    A prompt's version is told by the rules in it, which code wrote: the author's own words stay.
    """
    uri = os.environ.get(URI, "")
    assert context.project is not None
    if not uri:
        return JobResult(summary=f"nothing is tracked any more: {URI} is not set")
    with contextlib.closing(connect_reader(context.state_dir)) as reader:
        stream = project_stream(str(context.project))
        first = int(context.spec["first"])
        names = [event.type_name() for event in TRACKED]
        records = list(History(reader).read(first - 1, stream=stream, types=names))
    tracker = Tracker(context.project, uri)
    for number, record in enumerate(records):
        context.report({"step": "tracking", "done": number, "total": len(records)})
        _tell(tracker, context.project, record)
    return JobResult(summary=f"tracked {len(records)} events as {tracker.name}")


def _tell(tracker: Tracker, project: Path, record: Recorded) -> None:
    match record.event:
        case AdapterTrained() as trained:
            _training(tracker, project, trained, record.recorded_at_us // 1000)
        case AdapterScored() as scored:
            _score(tracker, scored, record.recorded_at_us // 1000)
        case AdapterPromoted() as promoted:
            tracker.alias(DEPLOYED, adapter_key(promoted.version))
        case AdapterRolledBack() as back:
            serving = back.version
            tracker.alias(DEPLOYED, None if serving is None else adapter_key(serving))
        case PromptProposed() as proposed:
            _prompt(tracker, proposed, PROPOSED, proposed.reason)
        case PromptRewritten() as rewritten:
            proven = "shown to help" if rewritten.improved else "not shown to help"
            _prompt(tracker, rewritten, CURRENT, proven)
        case PromptRolledBack() as taken_back:
            _taken_back(tracker, taken_back)


def adapter_key(version: int) -> str:
    """What an adapter is known by."""
    return f"adapter-{version}"


def _training(tracker: Tracker, project: Path, event: AdapterTrained, at_ms: int) -> None:
    key = adapter_key(event.version)
    run = tracker.training(
        key, f"adapter {event.version}", at_ms - int((event.seconds or 0) * 1000)
    )
    folder = project / event.path
    metrics = [(name, value, epoch) for name, epoch, value in columns_of(folder / CURVE)]
    if event.loss is not None:
        metrics.append(("final_loss", event.loss, event.epochs))
    named = ("version", "rows", "exam_rows", "epochs", "seed", "threads", "encoder")
    hashes = ("sha256", "dataset_sha256", "base_sha256")
    parameters = {name: getattr(event, name) for name in (*named, *hashes)}
    tracker.log(run, parameters, metrics, folder if folder.is_dir() else None)
    tracker.ended(run, at_ms)
    tracker.model(key, run)


def _score(tracker: Tracker, event: AdapterScored, at_ms: int) -> None:
    key = adapter_key(event.version)
    run = tracker.training(key, f"adapter {event.version}", at_ms)
    metrics = [
        (f"{axis.axis}.{name}", value, event.version)
        for axis in event.checks
        for name, value in (("value", axis.value), ("lower", axis.lower), ("upper", axis.upper))
        if value is not None
    ]
    tracker.log(run, {}, metrics)
    tracker.tag(run, "verdict", event.verdict)
    tracker.ended(run, at_ms)
    tracker.tag_model(key, "verdict", event.verdict)


def _prompt(tracker: Tracker, event: PromptVersion, alias: str, why: str) -> None:
    lines = "\n".join(rule.line for rule in event.rules) or AUTHORS
    tags = {"file": event.file, "sha256": event.after_sha256, "rules": str(len(event.rules))}
    tracker.prompt(alias, f"prompt-{event.version}", lines, tags, why)


def _taken_back(tracker: Tracker, event: PromptRolledBack) -> None:
    lines = "\n".join(rule.line for rule in event.rules) or AUTHORS
    tags = {"file": event.file, "sha256": event.after_sha256, "takes_back": str(event.of)}
    tracker.prompt(CURRENT, f"prompt-{event.version}", lines, tags, event.reason)
