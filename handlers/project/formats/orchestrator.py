"""What an orchestrator's log says, session by session.

Such a log names what the robot was told and what came of it, but not what it saw. Each
`session_start` opens a session (an episode to the rest of the system); `ticks` counts the actions
started in it. What the log does not say stays unknown:

- a chain-of-thought session with a target succeeded when the target was reached, and failed when
  it was done without; with no target to reach, being done says nothing about success;
- a sequential session succeeded when it ended with every step completed, and failed when retries
  were exceeded or a step was left open;
- a session whose end is not in the log is unfinished.
"""

from __future__ import annotations

from typing import Any, BinaryIO

from handlers.project.formats.logsummary import Episode, Fold, LogSummary, one_line, summarise
from store.events.files import Outcome
from store.identity import Prefix

_ACTIONS = frozenset({"execute_start", "step_start", "avoid_step"})


def read_orchestrator_log(stream: BinaryIO, *, prior: Prefix | None = None) -> LogSummary:
    """Read an orchestrator's log once, to its end. No content makes it raise; OSError does."""
    return summarise(stream, OrchestratorFold(), "orchestrator", prior)


class OrchestratorFold(Fold["_Session"]):
    """Folds orchestrator events into sessions."""

    def add(self, line: int, record: dict[str, Any]) -> str | None:
        event = record.get("event")
        if not isinstance(event, str):
            return "not an orchestrator record: no event"
        if self.current is None or event == "session_start":
            self.finish()
            self.current = _Session(self.next_index, line)
        self.current.add(event, record)
        return None


class _Session(Episode):
    """One session in the making."""

    def __init__(self, index: int, first_line: int) -> None:
        super().__init__(index, first_line)
        self.has_target = False
        self.reached = False
        self.done: str | None = None
        self.ended = False
        self.retries_exceeded = False
        self.steps_started = 0
        self.steps_completed = 0
        self.infer_errors = 0

    def add(self, event: str, record: dict[str, Any]) -> None:
        self.ticks += event in _ACTIONS
        match event:
            case "session_start":
                self.has_target = record.get("target") is not None
            case "target_reached":
                self.reached = True
            case "done":
                reason = record.get("reason")
                self.done = reason if isinstance(reason, str) else "done, no reason given"
            case "step_start":
                self.steps_started += 1
            case "step_complete":
                self.steps_completed += 1
            case "retries_exceeded":
                self.retries_exceeded = True
            case "infer_error":
                self.infer_errors += 1
            case "session_end":
                self.ended = True

    def verdict(self) -> tuple[Outcome, str]:
        outcome, reason = self._end()
        if self.infer_errors:
            errors = f"{self.infer_errors} infer_error{'s' if self.infer_errors > 1 else ''}"
            reason = f"{one_line(reason, 120)}; {errors}" if reason else errors
        return outcome, reason

    def _end(self) -> tuple[Outcome, str]:
        if self.reached or self.done == "target_reached":
            return "succeeded", ""
        if self.retries_exceeded:
            return "failed", "retries exceeded"
        if self.done is not None:
            return ("failed" if self.has_target else "unknown"), self.done
        if not self.ended:
            return "unfinished", ""
        if self.steps_started:
            left = self.steps_started - self.steps_completed
            if left <= 0:
                return "succeeded", ""
            return "failed", f"{left} of {self.steps_started} steps not completed"
        return "unknown", "ended without a result"
