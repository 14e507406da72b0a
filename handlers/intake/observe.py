"""Read one dropped file: its identity, its hash and what is in it."""

from __future__ import annotations

import hashlib
import os
import stat as stat_module
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeGuard

from handlers.project.formats.examples import ExamplesSummary, read_examples
from handlers.project.formats.lines import first_objects
from handlers.project.formats.logsummary import LogSummary
from handlers.project.formats.orchestrator import read_orchestrator_log
from handlers.project.formats.runlog import read_run_log
from handlers.project.jsontext import MAX_BYTES
from handlers.project.library import ActionLibrary, library_for
from handlers.project.paths import CADENZA_DIR, classify, held_out, inside, sniff
from handlers.project.project import Project
from handlers.project.spec import ProjectSpec, parse_spec
from store.errors import ProjectError, SpecError, UnsafePathError
from store.events.files import LineProblem
from store.identity import NOTHING, Prefix
from store.reads.state import FileRow

if TYPE_CHECKING:
    from handlers.project.paths import Role

UNRECOGNISED = (
    "not recognised: name it *.log.jsonl, *.orchestrator.jsonl, *.examples.jsonl or *.exam.jsonl"
)
RECORDS = f"training records, not a run: name it *.finetune.jsonl, or keep it out of {CADENZA_DIR}"
PACKED = "compressed, and read only uncompressed: decompress it (gunzip, say)"


@dataclass(frozen=True)
class Stat:
    """The part of os.stat that says whether a file is the one that was read before."""

    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, result: os.stat_result) -> Stat:
        return cls(
            result.st_dev, result.st_ino, result.st_size, result.st_mtime_ns, result.st_ctime_ns
        )

    def as_tuple(self) -> tuple[int, int, int, int, int]:
        return self.dev, self.ino, self.size, self.mtime_ns, self.ctime_ns


@dataclass(frozen=True)
class Observation:
    """What one read of a file found.

    `digest` is what the first `size` bytes are known by (a torn last line is left for later);
    `prior_digest` covers the first bytes that were known before, hashed as those are known, and is
    None when the file is now shorter. Of env.json it is SHA-256, by which run logs name it. Exactly
    one of `spec`, `log`, `examples` and `rejection` is set.
    """

    project: str
    path: str
    kind: Role
    stat: Stat
    size: int
    digest: str
    prior_digest: str | None = None
    spec: ProjectSpec | None = None
    log: LogSummary | None = None
    examples: ExamplesSummary | None = None
    rejection: str | None = None
    rejected_line: int | None = None


def observe(project: Path, path: str, prior: FileRow | None) -> Observation | Stat | None:
    """Read the file at `path` (relative to `project`); None when it is not for us or not there.

    A Stat: there is nothing to record of the file as it is, nor will there be until that changes:
    it is somebody's own, empty, or its first line is still being written.

    `prior` is the file as known before under this or an earlier name: what it covered is hashed
    apart, which tells a file that grew from one that was replaced.
    """
    kind = classify(path)
    full = project / path
    if kind in ("ignore", "recording"):  # of a recording it is enough that it is there
        return None
    try:
        info = full.lstat()
    except OSError:
        return None  # gone, or in a folder that cannot be looked into: that says nothing of it
    try:
        if stat_module.S_ISLNK(info.st_mode):
            info = full.stat()  # first: whether it is as last read is asked of what it leads to
            inside(project, full)
        if not stat_module.S_ISREG(info.st_mode):
            return None
        if kind == "packed":
            return _unreadable(project, path, kind, Stat.of(info), PACKED)
        if kind in ("maybe", "run"):
            kind, reason = _sniff(full, path, kind)
            if reason is not None:
                return _unreadable(project, path, kind, Stat.of(info), reason)
        if kind == "ignore":
            return Stat.of(info)
        return _read(project, path, kind, prior)
    except FileNotFoundError:
        return None
    except UnsafePathError as error:
        return _unreadable(project, path, kind, Stat.of(info), error.message)
    except OSError as error:
        return _unreadable(
            project, path, kind, Stat.of(info), f"cannot be read: {error.strerror or error}"
        )


def unnameable(project: Path, path: str, full: str) -> Observation | None:
    """A file whose name is not UTF-8: it cannot be written into an event, so it is rejected.

    `path` is its name made printable, `full` its real path.
    """
    try:
        stat = Stat.of(os.stat(full))
    except OSError:
        return None
    reason = "its name is not UTF-8: rename it"
    return _unreadable(project, path, classify(path), stat, reason)


