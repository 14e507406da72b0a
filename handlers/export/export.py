"""Export one run log: training records and their manifest, whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from handlers.export.files import AsRead, ChangedMeanwhile, LogReader, NewFile, publish
from handlers.export.manifest import (
    ALIGNMENT,
    FileDigest,
    build_manifest,
    encode_manifest,
    template_sha256,
)
from handlers.export.records import Recipe, RecordMaker
from handlers.export.tally import Tally, Why
from handlers.project.paths import EXPORTS_DIR, run_id_of
from store.errors import InputError, NothingToExport
from store.events.exports import RunExported


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export did. `tally`: what became of every line of the log."""

    format: ClassVar[str] = "jsonl"
    alignment: ClassVar[str] = ALIGNMENT

    output: Path
    manifest: Path | None
    source_hash: str
    output_hash: str
    template_sha256: str
    tally: Tally
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drafted:
    """An export that is written and not yet in place: `publish(*files)` puts it there."""

    report: ExportReport
    files: tuple[NewFile, ...]


def exported_paths(run_id: str) -> tuple[str, str]:
    """Where a run's export and its manifest go, relative to the project."""
    stem = f"{EXPORTS_DIR}/{run_id}.finetune"
    return f"{stem}.jsonl", f"{stem}.manifest.json"


def export_run(
    log: Path,
    output: Path,
    recipe: Recipe,
    *,
    manifest: Path | None,
    progress: Callable[[int], object] | None = None,
) -> ExportReport:
    """Make training records of a run log.

    The log is read once, up to the size it has now. `progress` is called with the number of bytes
    read since its last call, a few hundred thousand at a time; what it raises ends the export.
    Whatever ends it, an existing output stays as it was. The same log and recipe give the same
    bytes, in the output and in the manifest.

    Raises ForeignLog for a log of another mission; NothingToExport when not one record could be
    made (records that were only filtered out give an empty output and a warning); LogNotFound
    (which is a FileNotFoundError too); InputError for paths that cannot be meant; ExportIOError for
    what the operating system refuses.
    """
    with contextlib.ExitStack() as open_files:
        drafted = draft_run(log, output, recipe, open_files, manifest=manifest, progress=progress)
        publish(*drafted.files)
    return drafted.report


def draft_run(
    log: Path,
    output: Path,
    recipe: Recipe,
    open_files: contextlib.ExitStack,
    *,
    manifest: Path | None,
    progress: Callable[[int], object] | None = None,
    as_read: AsRead | None = None,
) -> Drafted:
    """As `export_run`, without putting anything in place: what is not, leaves with `open_files`.

    `as_read`: how the log was when it was taken in. While it is still so it is not hashed again.
    """
    with contextlib.suppress(ChangedMeanwhile), contextlib.ExitStack() as drafts:
        drafted = _draft(log, output, recipe, drafts, manifest, progress, as_read)
        open_files.push(drafts.pop_all())
        return drafted
    return draft_run(log, output, recipe, open_files, manifest=manifest, progress=progress)


def _draft(
    log: Path,
    output: Path,
    recipe: Recipe,
    drafts: contextlib.ExitStack,
    manifest: Path | None,
    progress: Callable[[int], object] | None,
    as_read: AsRead | None,
) -> Drafted:
    with LogReader(log, as_read=as_read) as reader:
        _check_paths(reader, output, manifest)
        new = drafts.enter_context(NewFile(output))
        maker = RecordMaker(recipe, run_id_of(log))
        _convert(reader, new, maker, progress or (lambda _read: None))
        tally, warnings = maker.tally, _warnings(maker)
        maker.phases.check(log, recipe.mission)
        if not tally.written and not tally.filtered:
            raise NothingToExport(f"{log}: {_why_nothing(tally)}", hint=_HINT)
        source = FileDigest(name=log.name, size=reader.size, hash=reader.digest())
        made = FileDigest(name=output.name, size=new.size, hash=new.digest())
        files = [new]
        if manifest is not None:
            used = maker.renderer.source
            record = build_manifest(source, made, recipe, tally, used=used, warnings=warnings)
            files.append(drafts.enter_context(NewFile(manifest)))
            files[-1].write(encode_manifest(record))
    report = ExportReport(
        output=output,
        manifest=manifest,
        source_hash=source.hash,
        output_hash=made.hash,
        template_sha256=template_sha256(recipe.template),
        tally=tally,
        warnings=warnings,
    )
    return Drafted(report, tuple(files))


