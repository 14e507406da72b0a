"""One job: how it stands, what it led to, what it logged."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import FAILED, OK
from store.errors import ProjectNotFound
from store.history import StoredHistory
from store.reads.live import job_key
from store.reads.names import Names
from store.reads.state import JobRow, State
from store.times import iso

if TYPE_CHECKING:
    from pathlib import Path

LAST = 1000
"""Lines of a log that are shown: more than most jobs say."""


def show_job(arguments: argparse.Namespace, directory: Path, state: State, number: int) -> int:
    """Print it; with `--log` what it logged, with `--follow` until it ends. FAILED if it failed."""
    job = state.job(number)
    if job is None:
        raise ProjectNotFound(f"no job {number}", hint="`cadenzactl jobs` lists them")
    if arguments.log or arguments.follow:
        return _log(arguments, directory, state, job)
    if arguments.json:
        say_json(as_json(state, job) | {"events": _events(state, job)}, indent=2)
    else:
        for line in _lines(state, job):
            say(line)
    return OK


def as_json(state: State, job: JobRow) -> dict[str, Any]:
    """A job as programs see it: times in ISO 8601, null where there is none yet."""
    times = {
        "queued_at": job.queued_us,
        "not_before": job.not_before_us or None,
        "started_at": job.started_us,
        "ended_at": job.ended_us,
    }
    return {
        "job": job.id,
        "kind": job.kind,
        "project": os.path.basename(job.project) or None,
        "path": job.project or None,
        "state": job.state,
        "attempt": job.attempt,
        "reason": job.reason,
        "result": job.result,
        **{name: None if us is None else iso(us) for name, us in times.items()},
        "spec": job.spec,
        "progress": None if job.ended_us else state.progress(job_key(job.id)),
    }


def _events(state: State, job: JobRow) -> list[dict[str, Any]]:
    """What it led to, its own comings and goings among it."""
    records = StoredHistory(state.connection).read(job.id - 1)
    return [
        {
            "position": record.position,
            "type": record.type,
            "recorded_at": iso(record.recorded_at_us),
        }
        for record in records
        if job.id in (record.position, record.causation)
    ]


def _lines(state: State, job: JobRow) -> list[str]:
    from cadenzad.progress import said_of

    told = as_json(state, job)
    name = Names(state.connection).shown(job.project) or "no project"
    lines = [f"job {job.id}: {job.kind} for {name}: {job.state}, attempt {job.attempt}"]
    lines.append(f"asked for by: {job.reason}")
    lines += [f"{word.replace('_', ' ')}: {told[word]}" for word in _TIMES if told[word]]
    if said := said_of(told["progress"]):
        lines.append(f"now: {said}")
    if job.result:
        lines.append(f"result: {job.result}")
    lines += [f"{item['position']:>7}  {item['recorded_at']}  {item['type']}"
              for item in _events(state, job)]  # fmt: skip
    return [*lines, f"its log: cadenzactl jobs {job.id} --log"]


_TIMES = ("queued_at", "not_before", "started_at", "ended_at")


def _log(arguments: argparse.Namespace, directory: Path, state: State, job: JobRow) -> int:
    from cadenzad.cli.terminal.loglines import print_records
    from cadenzad.logfiles import job_log, read_log

    def over() -> bool:
        now = state.job(job.id)
        return now is None or now.state in ("succeeded", "failed", "cancelled")

    records = read_log(job_log(directory, job.id), LAST, follow=arguments.follow, over=over)
    count = print_records(records, as_json=arguments.json, whole=True)
    now = state.job(job.id) or job
    if not count:
        say(f"job {job.id} ({job.kind}) has logged nothing, or its log was deleted", err=True)
    if not arguments.follow:
        return OK
    if not arguments.json:
        say(f"job {job.id} ({job.kind}) {now.state}: {now.result}", err=True)
    return FAILED if now.state == "failed" else OK