def _sniff(full: Path, path: str, kind: Role) -> tuple[Role, str | None]:
    """What a file is by its first lines, where its name does not say it for sure; or why nothing.

    A run log may be an orchestrator's. Of files whose name says nothing, those in the project root
    are people's own business; in `.cadenza-env/` one without an object to tell by stays "maybe".
    """
    in_root = "/" not in path
    with _open(full) as stream:
        objects: list[Mapping[str, Any]] = []
        content = sniff(_noted(first_objects(stream), objects), in_root=in_root)
    if kind == "run":
        return ("orchestrator" if content == "orchestrator" else "run"), None
    if content == "examples" and held_out(path):
        return "exam", None
    if content != "ignore" or in_root:
        return content, None
    if not objects:
        return "maybe", None
    return "maybe", RECORDS if any("prompt" in item for item in objects) else UNRECOGNISED


def _noted(
    objects: Iterable[Mapping[str, Any]], seen: list[Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    for item in objects:
        seen.append(item)
        yield item


def _open(path: Path) -> BinaryIO:
    """Open for reading without waiting: a pipe may have taken the file's place just now."""
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))


def _unreadable(project: Path, path: str, kind: Role, stat: Stat, reason: str) -> Observation:
    return Observation(str(project), path, kind, stat, 0, NOTHING, rejection=reason)


def _read(project: Path, path: str, kind: Role, prior: FileRow | None) -> Observation | Stat:
    before = Prefix(prior.size, prior.sha256) if prior is not None else None
    with _open(project / path) as stream:
        stat = Stat.of(os.fstat(stream.fileno()))
        if kind == "config":
            return _observe_config(project, path, stat, stream.read(MAX_BYTES + 1))
        if kind in ("examples", "exam"):
            examples = read_examples(stream, _library(project), prior=before)
            return _observe_lines(project, path, kind, stat, examples, prior)
        read = read_orchestrator_log if kind == "orchestrator" else read_run_log
        log = read(stream, prior=before)
        if kind == "maybe" and log.counts.valid:
            kind = "run"
        return _observe_lines(project, path, kind, stat, log, prior)


def _observe_config(project: Path, path: str, stat: Stat, data: bytes) -> Observation:
    read = Observation(
        str(project), path, "config", stat, len(data), hashlib.sha256(data).hexdigest()
    )
    try:
        return replace(read, spec=parse_spec(data, path))
    except SpecError as error:
        return replace(read, rejection=error.message)


def _observe_lines(
    project: Path,
    path: str,
    kind: Role,
    stat: Stat,
    found: LogSummary | ExamplesSummary,
    prior: FileRow | None,
) -> Observation | Stat:
    read = Observation(str(project), path, kind, stat, found.size, found.digest, found.prior_digest)
    if found.size == 0:
        # Empty, or one line that is still being written: of a new file there is nothing to say yet.
        return replace(read, rejection=_cut(stat, prior)) if _is_cut(prior) else stat
    if isinstance(found, LogSummary):
        if found.counts.valid:
            return replace(read, log=found)
        what, rejected = "no run record", found.counts.rejected
    else:
        if found.rows:
            return replace(read, examples=found)
        what, rejected = "no example", found.rejected
    reason, line = _nothing_usable(what, found.problems, rejected)
    return replace(read, rejection=reason, rejected_line=line)


def _is_cut(prior: FileRow | None) -> TypeGuard[FileRow]:
    """Whether a file without one whole line held some when it was last read."""
    return prior is not None and prior.present and (prior.size > 0 or not prior.accepted)


def _cut(stat: Stat, prior: FileRow) -> str:
    if prior.size == 0:
        return prior.reason  # said before
    left = "it was emptied" if stat.size == 0 else "it was cut to one unfinished line"
    return f"{left}: {prior.size:,} bytes of it had been recorded"


def _nothing_usable(
    what: str, problems: Sequence[LineProblem], rejected: int
) -> tuple[str, int | None]:
    """The reason for rejecting a whole file, from the first of its bad lines."""
    if not problems:
        return f"{what} in it: only blank lines", None
    first = problems[0]
    lines = "1 line" if rejected == 1 else f"{rejected} lines"
    return f"{what} in {lines}; line {first.line}: {first.reason}", first.line


def _library(project: Path) -> ActionLibrary:
    """The actions this project knows; go1's when env.json does not say (it is not valid yet)."""
    try:
        return Project.open(project).library
    except ProjectError:
        return library_for("go1", None)
