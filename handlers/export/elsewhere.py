"""Exports of many logs as parts of one computation: a log is a part, and the same bytes come back.

A log that gives nothing there, for whatever reason, is read by whoever asked, who says why.
"""

from __future__ import annotations

import base64
import os
import tempfile
import zlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from handlers.export.export import ExportReport, export_run
from handlers.export.records import Recipe
from handlers.jobs import JobContext, JobResult
from handlers.spread import NoRoom
from store.errors import InputError
from store.text import counted

GATHER = f"{__name__}:gather"


def spec_of(logs: Mapping[str, str], recipe: Recipe, folder: Path) -> dict[str, Any]:
    """What `gather` is told. `logs`: name of a piece in `folder` -> the log, in its project."""
    return {"logs": dict(logs), "recipe": asdict(recipe), "folder": str(folder)}


def gather(context: JobContext) -> JobResult:
    """A job's function: have logs exported elsewhere, and put their pieces into a folder."""
    logs, folder = context.spec["logs"], Path(context.spec["folder"])
    done = 0
    parts = [{"log": log, "recipe": context.spec["recipe"]} for log in logs.values()]
    try:
        if context.spread is None:
            raise NoRoom
        own = [[log] for log in logs.values()]
        with closing(context.spread.map(f"{__name__}:export_there", parts, [], own)) as found:
            for name, value in zip(logs, found, strict=True):
                if value is not None:
                    _keep(folder / name, value)
                    done += 1
                context.report({"step": "exporting", "done": done, "total": len(logs)})
    except NoRoom:
        pass
    return JobResult(summary=f"{done} of {counted(len(logs), 'log')} exported elsewhere")


def export_there(folder: Path, part: Mapping[str, Any]) -> dict[str, Any] | None:
    """The export of a log, as JSON, from a copy of it; None where there is none to be had."""
    recipe = Recipe(**{**part["recipe"], "phases": tuple(part["recipe"]["phases"])})
    with tempfile.TemporaryDirectory() as scratch:
        piece = Path(scratch) / "records.jsonl"
        try:
            report = export_run(folder / part["log"], piece, recipe, manifest=None)
        except InputError:
            return None
        records = base64.b64encode(zlib.compress(piece.read_bytes(), 1)).decode()
    return {"report": _shape().dump_python(report, mode="json"), "records": records}


def taken(piece: Path) -> ExportReport | None:
    """What `gather` says of a piece that it put there; None where it did not."""
    try:
        shape = _report_of(piece).read_bytes()
    except FileNotFoundError:
        return None
    return replace(_shape().validate_json(shape), output=piece)


def _keep(piece: Path, value: Mapping[str, Any]) -> None:
    """The records first: a piece that has a report is whole."""
    piece.write_bytes(zlib.decompress(base64.b64decode(value["records"])))
    draft = piece.with_suffix(".draft")
    draft.write_bytes(_shape().dump_json(_shape().validate_python(value["report"])))
    os.rename(draft, _report_of(piece))


def _report_of(piece: Path) -> Path:
    return piece.with_suffix(".report")


@cache
def _shape() -> TypeAdapter[ExportReport]:
    return TypeAdapter(ExportReport)
