"""Jobs that a daemon queued of itself, for projects that it does not watch any more."""

from __future__ import annotations

import logging
from pathlib import Path

from cadenzad.config.settings import Config
from store.events.envelope import NewEvent, project_stream
from store.events.process import JobCancelled
from store.reads.state import JobRow, State
from store.writer import Transaction, Writer

log = logging.getLogger("cadenzad.jobs")

WHY = "cadenzad: the project is in no workspace that is watched"


def drop_unwatched(writer: Writer, config: Config) -> None:
    """Cancel those that wait from when it was; what somebody asked for is done all the same.

    To be called while none of them runs, or after the configuration has changed.
    """

    def unit(transaction: Transaction) -> list[JobRow]:
        state = State(transaction.connection)
        waiting = state.jobs(state="queued")
        watched = {path: config.watches(Path(path)) for path in {job.project for job in waiting}}
        dropped = [
            job
            for job in waiting
            if job.project and not watched[job.project] and _has_cause(transaction, job)
        ]
        for job in dropped:
            event = JobCancelled(job=job.id, by=WHY)
            transaction.append(NewEvent(project_stream(job.project), event, causation=job.id))
        return dropped

    for job in writer.run(unit):
        log.info("job %d (%s) of %s is dropped: it is not watched", job.id, job.kind, job.project)


def _has_cause(transaction: Transaction, job: JobRow) -> bool:
    """Whether a job followed from an event; what is asked for by hand begins a chain."""
    query = "SELECT causation FROM events WHERE position = ?"
    (cause,) = transaction.connection.execute(query, (job.id,)).fetchone()
    return cause is not None
