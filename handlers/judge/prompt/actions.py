"""What people (and the watch window) do with prompt versions: approve, reject, roll back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlers.jobs import JobContext, JobResult, PermanentFailure, with_history
from handlers.judge.monitor.unread import unread_logs
from handlers.judge.prompt import versions
from handlers.judge.prompt.check import check_static
from handlers.judge.prompt.known import FOUND, Known, known
from handlers.judge.prompt.opened import rewrites_between
from handlers.judge.prompt.recovery import PROMPTS
from handlers.judge.prompt.source import (
    BlockConflict,
    PromptSource,
    RefusedSource,
    edited,
    read_prompt,
    rewritten,
)
from handlers.judge.prompt.wording import Wording
from handlers.judge.settings import JudgeSettings
from handlers.project.paths import inside
from handlers.project.writing import ChangedMeanwhile, swap
from handlers.recovery import FINISHED_BEFORE, has_led_to, note
from store.errors import CadenzaError, InputError
from store.events.base import Event
from store.events.prompt import (
    PromptConflictFound,
    PromptRejected,
    PromptRewritten,
    PromptRolledBack,
    PromptVersion,
    PromptWatchEnded,
    RuleFact,
)
from store.reads.improvements import PromptRow
from store.reads.state import State
from store.schema import Connection

WANTED: Mapping[str, tuple[str, ...]] = {
    "approve": ("proposed",),
    "reject": ("proposed",),
    "rollback": ("current", "theirs"),
}
"""Action -> the states of a version in which it makes sense, the likeliest first."""
CONCLUDES: Mapping[str, type[Event]] = {
    "approve": PromptRewritten,
    "reject": PromptRejected,
    "rollback": PromptRolledBack,
}
"""Action -> the event that says it was done."""
TRIES = 3
"""An editor may save between our reading and our writing: then it is done again."""


@with_history
def act(context: JobContext, history: Connection) -> JobResult:
    """spec: {action: approve | reject | rollback, version: int | None, by, reason ...}.

    Raises PermanentFailure when there is no such version, or none in that state.
    """
    assert context.project is not None
    state = State(history)
    name = str(context.spec["action"])
    if name in CONCLUDES and has_led_to([CONCLUDES[name]], context.job, state.connection):
        return JobResult((), FINISHED_BEFORE)
    named = context.settings.of(JudgeSettings).prompt
    now = known(state, context.project, named)
    action = _Action(context.project, state, now, context.spec, context.job, named)
    try:
        result = action.perform(name)
    except CadenzaError as error:
        if not now.events:
            raise
        # What was found out about the file is so, whatever became of the action.
        message = error.message
        if any(event.type_name() != "PromptConflictFound" for event in now.events):
            message = f"{FOUND}; {message}"
        raise PermanentFailure(message, hint=error.hint, events=now.events) from None
    return JobResult((*now.events, *result.events), result.summary)


def take_back(context: JobContext, state: State, now: Known, spec: Mapping[str, Any]) -> JobResult:
    """Roll a version back; `spec` as for `act`, with the version and why."""
    assert context.project is not None
    named = context.settings.of(JudgeSettings).prompt
    return _Action(context.project, state, now, spec, context.job, named).roll_back()


def meant(name: str, rows: Sequence[PromptRow], action: str, number: int | None) -> PromptRow:
    """The version an action is about: the one named, else the newest in the likeliest state.

    Raises PermanentFailure when there is none.
    """
    states = WANTED[action]
    for state in states:
        # Whose block is its author's is taken back only while nothing came after it.
        if state == "theirs" and any(row.state == "current" for row in rows):
            continue
        fitting = [row for row in rows if row.state == state and number in (None, row.version)]
        if fitting:
            return fitting[-1]
    named = f"version {number}" if number is not None else "version"
    raise PermanentFailure(
        f"{name}: no {states[0]} prompt {named}",
        hint="`cadenzactl prompt PROJECT log` lists them",
    )


@dataclass
class _Action:
    """Something to be done with the versions as they are `now`, by the job with an id.

    `named`: the setting judge.prompt.
    """

    project: Path
    state: State
    now: Known
    spec: Mapping[str, Any]
    job: int | None
    named: str = ""

    @property
    def by(self) -> str:
        return str(self.spec.get("by", "cadenzad"))

    def perform(self, name: str) -> JobResult:
        match name:
            case "approve":
                return self.approve()
            case "reject":
                return self.reject()
            case "rollback":
                return self.roll_back()
        raise PermanentFailure(f"no such action {name!r}")

    def _row(self, action: str) -> PromptRow:
        return meant(self.project.name, self.now.rows, action, self.spec.get("version"))

    def approve(self) -> JobResult:
        """Write a proposal into the file; the edit is made anew where the file has changed."""
        row = self._row("approve")
        saved = versions.load(self.project, row.version)
        path = inside(self.project, Path(row.file))
        ended = self._end_of_watch(row)
        reason = ""
        for _ in range(TRIES):
            data = _bytes(path)
            try:
                after = _redone(saved, self._read(path, data))
            except RefusedSource as error:
                return self._conflict(row.file, error.message)
            event = self._rewritten(saved, row.file, data, after)
            versions.save_event(self.project, self.job, event, data, after)
            self._note(*ended, event)
            try:
                swap(path, event.before_sha256, after)
            except (ChangedMeanwhile, OSError) as error:
                versions.save(self.project, row.version, saved.facts, saved.before, saved.after)
                reason = str(error)
                continue
            return JobResult((*ended, event), f"version {row.version} is in {row.file}")
        return self._conflict(row.file, reason)

    def reject(self) -> JobResult:
        row = self._row("reject")
        return JobResult(
            (PromptRejected(version=row.version, by=self.by),), f"version {row.version} rejected"
        )

    def roll_back(self) -> JobResult:
        """Take a version's change back. The exact bytes where nothing else was edited since."""
        if self.by == "cadenzad" and not self._is_current():
            return JobResult((), f"version {self.spec['version']} is not in the file any more")
        row = self._row("rollback")
        path = inside(self.project, Path(row.file))
        reason = ""
        for _ in range(TRIES):
            data = _bytes(path)
            try:
                saved = versions.load(self.project, row.version)
                after = _before(saved, self._read(path, data))
            except (RefusedSource, InputError) as error:
                theirs = isinstance(error, BlockConflict) or self.by == "cadenzad"
                return self._conflict(row.file, error.message, row.version if theirs else None)
            event = self._rolled_back(row, data, after)
            versions.save_event(self.project, self.job, event, data, after)
            self._note(event)
            try:
                swap(path, event.before_sha256, after)
            except ChangedMeanwhile as error:
                versions.discard(self.project, event.version)
                reason = error.message
                continue
            except OSError:
                versions.discard(self.project, event.version)
                raise  # a full disk, perhaps: worth another attempt
            summary = f"version {row.version} taken back as {event.version}"
            if event.restores is not None:
                summary += f"; the rules of version {event.restores} are back, and watched"
            return JobResult((event,), summary)
        return self._conflict(row.file, reason)

    def _read(self, path: Path, data: bytes) -> PromptSource:
        return read_prompt(self.project, path, self.named, data)

    def _is_current(self) -> bool:
        current = self.now.current
        return current is not None and current.version == self.spec.get("version")

    def _end_of_watch(self, row: PromptRow) -> tuple[Event, ...]:
        """Somebody who approves while another version is watched does not wait for its verdict."""
        current = self.now.current
        if current is None or not current.watching:
            return ()
        reason = f"version {row.version} was approved while it was watched"
        ended = PromptWatchEnded(
            version=current.version, test="", outcome="superseded", reason=reason
        )
        return (ended,)

    def _rewritten(
        self, saved: versions.Saved, file: str, data: bytes, after: bytes
    ) -> PromptRewritten:
        # A field that is not there has its default, as in a record of before there was such a one.
        known = PromptVersion.fields()
        facts = {name: value for name, value in saved.facts.items() if name in known}
        current = self.now.current
        facts |= {
            "parent": current.version if current is not None else None,
            "before_sha256": _sha256(data),
            "after_sha256": _sha256(after),
            "diff": versions.diff_of(file, data, after),
        }
        try:
            return PromptRewritten.of_shape(
                facts | {"by": self.by, "unread": unread_logs(self.state, self.project)}
            )
        except ValueError as error:
            raise PermanentFailure(
                f"prompt version {saved.number}: its record was changed on disk: {error}"
            ) from None

    def _rolled_back(self, row: PromptRow, data: bytes, after: bytes) -> PromptRolledBack:
        rows = self.now.rows
        parent = next((item for item in rows if item.version == row.parent), None)
        return PromptRolledBack(
            version=self.now.next_version,
            of=row.version,
            parent=row.version,
            file=row.file,
            before_sha256=_sha256(data),
            after_sha256=_sha256(after),
            rules=_rules(parent) if parent is not None else (),
            diff=versions.diff_of(row.file, data, after),
            by=self.by,
            reason=str(self.spec.get("reason", "asked for")),
            test=str(self.spec.get("test", "")),
            evidence=dict(self.spec.get("evidence", {})),
            restores=row.undoes,
            unread=unread_logs(self.state, self.project),
        )

    def _note(self, *events: Event) -> None:
        """What will be recorded, before the file is replaced."""
        pending = (*self.now.events, *events)
        note(PROMPTS, self.project, self.state.connection, self.job, pending)

    def _conflict(self, file: str, reason: str, version: int | None = None) -> JobResult:
        found: Event = PromptConflictFound(file=file, reason=reason, version=version)
        return JobResult((found,), f"conflict: {reason}")