def _convert(
    reader: LogReader, new: NewFile, maker: RecordMaker, progress: Callable[[int], object]
) -> None:
    reported = 0
    for block in reader.blocks():
        if block is None:
            maker.long_line()
        else:
            new.write(maker.block(block))
        progress(reader.size - reported)
        reported = reader.size
    if reader.tail:
        new.write(maker.last_line(reader.tail))
    progress(reader.size - reported)


def _check_paths(reader: LogReader, output: Path, manifest: Path | None) -> None:
    """An export must not replace the log it reads, nor its own manifest."""
    there = set()
    for target in (output, *([] if manifest is None else [manifest])):
        with contextlib.suppress(OSError):
            found = target.stat()
            there.add((found.st_dev, found.st_ino))
            if (found.st_dev, found.st_ino) == reader.identity:
                raise InputError(
                    f"{target}: is the run log itself", hint="name another file to write"
                )
    # What is put in place goes over a link, not where that leads to: two names are two files.
    if manifest is None or (output.name != manifest.name and len(there) != 1):
        return
    if output.resolve() == manifest.resolve():
        raise InputError(f"{output}: cannot be the export and its manifest at once")


_HINT = "a run log holds one JSON object per tick, with tick, phase, action, obs and reward"


def _why_nothing(tally: Tally) -> str:
    """Why a log gave no record, in one line."""
    rejected = tally.rejected
    if not tally.read - tally.blank:
        return "nothing to export: the file holds no lines"
    if rejected and tally.rejected_by[Why.ORCHESTRATOR] == rejected:
        return "nothing to export: an orchestrator log holds no observations or rewards"
    if not rejected:
        return "nothing to export: only reset observations, no action was taken"
    first = tally.samples[0]
    return (
        f"nothing to export: no usable record in {_count(rejected, 'line')}; "
        f"the first is line {first.line}: {first.reason}"
    )


def _warnings(maker: RecordMaker) -> tuple[str, ...]:
    """What a user should know although the export succeeded, one line each."""
    warnings = []
    tally, problem = maker.tally, maker.renderer.problem
    if problem is not None:
        warnings.append(f"prompt_template cannot be rendered, a plain prompt is used: {problem}")
    if tally.plain_prompts:
        warnings.append(
            f"prompt_template does not suit the values of {_count(tally.plain_prompts, 'record')}; "
            "a plain prompt is used there"
        )
    if tally.filtered and not tally.written:
        warnings.append(
            f"the export is empty: all {tally.filtered} usable records were filtered out"
        )
    return tuple(warnings)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def exported(
    report: ExportReport,
    *,
    run_id: str,
    run_path: str,
    output: str,
    manifest: str | None,
    origin: Literal["reactive", "manual"],
    env_sha256: str = "",
) -> RunExported:
    """The event of a finished export; paths as events write them (see RunExported)."""
    return RunExported(
        run_id=run_id,
        run_path=run_path,
        source_sha256=report.source_hash,
        output=output,
        output_sha256=report.output_hash,
        manifest=manifest,
        format=report.format,
        alignment=report.alignment,
        template_sha256=report.template_sha256,
        records=report.tally.written,
        rejected=report.tally.rejected,
        filtered=report.tally.filtered,
        warnings=report.warnings,
        origin=origin,
        env_sha256=env_sha256,
    )
