"""Whether a queued job can begin where it would be done; who waits, and for what, is shown once."""

from __future__ import annotations

from cadenzad.jobs.executor import Executor
from cadenzad.jobs.process import CHILD
from cadenzad.jobs.recording import Recording
from handlers.routes import NEEDS
from store.reads.state import WaitingJob


class Places:
    """What `executor` has room for, and what this machine has installed."""

    def __init__(self, executor: Executor, recording: Recording) -> None:
        self._executor, self._recording = executor, recording
        self._told: dict[int, str] = {}

    def has_room(self, job: WaitingJob) -> bool:
        """Whether there is a place for a job; whoever looks at it is told where there is none."""
        obstacle = self._executor.obstacle(job.kind)
        self._tell(job, obstacle)
        return not obstacle

    def is_equipped(self, job: WaitingJob) -> bool:
        """Whether what a job cannot do without is installed, where it is done here.

        Until then it waits and says for what; no other job of its project waits for it.
        """
        here = self._executor.module(job.kind) == CHILD
        extra = NEEDS.get(job.kind) if here else None
        missing = extra.missing if extra is not None else ()
        if extra is not None and missing:
            self._tell(job, f"waits for {', '.join(missing)}: {extra.fix}")
        return not missing

    def forget(self, job: WaitingJob) -> None:
        """It waits no longer: what it is shown by from now on is how far it is."""
        self._told.pop(job.id, None)

    def _tell(self, job: WaitingJob, obstacle: str) -> None:
        if obstacle != self._told.get(job.id, ""):
            self._told[job.id] = obstacle
            self._recording.progress(job.id, {"step": obstacle} if obstacle else None)
