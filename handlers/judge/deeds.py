"""What people (and the watch window) do with prompt versions: approve, reject, roll back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlers.jobs import JobContext, JobResult, PermanentFailure
from handlers.judge import versions
from handlers.judge.recovery import recovered
from handlers.judge.source import RefusedSource, edited, parse_prompt
from handlers.project.paths import inside
from handlers.project.writing import ChangedMeanwhile, swap
from store.events import Event
from store.improvements import PromptRow, prompt_versions
from store.promptevents import (
    PromptConflictFound,
    PromptRejected,
    PromptRewritten,
    PromptRolledBack,
    PromptVersion,
    RuleFact,
)
from store.queries import State
from store.schema import connect_reader


def act(context: JobContext) -> JobResult:
    """spec: {action: approve | reject | rollback, version: int | None, by, reason ...}.

    Raises PermanentFailure when there is no such version, or none in that state.
    """
    assert context.project is not None
    state = State(connect_reader(context.state_dir))
    found = recovered(state, context.project)
    if found is not None:
        return JobResult((found,), "recorded a version that was written just before a crash")
    deed = _Deed(context.project, state, context.spec)
    match context.spec["action"]:
        case "approve":
            return deed.approve()
        case "reject":
            return deed.reject()
        case "rollback":
            return deed.roll_back()
    raise PermanentFailure(f"no such action {context.spec['action']!r}")


@dataclass
class _Deed:
    project: Path
    state: State
    spec: Mapping[str, Any]

    @property
    def by(self) -> str:
        return str(self.spec.get("by", "cadenzad"))

    def _row(self, *states: str) -> PromptRow:
        """The version that is meant: the one named, else the newest in one of these states."""
        rows = prompt_versions(self.state.connection, str(self.project))
        number: int | None = self.spec.get("version")
        fitting = [row for row in rows if row.state in states]
        fitting = [row for row in fitting if number in (None, row.version)]
        if fitting:
            return fitting[-1]
        named = f"version {number}" if number is not None else "version"
        raise PermanentFailure(
            f"{self.project.name}: no {' or '.join(states)} prompt {named}",
            hint="`cadenzactl prompt PROJECT log` lists them",
        )

    def approve(self) -> JobResult:
        """Write a proposal into the file, if that is still the one it was made for."""
        row = self._row("proposed")
        saved = versions.load(self.project, row.version)
        facts = {key: saved.facts[key] for key in PromptVersion.model_fields}
        event = PromptRewritten(**facts, by=self.by)
        path = inside(self.project, Path(row.file))
        record = {"type": event.type_name(), **event.model_dump(mode="json")}
        versions.save(self.project, row.version, record, saved.before, saved.after)
        try:
            if hashlib.sha256(_bytes(path)).hexdigest() != row.after_sha256:
                swap(path, row.before_sha256, saved.after)
        except (ChangedMeanwhile, OSError) as error:
            proposed = {**saved.facts, "type": "PromptProposed"}
            versions.save(self.project, row.version, proposed, saved.before, saved.after)
            return self._conflict(row.file, str(error))
        return JobResult((event,), f"version {row.version} is in {row.file}")

    def reject(self) -> JobResult:
        row = self._row("proposed")
        return JobResult(
            (PromptRejected(version=row.version, by=self.by),), f"version {row.version} rejected"
        )

    def roll_back(self) -> JobResult:
        """Take a version's change back. The exact bytes where nothing else was edited since."""
        row = self._row("current")
        saved = versions.load(self.project, row.version)
        path = inside(self.project, Path(row.file))
        data = _bytes(path)
        try:
            after = _before(saved, data, path)
        except RefusedSource as error:
            return self._conflict(row.file, error.message)
        rows = prompt_versions(self.state.connection, str(self.project))
        event = PromptRolledBack(
            version=max(item.version for item in rows) + 1,
            of=row.version,
            parent=row.version,
            file=row.file,
            before_sha256=hashlib.sha256(data).hexdigest(),
            after_sha256=hashlib.sha256(after).hexdigest(),
            rules=(),
            diff=versions.diff_of(row.file, data, after),
            by=self.by,
            reason=str(self.spec.get("reason", "asked for")),
            test=str(self.spec.get("test", "")),
            evidence=dict(self.spec.get("evidence", {})),
        )
        parent = next((item for item in rows if item.version == row.parent), None)
        if parent is not None:
            event = event.model_copy(update={"rules": _rules(parent)})
        record = {"type": event.type_name(), **event.model_dump(mode="json")}
        versions.save(self.project, event.version, record, data, after)
        try:
            swap(path, event.before_sha256, after)
        except (ChangedMeanwhile, OSError) as error:
            return self._conflict(row.file, str(error))
        return JobResult((event,), f"version {row.version} taken back as {event.version}")

    def _conflict(self, file: str, reason: str) -> JobResult:
        found: Event = PromptConflictFound(file=file, reason=reason)
        return JobResult((found,), f"conflict: {reason}")


def _before(saved: versions.Saved, data: bytes, path: Path) -> bytes:
    """What the file was before a version, with what its author changed elsewhere since."""
    if data == saved.after:
        return saved.before
    old = parse_prompt(saved.before, path)
    rules = old.block.rules if old.block is not None else []
    return edited(parse_prompt(data, path), rules)


def _rules(row: PromptRow) -> tuple[RuleFact, ...]:
    return tuple(RuleFact.model_validate(rule) for rule in row.rules)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PermanentFailure(f"{path}: cannot be read: {error.strerror}") from None
