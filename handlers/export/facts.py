"""What an export did, as the event that records it."""

from __future__ import annotations

from typing import Literal

from handlers.export.export import ExportReport
from store.events.files import RunExported


def exported(
    report: ExportReport,
    *,
    run_id: str,
    run_path: str,
    output: str,
    manifest: str | None,
    origin: Literal["reactive", "manual"],
) -> RunExported:
    """The event of a finished export; paths as events write them (see RunExported)."""
    return RunExported(
        run_id=run_id,
        run_path=run_path,
        source_sha256=report.source_sha256,
        output=output,
        output_sha256=report.output_sha256,
        manifest=manifest,
        format=report.format,
        alignment=report.alignment,
        template_sha256=report.template_sha256,
        records=report.written,
        rejected=report.rejected,
        filtered=report.filtered,
        warnings=report.warnings,
        origin=origin,
    )
