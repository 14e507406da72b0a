"""When the daemon judges: runs arrive, and no rewrite is being look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from handlers.jobs import queue_job
from handlers.judge.driven import is_evidence, is_prompted
from handlers.judge.monitor.outcome import ended, rollback_spec
from handlers.judge.monitor.samples import monitor
from handlers.reactions import Tools
from store.events.base import Event
from store.events.envelope import Recorded
from store.events.files import RunExtended, RunRecorded, RunReplaced
from store.events.process import JobQueued
from store.events.prompt import JudgeRequested, PromptConflictFound
from store.reads.improvements import current_prompt, episodes, last_judged
from store.reads.offers import next_offer
from store.reads.state import State

PROMPT_JOBS = frozenset({"judge", "prompt", "offer"})
"""Kinds of job that write the prompt's file."""


def judge_on_run(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """A finished run that says something about the prompt: judge, once it has been quiet."""
    fact = event.event
    assert isinstance(fact, RunRecorded | RunExtended | RunReplaced)
    if isinstance(fact, RunRecorded | RunReplaced) and fact.twin_of is not None:
        return []  # a copy is no further run
    finished = fact.format == "orchestrator" or any(
        episode.outcome in ("succeeded", "failed") and is_evidence(episode.stamp)
        for episode in fact.episodes
    )
    return _judge(event, state, tools, f"run {fact.run_id}") if finished else []


def judge_on_resume(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """The end of a pause: judge, if runs came meanwhile that failed and may be the prompt's."""
    assert event.project is not None
    judged = last_judged(state.connection, event.project)
    since = judged.position if judged is not None else 0
    came = [run for run in episodes(state.connection, event.project) if run.position > since]
    if any(run.outcome == "failed" and _may_be_the_prompts(run.stamp) for run in came):
        return _judge(event, state, tools, "the project was resumed")
    return []


def _may_be_the_prompts(stamp: Mapping[str, Any]) -> bool:
    return not stamp or is_prompted(stamp.get("policy"))


def monitor_prompt(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """Every run after a rewrite: are the runs since worse than those before? Then take it back.

    Also at the end of a pause, for the runs that came in it.
    """
    assert event.project is not None
    current = current_prompt(state.connection, event.project)
    if current is None or not current.watching or _is_paused(event, state):
        return []
    # The reader of prompts is a fifth of a daemon's start, and most projects watch no rewrite.
    from handlers.judge.prompt.drift import changed_by_hand

    changed = changed_by_hand(Path(event.project), current, tools.policy(event.project).prompt)
    if changed and any(job.kind in PROMPT_JOBS for job in state.jobs(event.project, "running")):
        return []  # by that job perhaps: its events will say
    if changed:  # what is driven now is not what was written: the runs say nothing about it
        return [PromptConflictFound(file=current.file, reason=changed, version=current.version)]
    look = monitor(state.connection, event.project, current)
    if look.decision == "worse":
        spec = rollback_spec(current.version, look)
        return queue_job(state, "prompt", event.project, f"prompt version {current.version}", spec)
    end = ended(current.version, look)
    return [end] if end is not None else []


def take_offers(event: Recorded, state: State, tools: Tools) -> Iterable[Event]:
    """Something of the fleet's offers is to be done: taken up, or back. One change at a time."""
    assert event.project is not None
    due = next_offer(state.connection, event.project, "prompt")
    if due is None or _is_paused(event, state):
        return []
    current = current_prompt(state.connection, event.project)
    if due.is_open and current is not None and current.watching:
        return []  # the end of the watch is an event too
    return queue_job(state, "offer", event.project, f"offer {due.offer}", {"by": "cadenzad"})


def _judge(event: Recorded, state: State, tools: Tools, reason: str) -> list[Event]:
    assert event.project is not None
    policy = tools.policy(event.project)
    if not policy.judge or _is_paused(event, state):
        return []
    current = current_prompt(state.connection, event.project)
    if current is not None and current.watching:
        return []  # one change at a time: first it is seen what this one did
    made = queue_job(
        state,
        "judge",
        event.project,
        reason,
        {"by": "cadenzad"},
        now_us=tools.now_us(),
        wait=policy.judge_wait,
    )
    asked = [JudgeRequested(reason=reason)] if any(isinstance(e, JobQueued) for e in made) else []
    return [*asked, *made]


def _is_paused(event: Recorded, state: State) -> bool:
    project = state.project(event.project) if event.project is not None else None
    return project is not None and project.paused