def _redone(saved: versions.Saved, source: PromptSource) -> bytes:
    """A proposal's change, made in the file as it is now."""
    if source.data in (saved.before, saved.after):
        return saved.after
    path = source.path
    was, made = source.again(saved.before), source.again(saved.after)
    old, new, now = was.block, made.block, source.block
    if now is not None and now.intact and now.lines != (old.lines if old is not None else None):
        raise BlockConflict(f"{path}: the managed block is not the one this version was made for")
    if now is None and old is not None:
        raise BlockConflict(f"{path}: the managed block this version was made for is gone")
    wording = Wording(
        new.sentences if new is not None else (), rewrites_between(was.value, made.value)
    )
    after = edited(source, new.rules if new is not None else [], wording.sentences)
    after = rewritten(source.again(after), wording.rewrites)
    gate = check_static(source, after, wording)
    if gate.result == "fail":
        raise RefusedSource(f"{path}: {gate.detail}")
    return after


def _before(saved: versions.Saved, source: PromptSource) -> bytes:
    """What the file was before a version, with what its author changed elsewhere since."""
    if source.data == saved.after:
        return saved.before
    if source.data == saved.before:
        return source.data
    path = source.path
    was, made = source.again(saved.before), source.again(saved.after)
    old, new, now = was.block, made.block, source.block
    back = [rewrite.back for rewrite in rewrites_between(was.value, made.value)]
    if now is None and old is None:  # there was none, or somebody took it out already
        return rewritten(source, back)
    if now is None and new is not None:
        raise BlockConflict(f"{path}: the managed block was taken out by hand")
    if now is not None and now.intact and now.lines != (new.lines if new is not None else None):
        raise BlockConflict(f"{path}: the managed block is not the one of this version")
    after = edited(source, old.rules, old.sentences) if old is not None else edited(source, [])
    return rewritten(source.again(after), back)


def _rules(row: PromptRow) -> tuple[RuleFact, ...]:
    return tuple(RuleFact.of_shape(rule) for rule in row.rules)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PermanentFailure(f"{path}: cannot be read: {error.strerror}") from None
