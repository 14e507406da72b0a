"""What an observation means, given what is known: the events to append, possibly none. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from handlers.intake.observe import Observation
from handlers.project.formats.logsummary import LogSummary
from handlers.project.paths import run_id_of
from store.events.base import Event
from store.events.files import (
    EpisodeFact,
    ExamplesRecorded,
    FileFact,
    FileMoved,
    FileRejected,
    ProjectChanged,
    ProjectDiscovered,
    RunExtended,
    RunRecorded,
    RunReplaced,
)
from store.events.files import FileKind as StoredKind
from store.reads.state import FileRow, ProjectRow


@dataclass(frozen=True)
class Known:
    """What the view says about the observed file at the moment of deciding.

    `prior`: the file under this path. `moved_from`: a known file with the same identity whose old
    path is gone. `twin`: another run with the same bytes. `last_episode`: index of the last known
    episode of the run (an extension may change it), None without one.
    """

    project: ProjectRow | None
    prior: FileRow | None = None
    moved_from: FileRow | None = None
    twin: FileRow | None = None
    last_episode: int | None = None


def decide(seen: Observation, known: Known) -> list[Event]:
    """The events that record an observation. The same bytes again: none."""
    if seen.kind == "config":
        return _decide_config(seen, known)
    prior = known.prior
    if prior is None and known.moved_from is not None:
        moved = _moved(seen, known.moved_from)
        if moved is not None:
            after = known.moved_from._replace(path=seen.path, revision=moved.file.revision)
            return [moved, *_decide_content(seen, known, after)]
    return _decide_content(seen, known, prior)


def _decide_content(seen: Observation, known: Known, prior: FileRow | None) -> list[Event]:
    same_bytes = _is_same(seen, prior)
    if seen.rejection is not None:
        if same_bytes and prior is not None and prior.reason == seen.rejection:
            return []
        return [_rejected(seen, prior)]
    if same_bytes and prior is not None and _is_settled(prior, _stored_kind(seen)):
        return []
    if seen.examples is not None:
        return [
            ExamplesRecorded(
                file=_file(seen, prior),
                split="exam" if seen.kind == "exam" else "train",
                rows=seen.examples.rows,
                rejected=seen.examples.rejected,
                problems=seen.examples.problems,
            )
        ]
    if seen.log is None:
        return []
    return [_decide_run(seen, seen.log, known, prior)]


def _is_settled(prior: FileRow, kind: StoredKind) -> bool:
    """Whether the same bytes again would say nothing: known, there, and as what they are."""
    return prior.accepted and prior.present and prior.kind == kind


def _decide_run(
    seen: Observation, log: LogSummary, known: Known, prior: FileRow | None
) -> RunRecorded | RunExtended | RunReplaced:
    read: dict[str, Any] = {
        "run_id": run_id_of(seen.path),
        "format": log.format,
        "file": _file(seen, prior),
        "episodes": log.episodes,
        "lines": log.counts,
        "problems": log.problems,
    }
    twin_of = known.twin.path if known.twin is not None else None
    if prior is None or not prior.accepted or not prior.present or prior.kind != "run":
        return RunRecorded(**read, twin_of=twin_of)
    if seen.prior_digest == prior.sha256:
        read["episodes"] = _changed(log.episodes, known.last_episode)
        return RunExtended(**read, previous_size=prior.size, previous_sha256=prior.sha256)
    return RunReplaced(**read, twin_of=twin_of, previous_sha256=prior.sha256)


def _changed(episodes: tuple[EpisodeFact, ...], last: int | None) -> tuple[EpisodeFact, ...]:
    """Growing can change the last known episode and add new ones; earlier ones stay."""
    return tuple(episode for episode in episodes if last is None or episode.index >= last)


def _decide_config(seen: Observation, known: Known) -> list[Event]:
    project, prior = known.project, known.prior
    same_bytes = _is_same(seen, prior)
    if seen.rejection is not None or seen.spec is None:
        if same_bytes and project is not None and project.state == "invalid":
            return []
        return [_rejected(seen, prior)]
    if same_bytes and project is not None and project.state == "ready":
        return []
    name = PurePosixPath(seen.project).name
    phases = tuple(phase.name for phase in seen.spec.phases)
    # One that comes back with other bytes has changed: what was exported before is stale.
    comes_back = (
        project is not None and project.state == "removed" and project.env_sha256 == seen.digest
    )
    if project is None or project.env_sha256 is None or comes_back:
        return [
            ProjectDiscovered(
                name=name,
                path=seen.project,
                mission=seen.spec.name,
                robot=seen.spec.robot,
                phases=phases,
                file=_file(seen, prior),
            )
        ]
    return [
        ProjectChanged(
            name=name,
            path=seen.project,
            mission=seen.spec.name,
            robot=seen.spec.robot,
            phases=phases,
            file=_file(seen, prior),
            previous_sha256=project.env_sha256,
        )
    ]


def _moved(seen: Observation, old: FileRow) -> FileMoved | None:
    """A rename, when the bytes known under the old name are still the first ones of this file."""
    same = _is_same(seen, old) or seen.prior_digest == old.sha256
    if not same or old.kind != _stored_kind(seen):
        return None
    return FileMoved(
        previous_path=old.path,
        run_id=run_id_of(seen.path) if old.kind == "run" else None,
        file=FileFact(
            path=seen.path,
            dev=seen.stat.dev,
            ino=seen.stat.ino,
            size=old.size,
            mtime_ns=seen.stat.mtime_ns,
            sha256=old.sha256,
            revision=old.revision + 1,
        ),
    )


def _rejected(seen: Observation, prior: FileRow | None) -> FileRejected:
    return FileRejected(
        file=_file(seen, prior),
        kind=_stored_kind(seen),
        reason=seen.rejection or "not usable",
        line=seen.rejected_line,
        project_name=PurePosixPath(seen.project).name,
    )


def _is_same(seen: Observation, prior: FileRow | None) -> bool:
    """Whether the bytes are those that were known before, by whichever hash those are known."""
    if prior is None or prior.size != seen.size:
        return False
    return prior.sha256 in (seen.digest, seen.prior_digest) or seen.size == 0


def _file(seen: Observation, prior: FileRow | None) -> FileFact:
    return FileFact(
        path=seen.path,
        dev=seen.stat.dev,
        ino=seen.stat.ino,
        size=seen.size,
        mtime_ns=seen.stat.mtime_ns,
        # The same bytes stay what they are known by, also where that is an older log's hash.
        sha256=prior.sha256 if prior is not None and _is_same(seen, prior) else seen.digest,
        revision=prior.revision + 1 if prior is not None else 1,
    )


def _stored_kind(seen: Observation) -> StoredKind:
    match seen.kind:
        case "run" | "orchestrator":
            return "run"
        case "config" | "examples" | "exam":
            return seen.kind
        case _:
            return "unknown"
